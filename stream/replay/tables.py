"""What people are shown of a replay, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stream.differences import EntitySeen, EventSeen, parties
from stream.records import Reason
from stream.replay.comparison import Compared, Tally
from stream.replay.reading import Part
from stream.replay.refused import Line, Verdict

_ROWS_PER_ARTICLE = 12
_WORDS = {
    Verdict.SEND: "to send",
    Verdict.ENRICHED_SINCE: "enriched since",
    Verdict.REFUSED_TOO_OFTEN: "refused too often",
    Verdict.BYTES_NOT_KEPT: "bytes not kept",
    Verdict.NO_VALUE: "no value",
}

_Row = tuple[str, str, str, Text]


def rejections(counts: Mapping[tuple[Reason, Verdict], int], *, source: str) -> Table:
    """What is chosen, by reason and by what becomes of it."""
    table = Table(title=f"refused messages on {source}, as chosen", title_justify="left", show_footer=bool(counts))
    table.add_column("reason", footer="all")
    columns: list[tuple[str, tuple[Verdict, ...]]] = [("messages", tuple(Verdict)), *((_WORDS[one], (one,)) for one in Verdict)]
    for head, verdicts in columns:
        total = sum(count for (_, verdict), count in counts.items() if verdict in verdicts)
        table.add_column(head, justify="right", footer=f"{total:,}")
    for reason in sorted({reason for reason, _ in counts}):
        table.add_row(reason, *(f"{sum(counts.get((reason, one), 0) for one in verdicts):,}" for _, verdicts in columns))
    return table


def samples(lines: Iterable[Line]) -> Table:
    """Some of them, one a row."""
    table = Table(title="for example", title_justify="left")
    for head in ("reason", "article (or rejection)", "refused at", "attempts", "what becomes of it", "detail"):
        table.add_column(head, justify="right" if head == "attempts" else "left", overflow="fold")
    for line in lines:
        table.add_row(
            line.reason,
            escape(line.article_id or line.rejection),
            f"{line.refused_at:%Y-%m-%d %H:%M:%S}",
            str(line.attempts),
            _WORDS[line.verdict],
            escape(line.detail),
        )
    return table


def part(chosen: Part) -> Table:
    """Which offsets of which partition are read."""
    table = Table(title=f"what is read of {chosen.topic}", title_justify="left", show_footer=True)
    table.add_column("partition", justify="right", footer="all")
    table.add_column("from offset", justify="right")
    table.add_column("until offset", justify="right")
    table.add_column("messages, at most", justify="right", footer=f"{chosen.offsets:,}")
    for span in chosen.spans:
        table.add_row(str(span.partition), f"{span.first:,}", f"{span.end:,}", f"{span.end - span.first:,}")
    return table


def counts(tally: Tally) -> Table:
    """How many articles, and what has changed in how many of them."""
    table = Table(title="before and now", title_justify="left")
    table.add_column("articles")
    table.add_column("count", justify="right")
    for outcome, count in tally.articles.items():
        table.add_row(outcome.replace("_", " "), f"{count:,}")
    if tally.changes:
        table.add_section()
        for what, count in sorted(tally.changes.items()):
            table.add_row(f"  {what}", f"{count:,}")
    return table


def changed(found: Iterable[Compared]) -> Table:
    """Articles that have changed, one difference a row, with the words that it rests on."""
    table = Table(title="what has changed", title_justify="left", expand=True)
    table.add_column("article", ratio=3, overflow="fold")
    table.add_column("what", ratio=2)
    table.add_column("before", ratio=4, overflow="fold")
    table.add_column("now", ratio=4, overflow="fold")
    table.add_column("evidence", ratio=5, overflow="fold")
    for one in found:
        rows = list(_rows(one))
        name = one.title or one.article_id or f"{one.topic}, partition {one.partition}, offset {one.offset}"
        table.add_section()
        for number, (what, before, now, evidence) in enumerate(islice(rows, _ROWS_PER_ARTICLE)):
            table.add_row(Text(name if number == 0 else ""), Text(what), Text(before), Text(now), evidence)
        if len(rows) > _ROWS_PER_ARTICLE:
            table.add_row("", f"and {len(rows) - _ROWS_PER_ARTICLE} more")
    return table


def _rows(one: Compared) -> Iterable[_Row]:
    found = one.differences
    if found is None:
        before, now = (f"rejected: {reason}" if reason else "enriched" for reason in (one.reason_before, one.reason_now))
        yield "outcome", before, now, Text()
        return
    if found.text:
        yield "text", "", "", Text("title or text are not the same")
    for what, change in (("language", found.language), ("primary event", found.primary_event_type)):
        if change is not None:
            yield what, change.before, change.now, Text()
    for entity in found.entities:
        yield (
            f"entity {', '.join(entity.what)}",
            _entity(entity.before),
            _entity(entity.now),
            _mention(entity.now or entity.before),
        )
    for event in found.events:
        yield f"event {', '.join(event.what)}", _event(event.before), _event(event.now), _evidence(event.now or event.before)


def _mention(seen: EntitySeen | None) -> Text:
    if seen is None or seen.mention is None:
        return Text()
    return Text(f"“{seen.mention.text}” ({seen.mention.field} {seen.mention.start})")


def _evidence(seen: EventSeen | None) -> Text:
    """The sentence, with its trigger in bold."""
    if seen is None or seen.evidence is None:
        return Text()
    words = Text(f"“{seen.evidence.text}”")
    before = seen.evidence.start - 1
    words.stylize("bold", seen.evidence.trigger.start - before, seen.evidence.trigger.end - before)
    return words


def _entity(seen: EntitySeen | None) -> str:
    if seen is None:
        return ""
    return f"{seen.name} ({seen.type}{f', {seen.link.scheme} {seen.link.id}' if seen.link else ''})"


def _event(seen: EventSeen | None) -> str:
    if seen is None:
        return ""
    who = parties(seen.actors, seen.recipients)
    where = f" in {', '.join(seen.locations)}" if seen.locations else ""
    return f"{seen.type} ({seen.modality}, {seen.confidence:.2f}) {who}{where}".rstrip()
