"""The command line: arguments, then one call.

Each command imports what it needs when it runs, so that ``--help`` answers at once and ``enrich`` never loads Kafka.
"""
# ruff: noqa: PLC0415, T201

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence

import stream

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

_DESCRIPTION = """\
Streaming enrichment of news on Kafka: language, entities and event types, on all cores, with nothing lost.

Settings come from the environment (NEWSSTREAM_BOOTSTRAP_SERVERS, NEWSSTREAM_GROUP_ID, ...); the README lists them all."""

_EPILOG = """\
examples:
  newsstream demo                                    see it work, with a broker of its own
  newsstream enrich article.txt | jq .events         one article, no Kafka
  newsstream topics create                           make the topics
  newsstream worker                                  enrich what arrives on news.articles
  newsstream produce seeds/it.ndjson                 send articles
  newsstream tail enriched --from-beginning --max 5  look at what came out
  newsstream replay rejected                         what was refused, and could be sent once more
  newsstream replay articles --from-time 1d --diff   what would change if it came again
  newsstream models                                  what is in use, and its licences"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    from stream.replay import arguments as of_replay

    top = argparse.ArgumentParser(
        prog="newsstream",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"newsstream {stream.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str, *, kafka: bool = False
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        sub.set_defaults(run=run)
        if kafka:
            sub.add_argument("--bootstrap-servers", metavar="HOST:PORT", help="instead of NEWSSTREAM_BOOTSTRAP_SERVERS")
        return sub

    demo = command("demo", _demo, "run the whole service on the seed articles, with a broker of its own")
    demo.add_argument("--keep", action="store_true", help="leave everything running afterwards, until Ctrl-C")
    demo.add_argument("--seeds", metavar="DIR", default="seeds", help="folder with the articles to send (default: seeds)")

    worker = command("worker", _worker, "enrich what arrives on the input topic, until SIGTERM", kafka=True)
    worker.add_argument("--group-id", metavar="NAME", help="instead of NEWSSTREAM_GROUP_ID")
    worker.add_argument("--processes", type=int, metavar="N", help="pool processes (default: one per core)")

    enrich = command("enrich", _enrich, "enrich a file without Kafka: NDJSON or plain text in, NDJSON records out")
    enrich.add_argument("file", metavar="FILE", nargs="?", default="-", help="file, or - for standard input (default)")
    enrich.add_argument(
        "--format", choices=("auto", "ndjson", "text", "raw"), default="auto", help="what FILE holds (default: auto)"
    )
    enrich.add_argument(
        "--only",
        metavar="KINDS",
        default="enriched",
        help="records to write, of enriched,events,entities,rejected (default: enriched)",
    )
    enrich.add_argument("--processes", type=int, metavar="N", help="pool processes (default: one per core)")

    topics = command("topics", _topics, "make the topics, or list what the table says of them", kafka=True)
    topics.add_argument("action", choices=("create", "list"))

    produce = command("produce", _produce, "send the articles of a file to the input topic", kafka=True)
    produce.add_argument("file", metavar="FILE", nargs="?", default="-", help="file, or - for standard input (default)")
    produce.add_argument(
        "--format", choices=("auto", "ndjson", "text", "raw"), default="auto", help="what FILE holds (default: auto)"
    )

    tail = command("tail", _tail, "print what arrives on a topic, as NDJSON", kafka=True)
    tail.add_argument("topic", help="a topic's short name (articles, enriched, events, entities, rejected) or its full one")
    tail.add_argument("--from-beginning", action="store_true", help="start with the oldest record")
    tail.add_argument("--max", type=int, metavar="N", help="leave after N records")
    tail.add_argument("--idle", type=float, metavar="SECONDS", help="leave when nothing has come for so long")

    of_replay.add(
        command("replay", _replay, "send what was refused once more, or run a part of the input through the pipeline again")
    )

    schemas = command("schemas", _schemas, "write, or check, the JSON Schemas of the records, or register them at a registry")
    schemas.add_argument("action", choices=("write", "check", "register"))
    schemas.add_argument("--dir", default="schemas", help="folder (default: schemas)")

    evaluate = command("evaluate", _evaluate, "measure the pipeline on gold sentences: figures, intervals, errors")
    evaluate.add_argument("subject", choices=("events", "entities", "language"))
    evaluate.add_argument("--gold", metavar="FILE", nargs="+", required=True, help="files with gold sentences")
    evaluate.add_argument(
        "--format", choices=("plv", "types", "corpus"), default="corpus", help="what the files hold (default: corpus)"
    )
    evaluate.add_argument(
        "--engine", nargs="+", choices=("accurate", "fast"), help="instead of the setting's; of entities, several side by side"
    )
    evaluate.add_argument("--held-out", action="store_true", help="of a corpus, only what is never trained on")
    evaluate.add_argument("--write", metavar="PAGE", help="put the figures, and pictures of them, into this Markdown page")
    evaluate.add_argument("--json", metavar="FILE", help="of entities: write the figures into this file too")
    evaluate.add_argument("--name", help="of the section in that page (default: the file's)")

    models = command("models", _models, "show the pipelines, lists and lexicons in use, with their licences and labels")
    models.add_argument("--json", action="store_true", help="a line of JSON for each, instead of the table")

    broker = command("broker", _broker, "run the embedded Kafka-protocol broker of the quick start, until Ctrl-C")
    broker.add_argument("--port", type=int, help="port on 127.0.0.1 (default: a free one)")
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status: 0 done, 1 failed, 2 a setting or argument is wrong, 130 Ctrl-C."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_OK


def _complain(error: object, *, status: int = EXIT_FAILED) -> int:
    print(f"newsstream: {error}", file=sys.stderr)
    return status


def _demo(chosen: argparse.Namespace) -> int:
    from stream import demo

    return asyncio.run(demo.run(seeds=chosen.seeds, keep=chosen.keep))


def _worker(chosen: argparse.Namespace) -> int:
    from stream import config, logs
    from stream.worker import Worker

    try:
        settings = config.from_environment(
            bootstrap_servers=chosen.bootstrap_servers, group_id=chosen.group_id, processes=chosen.processes
        )
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    logs.configure(form=settings.log_format, level=settings.log_level)
    return asyncio.run(Worker(settings).run())


def _enrich(chosen: argparse.Namespace) -> int:
    from stream import config, dryrun

    try:
        settings = config.from_environment(processes=chosen.processes)
        kinds = dryrun.parse_kinds(chosen.only)
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    try:
        return asyncio.run(dryrun.run(chosen.file, form=chosen.format, kinds=kinds, settings=settings))
    except (OSError, dryrun.FailedError) as error:
        return _complain(error)


def _topics(chosen: argparse.Namespace) -> int:
    from stream import admin, config, topics

    try:
        settings = config.from_environment(bootstrap_servers=chosen.bootstrap_servers)
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    if chosen.action == "list":
        for topic in topics.ALL:
            print(f"{topic.full_name(settings.topic_prefix)}\t{topic.about}")
        return EXIT_OK
    try:
        made = asyncio.run(admin.create_topics(settings))
    except admin.FAILURES as error:
        return _complain(f"Kafka at {settings.bootstrap_servers}: {error}")
    for topic_made in made:
        print(f"{topic_made.name}\t{'exists' if topic_made.existed else 'created'}")
    return EXIT_OK


def _produce(chosen: argparse.Namespace) -> int:
    from stream import config, console

    try:
        settings = config.from_environment(bootstrap_servers=chosen.bootstrap_servers)
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    try:
        sent = asyncio.run(console.produce(chosen.file, form=chosen.format, settings=settings))
    except console.UNREACHABLE as error:
        return _complain(f"{settings.bootstrap_servers}: {error}")
    print(f"{sent} sent to {settings.topic_prefix}articles", file=sys.stderr)
    return EXIT_OK


def _tail(chosen: argparse.Namespace) -> int:
    from stream import config, console

    try:
        settings = config.from_environment(bootstrap_servers=chosen.bootstrap_servers)
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    try:
        asyncio.run(
            console.tail(
                chosen.topic,
                from_beginning=chosen.from_beginning,
                most=chosen.max,
                idle=chosen.idle,
                settings=settings,
            )
        )
    except console.UNREACHABLE as error:
        return _complain(f"{settings.bootstrap_servers}: {error}")
    return EXIT_OK


def _replay(chosen: argparse.Namespace) -> int:
    from stream import config, console, logs, replay
    from stream.replay import arguments as of_replay

    processes = getattr(chosen, "processes", None)
    try:
        of_replay.check(chosen)
        settings = config.from_environment(bootstrap_servers=chosen.bootstrap_servers, processes=processes)
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    logs.configure(form=settings.log_format, level="error")  # what is refused once more is counted, and shown
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it would say twenty times a second what the last line says once
    try:
        return asyncio.run(replay.interruptible(of_replay.work(chosen, settings)))
    except replay.ReplayError as error:
        return _complain(error)
    except console.UNREACHABLE as error:
        return _complain(f"{settings.bootstrap_servers}: {error}")


def _schemas(chosen: argparse.Namespace) -> int:
    from pathlib import Path

    from stream import schemas

    if chosen.action == "register":
        return _register()
    if chosen.action == "write":
        for path in schemas.write(Path(chosen.dir)):
            print(path)
        return EXIT_OK
    drift = schemas.drift(Path(chosen.dir))
    for line in drift:
        print(line, file=sys.stderr)
    return EXIT_FAILED if drift else EXIT_OK


def _register() -> int:
    from stream import config, registry, schemas

    try:
        settings = config.from_environment()
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    if settings.schema_registry_url is None:
        return _complain(f"{config.PREFIX}SCHEMA_REGISTRY_URL is not set", status=EXIT_USAGE)
    try:
        ids = asyncio.run(registry.ids(settings, register=True))
    except (registry.RefusedError, registry.UnavailableError, OSError) as error:
        return _complain(error)
    for _, topic in schemas.RECORDS.values():
        if topic.name in ids:
            print(f"{registry.subject(topic, settings)}\t{ids[topic.name]}")
    return EXIT_OK


def _evaluate(chosen: argparse.Namespace) -> int:
    from dataclasses import replace
    from pathlib import Path

    from stream import config
    from stream.evaluation import commands, pictures

    try:
        options = config.from_environment().options()
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    engines = [replace(options, engine=engine) for engine in chosen.engine or (options.engine,)]
    gold = [Path(name) for name in chosen.gold]
    page = Path(chosen.write) if chosen.write else None
    try:
        if chosen.subject == "events":
            commands.evaluate_events(
                gold, form=chosen.format, held_out=chosen.held_out, options=engines[0], page=page, name=chosen.name
            )
        elif chosen.subject == "entities":
            commands.evaluate_entities(
                gold, engines=engines, page=page, name=chosen.name, figures=Path(chosen.json) if chosen.json else None
            )
        else:
            commands.evaluate_language(gold, options=options, page=page, name=chosen.name)
    except (ValueError, OSError, pictures.MissingError) as error:
        return _complain(error)
    return EXIT_OK


def _models(chosen: argparse.Namespace) -> int:
    from stream import config, inventory

    try:
        inventory.show(config.from_environment().options(), as_json=chosen.json)
    except ValueError as error:
        return _complain(error, status=EXIT_USAGE)
    return EXIT_OK


def _broker(chosen: argparse.Namespace) -> int:
    from stream import broker

    async def serve() -> None:
        async with broker.running(port=chosen.port) as bootstrap:
            print(f"a Kafka-protocol broker answers at {bootstrap} until Ctrl-C", flush=True)
            await asyncio.Event().wait()

    try:
        asyncio.run(serve())
    except broker.BrokerError as error:
        return _complain(error)
    return EXIT_OK
