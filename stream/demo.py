"""The main job for real, on one machine: a broker, the topics, a worker, every seed article, and what came out."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from stream import admin, broker, codec, config, console, differences, sources, topics
from stream.records import EnrichedArticle, Modality, NewsEvent, Rejected

_READY_SECONDS = 90.0
_QUIET_SECONDS = 60.0
_WIDTH = 120
_NEED_A_HOOK = ("crashed", "timed_out")
"""Refusals that only a test's hook can bring about; as articles they are ordinary."""


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(slots=True)
class _Sent:
    """What was sent, and what came back."""

    articles: dict[tuple[int, int], str | None] = field(default_factory=dict)
    """Partition and offset of each message: its article id, None where it is no article."""
    enriched: dict[str, EnrichedArticle] = field(default_factory=dict)
    rejected: dict[tuple[int, int], Rejected] = field(default_factory=dict)
    published: Counter[str] = field(default_factory=Counter)

    def missing(self) -> list[tuple[int, int]]:
        """Messages without an outcome."""
        return [place for place, name in self.articles.items() if place not in self.rejected and name not in self.enriched]


async def run(*, seeds: str, keep: bool) -> int:
    """Run the demo; the status is 0 only if every article sent is accounted for on an output topic."""
    out = Console(width=None if sys.stdout.isatty() else _WIDTH)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        values = list(_seed_values(Path(seeds)))
        return await _run(values, out=out, keep=keep)
    except asyncio.CancelledError:  # Ctrl-C or SIGTERM: whatever was started has been ended by now
        return 130
    except (DemoError, broker.BrokerError, OSError) as error:
        out.print(f"[bold red]demo: {escape(str(error))}[/]")
        return 1


def _seed_values(folder: Path) -> Iterator[bytes]:
    """Every message that the seeds hold, refusals last."""
    files = [path for path in sorted(folder.glob("*")) if path.suffix in (".ndjson", ".txt")]
    if not files:
        raise DemoError(f"no articles in {folder}/: run it in the project's folder, or name one with --seeds")
    refusals = [path for path in sorted((folder / "rejected").glob("*")) if path.name.partition(".")[0] not in _NEED_A_HOOK]
    for path in [*files, *refusals]:
        form: sources.Form = "raw" if path in refusals else "auto"
        with contextlib.closing(sources.open_input(str(path), standard_input=sys.stdin.buffer)) as stream:
            yield from sources.values(path.name, stream, form=form)


async def _run(values: list[bytes], *, out: Console, keep: bool) -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="newsstream-demo-") as scratch:
        async with broker.running() as bootstrap:
            settings = config.from_environment(bootstrap_servers=bootstrap, probes_port=broker.free_port(), partitions=4)
            made = await admin.create_topics(settings)
            out.print(f"[bold]broker[/]   {bootstrap} (embedded, speaks Kafka's protocol)")
            out.print(f"[bold]topics[/]   {', '.join(topic.name for topic in made)}")
            log = Path(scratch, "worker.log")
            async with _worker(settings, log=log, out=out) as address:
                with _progress(out) as progress:
                    sent = await _send_and_watch(values, settings=settings, progress=progress, log=log)
                seconds = time.monotonic() - started
                _show(sent, out=out)
                out.print(f"metrics were served at {address}/metrics", soft_wrap=True)
                out.print(f"  {await _sample(address)}", soft_wrap=True)
                missing = sent.missing()
                verdict = "every one is accounted for" if not missing else f"[red]{len(missing)} are NOT accounted for[/]"
                out.print(f"[bold]{len(sent.articles)} messages sent, {verdict}[/], in {seconds:.0f} s from start to end")
                if keep:
                    await _keep(bootstrap, address, out=out)
                return 1 if missing else 0


@contextlib.asynccontextmanager
async def _worker(settings: config.Settings, *, log: Path, out: Console) -> AsyncIterator[str]:
    """A worker process that is ready; yields the address of its probes."""
    environment = {
        "NEWSSTREAM_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "NEWSSTREAM_PROBES_PORT": str(settings.probes_port),
        "NEWSSTREAM_LOG_FORMAT": "json",
    }
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), sys.executable, "-m", "stream", "worker"]
    address = f"http://127.0.0.1:{settings.probes_port}"
    with broker.process(command, log=log, grace=10) as child:
        with out.status("starting the worker: one process per core loads the models"):
            await _ready(address, alive=lambda: child.poll() is None, log=log)
        processes = settings.pool_size()
        out.print(
            f"[bold]worker[/]   ready, {processes} pool process{'es' if processes > 1 else ''}, probes and metrics at {address}"
        )
        yield address


async def _ready(address: str, *, alive: Callable[[], bool], log: Path) -> None:
    """Return once the worker says that it is ready; raises `DemoError` with its log where it does not."""
    until = time.monotonic() + _READY_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while alive() and time.monotonic() < until:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{address}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise DemoError(f"the worker did not get ready; it said:\n{broker.tail(log)}")


def _progress(out: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=out, transient=True, disable=not out.is_terminal)


async def _send_and_watch(values: list[bytes], *, settings: config.Settings, progress: Progress, log: Path) -> _Sent:
    """Send every value, and read the output topics until each has its outcome, or nothing comes any more."""
    sent = _Sent()
    names = {topic.full_name(settings.topic_prefix): topic.name for topic in topics.OUTPUTS}
    consumer = AIOKafkaConsumer(*names, **settings.client_arguments(), auto_offset_reset="earliest")
    producer = AIOKafkaProducer(**settings.client_arguments(), acks="all", max_request_size=8 * topics.MEBIBYTE)
    bar = progress.add_task("enriching", total=len(values))
    await consumer.start()
    try:
        await producer.start()
        try:
            for value in values:
                placed = await (await console.send(producer, value, settings=settings))
                key = console.key_of(value, settings=settings)
                sent.articles[placed.partition, placed.offset] = None if key is None else key.decode()
        finally:
            await producer.stop()
        await _watch(consumer, sent, names=names, tick=lambda done: progress.update(bar, completed=done), log=log)
    finally:
        await consumer.stop()
    return sent


async def _watch(
    consumer: AIOKafkaConsumer, sent: _Sent, *, names: dict[str, str], tick: Callable[[int], None], log: Path
) -> None:
    quiet_since = time.monotonic()
    complete_since: float | None = None
    while complete_since is None or time.monotonic() - complete_since < 0.5:  # events and entities follow their article
        batches = await consumer.getmany(timeout_ms=200)
        for partition, messages in batches.items():
            for message in messages:
                _take(sent, names[partition.topic], message.value)
        now = time.monotonic()
        if batches:
            quiet_since = now
        if complete_since is None and not sent.missing():
            complete_since = now
        tick(len(sent.articles) - len(sent.missing()))
        if now - quiet_since > _QUIET_SECONDS:
            raise DemoError(f"nothing has come for {_QUIET_SECONDS:.0f} s; the worker said:\n{broker.tail(log)}")


def _take(sent: _Sent, topic: str, value: bytes) -> None:
    sent.published[topic] += 1
    record = codec.record_from_json(value)
    if isinstance(record, EnrichedArticle):
        sent.enriched[record.article_id] = record
    elif isinstance(record, Rejected):
        sent.rejected[record.partition, record.offset] = record


# --- what a person sees ------------------------------------------------------------------------------


def _show(sent: _Sent, *, out: Console) -> None:
    out.print(_articles_table(sent))
    if sent.rejected:
        out.print(_rejected_table(sent))
    counts = Table(title="records by topic", title_justify="left")
    counts.add_column("topic")
    counts.add_column("records", justify="right")
    for topic in topics.OUTPUTS:
        counts.add_row(topic.name, str(sent.published[topic.name]))
    out.print(counts)


def _articles_table(sent: _Sent) -> Table:
    table = Table(title="what came out", title_justify="left", show_lines=True, expand=True)
    table.add_column("article", ratio=3)
    table.add_column("lang", width=4)
    table.add_column("who and what is mentioned", ratio=4)
    table.add_column("events, with the words that say so", ratio=6)
    order = {name: number for number, name in enumerate(sent.articles.values())}
    for record in sorted(sent.enriched.values(), key=lambda record: order.get(record.article_id, len(order))):
        headline = record.title or textwrap.shorten(record.text, 80, placeholder="…")
        table.add_row(escape(headline), record.language.code, escape(_mentioned(record)), _happened(record))
    return table


def _mentioned(record: EnrichedArticle, *, most: int = 7) -> str:
    names = [f"{entity.name} ({entity.link.id if entity.link else entity.type})" for entity in record.entities[:most]]
    more = len(record.entities) - most
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _happened(record: EnrichedArticle, *, most: int = 4) -> str:
    if not record.events:
        return "[dim]none[/]"
    strongest = sorted(
        record.events,
        key=lambda event: (
            event.modality is not Modality.ASSERTED,
            event.type is not record.primary_event_type,
            -event.confidence,
        ),
    )
    lines = [_event_line(record, event) for event in strongest[:most]]
    more = len(strongest) - most
    return "\n".join(lines) + (f"\n[dim]and {more} more[/]" if more > 0 else "")


def _event_line(record: EnrichedArticle, event: NewsEvent) -> str:
    names = {entity.id: entity.name for entity in record.entities}
    who = differences.parties([names[one] for one in event.actors[:3]], [names[one] for one in event.recipients[:3]])
    evidence = event.evidence[0]
    text = record.title if evidence.field == "title" else record.text
    words = (text or "")[evidence.trigger.start : evidence.trigger.end]
    kind = f"[bold]{event.type}[/]" if event.modality is Modality.ASSERTED else f"{event.type} [dim]({event.modality})[/]"
    return f"{kind} {escape(who)}{': ' if who else ''}[italic]“{escape(words)}”[/]"


def _rejected_table(sent: _Sent) -> Table:
    table = Table(title="what was refused, and why", title_justify="left")
    table.add_column("reason")
    table.add_column("detail")
    table.add_column("bytes", justify="right")
    for record in sorted(sent.rejected.values(), key=lambda record: record.reason):
        table.add_row(record.reason, escape(record.detail), f"{record.original.size:,}")
    return table


async def _sample(address: str) -> str:
    """The totals that Prometheus would have read."""
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return ", ".join(line.replace(".0", "") for line in lines if line.startswith("news_articles_total"))


async def _keep(bootstrap: str, address: str, *, out: Console) -> None:
    command = "newsstream" if shutil.which("newsstream") else sys.argv[0]
    out.print("\n[bold]everything is still running; try, in another terminal:[/]")
    for line in (
        f"{command} tail events --from-beginning --bootstrap-servers {bootstrap}",
        f"{command} produce seeds/en.ndjson --bootstrap-servers {bootstrap}",
        f"kcat -b {bootstrap} -t news.enriched -C -o beginning -e | head -1",
        f"curl {address}/metrics",
    ):
        out.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
    out.print("Ctrl-C ends it and removes everything")
    await asyncio.Event().wait()
