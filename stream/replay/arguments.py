"""The arguments of ``newsstream replay``, with the help that teaches it; light, so that ``--help`` answers at once."""
# ruff: noqa: PLC0415 - what a replay needs is loaded when one is run

from __future__ import annotations

import argparse
import re
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from stream.records import Reason

if TYPE_CHECKING:
    from stream.config import Settings

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIMES = "2026-03-02, 2026-03-02T08:30 (with a zone, or in UTC), or ago: 90s, 30m, 6h, 2d"
_PREFIX = re.compile(r"[a-zA-Z0-9._-]*")

_REJECTED = """\
Refused messages from news.rejected go back onto the input topic: their original bytes, key and headers, in the trace that they
had, with the count of their attempts. The running workers do the rest.

Without --yes nothing is sent: what would be sent is shown, by reason, with samples (as NDJSON, one refused message a line, where
standard output is no terminal). A message is sent once, however often it was refused and whatever new offsets it was given. It is
left alone when its article has come out enriched since, when its bytes were not kept (too large) or it never had any, and when
it was refused --max-attempts times already, so that poison does not circle for ever."""

_REJECTED_EXAMPLES = """\
examples:
  newsstream replay rejected                                    what is there, by reason; nothing is sent
  newsstream replay rejected --reason crashed --from-time 6h    what crashed in the last six hours
  newsstream replay rejected --reason crashed --limit 1 --yes   send one, and see
  newsstream replay rejected --reason crashed --yes             send all that crashed
  newsstream replay rejected --id tass-2026-17 --yes            send one article
  newsstream replay rejected | jq -r .article_id                for a program"""

_ARTICLES = """\
A part of the input topic goes through the pipeline of this installation again, up to the end that it has now, and every delivery
is awaited. The workers and their group notice nothing. Without --into and --diff it is only shown what would be read.

--into PREFIX publishes under another prefix (shadow topics, made when missing) or, with --yes, over what was published before:
the same input gives the same ids, so whoever writes by id overwrites. --diff compares what the pipeline says now with the last
that was published of each article, and publishes nothing by itself: that is how a new model or setting is judged before it goes
live. The status is 0 only if everything in the range was answered. It may be stopped, and run again, at any moment."""

_ARTICLES_EXAMPLES = """\
examples:
  newsstream replay articles --from-time 2h                                 what would be read
  newsstream replay articles --from-time 1d --diff                          what would change
  NEWSSTREAM_EVENT_THRESHOLD=0.7 newsstream replay articles --diff | jq .   the same for a setting, for a program
  newsstream replay articles --partition 3 --from-offset 1200 --until-offset 1300 --into shadow.
  newsstream replay articles --from-time 2026-03-02T08:00 --until-time 2026-03-02T09:30 --into news. --yes"""


def add(parser: argparse.ArgumentParser) -> None:
    """Give the parser of ``newsstream replay`` its two commands."""
    sources = parser.add_subparsers(dest="source", metavar="SOURCE", required=True)
    _add_rejected(_command(sources, "rejected", "refused messages, back onto the input topic", _REJECTED, _REJECTED_EXAMPLES))
    _add_articles(_command(sources, "articles", "a part of the input, through the pipeline again", _ARTICLES, _ARTICLES_EXAMPLES))


def _command(
    sources: argparse._SubParsersAction[argparse.ArgumentParser], name: str, about: str, text: str, examples: str
) -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    made = sources.add_parser(name, help=about, description=text, epilog=examples, formatter_class=raw)
    made.add_argument("--bootstrap-servers", metavar="HOST:PORT", help="instead of NEWSSTREAM_BOOTSTRAP_SERVERS")
    return made


def _add_rejected(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        metavar="REASON",
        action="extend",
        type=_reasons,
        default=[],
        help=f"only these, separated by commas or said again: {', '.join(Reason)}",
    )
    parser.add_argument(
        "--id",
        "--article-id",
        metavar="ID",
        action="append",
        default=[],
        help="only this article, or this rejection (for what was no article); may be said again",
    )
    _add_times(parser, "refused")
    parser.add_argument("--max-attempts", metavar="N", type=_count, default=3, help="leave what was refused N times (default: 3)")
    parser.add_argument("--limit", metavar="N", type=_count, help="send at most N")
    parser.add_argument("--yes", "--execute", action="store_true", help="really send; without it nothing is sent")
    _add_format(parser, "--format")


def _add_articles(parser: argparse.ArgumentParser) -> None:
    _add_times(parser, "sent")
    parser.add_argument("--partition", metavar="P", type=_number, help="only this partition")
    parser.add_argument("--from-offset", metavar="N", type=_number, help="first offset, of --partition")
    parser.add_argument("--until-offset", metavar="N", type=_number, help="first offset that is left out, of --partition")
    parser.add_argument("--into", metavar="PREFIX", type=_prefix, help="publish under this prefix: PREFIXenriched and so on")
    parser.add_argument("--yes", action="store_true", help="allow --into the prefix that the workers publish under")
    parser.add_argument("--diff", action="store_true", help="compare with what was published before")
    parser.add_argument(
        "--tolerance", metavar="X", type=_share, default=0.05, help="confidences as near as this are the same (default: 0.05)"
    )
    parser.add_argument("--show", metavar="N", type=_number, default=10, help="changed articles in the table (default: 10)")
    parser.add_argument("--processes", type=int, metavar="N", help="pool processes (default: one per core)")
    _add_format(parser, "--format", "--diff-format")


def _add_times(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--from-time", metavar="TIME", type=moment, help=f"{what} at this time or later ({_TIMES})")
    parser.add_argument("--until-time", metavar="TIME", type=moment, help=f"{what} before this time")


def _add_format(parser: argparse.ArgumentParser, *names: str) -> None:
    parser.add_argument(
        *names,
        choices=("auto", "table", "ndjson"),
        default="auto",
        help="auto (default) means a table on a terminal, else NDJSON",
    )


def check(chosen: argparse.Namespace) -> None:
    """Raise `ValueError` where options do not go together."""
    if chosen.from_time and chosen.until_time and chosen.from_time >= chosen.until_time:
        raise ValueError("--until-time must be later than --from-time")
    if chosen.source == "rejected":
        return
    offsets = [offset for offset in (chosen.from_offset, chosen.until_offset) if offset is not None]
    if offsets and chosen.partition is None:
        raise ValueError("offsets count within a partition: say --partition too")
    if offsets and (chosen.from_time or chosen.until_time):
        raise ValueError("choose by offsets or by times, not by both")
    if len(offsets) == 2 and chosen.from_offset >= chosen.until_offset:
        raise ValueError("--until-offset must be greater than --from-offset")


def work(chosen: argparse.Namespace, settings: Settings) -> Coroutine[Any, Any, int]:
    """What was asked for, ready to be awaited; loads what it needs."""
    from stream.replay import articles, reading, refused, rejections

    if chosen.source == "rejected":
        choice = refused.Choice(
            reasons=frozenset(chosen.reason),
            ids=frozenset(chosen.id),
            since=chosen.from_time,
            until=chosen.until_time,
            max_attempts=chosen.max_attempts,
        )
        return rejections.run(rejections.Job(choice=choice, send=chosen.yes, limit=chosen.limit, form=chosen.format), settings)
    wanted = reading.Range(
        since=chosen.from_time,
        until=chosen.until_time,
        partition=chosen.partition,
        from_offset=chosen.from_offset,
        until_offset=chosen.until_offset,
    )
    job = articles.Job(
        wanted=wanted,
        into=chosen.into,
        over=chosen.yes,
        diff=chosen.diff,
        tolerance=chosen.tolerance,
        show=chosen.show,
        form=chosen.format,
    )
    return articles.run(job, settings)


def moment(text: str, *, now: datetime | None = None) -> datetime:
    """A point in time: ISO 8601 (UTC where no zone is said), or how long ago."""
    try:
        if found := re.fullmatch(r"(\d{1,6})([smhd])", text.strip()):
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[found[2]]: int(found[1])})
        parsed = datetime.fromisoformat(text.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: say {_TIMES}") from None


def _reasons(text: str) -> list[Reason]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in set(Reason)]
    if unknown or not words:
        raise argparse.ArgumentTypeError(f"no reason {', '.join(unknown) or repr(text)}: there are {', '.join(Reason)}")
    return [Reason(word) for word in words]


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} cannot begin a topic's name: letters, digits, '.', '_' and '-' can")
    return text


def _number(text: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value
