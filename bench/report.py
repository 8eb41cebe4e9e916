"""``docs/performance.md``, from what the parts have kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench import ratios, summary
from bench.contenders import ALL
from bench.ratios import Figure
from bench.summary import ALONE, TOGETHER, US, Results

_HEAD = """\
# Performance

Written by `make bench`, never by hand. Machines are noisy: what is claimed here is a ratio of two rates of the same round. A
round runs every contender once, in alternating order; a figure is the median of the rounds, and ± is half of what lies between
the slowest and the fastest of them. A ratio that varies by more than ±{most:.0%}, or that has fewer than {rounds} rounds, is
refused.

Everybody works through the same articles (about 400 words in several languages, {text}, no paragraph twice) with the same
`pipeline.process`, from one input topic to acknowledged records on the output topics of one Apache Kafka {kafka}, which runs on
the same machine: {cores} cores, {cpu}, Python {python}. An article brings about {records:.0f} records.
"""


def document(results: Results) -> str:
    """The page."""
    parts = [_head(results), _promises(results), _contenders(results), _kills(results), _limit(results)]
    parts += [_costs(results), _scaling(results), _model(results), _naive(results), _failures(results)]
    return "\n".join(part for part in parts if part)


def _head(results: Results) -> str:
    circumstances = next(iter(results.values()))["circumstances"]
    records = results.get("costs", {}).get("records", 1)
    return _HEAD.format(most=ratios.MOST_SPREAD, rounds=ratios.ROUNDS, records=records, **circumstances)


def _promises(results: Results) -> str:
    rows = [[one.what, one.wanted, one.found, one.verdict] for one in summary.promises(results)]
    return (
        "## What must show\n\n"
        + _table(["", "wanted", "found", "holds"], rows)
        + "\n*Within noise*: the median does not settle it, since the rounds lie on both sides.\n"
    )


def _contenders(results: Results) -> str:
    names = summary.contenders(results)
    if not names:
        return ""
    latencies = results.get("latency", {}).get("contenders", {})
    kills = results.get("kill", {}).get("contenders", {})
    rows = []
    for name in names:
        figure = summary.compared(results, US, name)
        latency, kill = latencies.get(name), kills.get(name)
        rows.append(
            [
                name,
                f"{_median(results, name, 'rate'):.2f}",
                "" if name == US else _ratio(figure),
                f"{_median(results, name, 'cpu') * 1000:.0f}",
                f"{latency['p50']:.2f} / {latency['p99']:.2f}" if latency else "—",
                f"{max(summary.field(results, name, 'largest')):.0f} / {max(summary.field(results, name, 'together')):.0f}",
                f"{_median(results, name, 'start'):.1f}",
                f"{kill['lost']} / {kill['duplicated']}" if kill else "—",
            ]
        )
    head = ["", "articles/s", "newsstream ÷ it", "CPU ms", "p50 / p99 (s)", "peak MiB", "start (s)", "lost / twice"]
    rows_about = "\n".join(f"- `{name}`: {ALL[name].about}." for name in names)
    return f"""\
## Beside others

{rows_about}

{_table(head, rows)}
{_tuned(results)}
*CPU ms*: of all processes of a contender, for an article. *p50 / p99*: from the input's timestamp to the broker's on the enriched
record, while articles arrive at random moments at half of what the contender can take. *Peak MiB*: the largest process, and all
of them together. *Start*: from the start to the first acknowledged article, while articles wait. *Lost / twice*: of those below.

![Articles a second of each contender, with the spread of the rounds, and the limit](performance-contenders.png)
"""


def _tuned(results: Results) -> str:
    rates: Mapping[str, float] = results["throughput"].get("batches", {})
    tried = ", ".join(f"{size}: {rate:.2f}" for size, rate in rates.items())
    return f"Batches that arroyo was tried with, and articles/s: {tried}; the best was taken.\n" if rates else ""


def _kills(results: Results) -> str:
    kills: Mapping[str, Any] = results.get("kill", {}).get("contenders", {})
    if not kills:
        return ""
    rows = [[name, one["kills"], one["articles"], one["lost"], one["duplicated"]] for name, one in kills.items()]
    return f"""\
## Killed

The worker gets SIGKILL at a random moment while it works through a backlog, and is started again. Whoever acknowledges before it
is done loses what was on its way; one kill shows that by luck only, and many kills of newsstream are in
[reliability.md](reliability.md).

{_table(["", "kills", "articles", "lost", "came twice"], rows)}"""


def _limit(results: Results) -> str:
    rows = []
    for name in (ALONE, TOGETHER):
        rates = summary.field(results, name, "rate")
        if rates:
            rows.append([name, f"{Figure.of(rates).median:.2f}", _ratio(summary.compared(results, US, name), form="{:.1%}")])
    if not rows:
        return ""
    return f"""\
## The limit

`pipeline.enrich` alone, without Kafka, pool and encoding: in one process, times the cores, and in one process for each core at
once, since cores that share a machine slow each other down.

{_table(["", "articles/s", "newsstream ÷ it"], rows)}"""


def _costs(results: Results) -> str:
    parts = summary.costs(results)
    if not parts:
        return ""
    shares = ratios.shares(parts)
    rows = [[name, f"{seconds * 1000:.2f}", f"{shares[name]:.1%}"] for name, seconds in parts.items()]
    rows.append(["**all**", f"{sum(parts.values()) * 1000:.2f}", ""])
    found = results["costs"]
    return f"""\
## What an article costs

{found["articles"]} articles of {found["words"]:.0f} words and {found["bytes"]:,.0f} bytes on average, in one process. *Records*
is what the pipeline does between its steps, *transport* both ends of the pipes, there and back.

{_table(["part", "CPU ms", "share"], rows)}
![Where the CPU of an article goes](performance-costs.png)
"""


def _scaling(results: Results) -> str:
    runs = results.get("scaling", {}).get("runs", [])
    if not runs:
        return ""
    usual = [run["rate"] for run in runs if run["what"] == "usual"]
    middle = Figure.of(usual)
    rows = []
    for run in runs:
        if run["what"] != "usual":
            compared = f"{run['rate'] / middle.median:.2f}" if run["what"] != "words" else ""
            rows.append([run["what"], run["value"], f"{run['rate']:.2f}", compared, f"{run['words_rate']:.0f}"])
    return f"""\
## Scaling

newsstream alone, one run for each setting; the usual one ran {len(usual)} times in between and gave {middle.median:.2f}
articles/s ±{middle.spread:.0%}, which is how much a single run here is to be trusted.

{_table(["", "value", "articles/s", "÷ usual", "words/s"], rows)}"""


def _model(results: Results) -> str:
    machine = summary.machine(results)
    if machine is None:
        return ""
    stub = Figure.of([run["rate"] for run in results["model"]["runs"]])
    rows = [[cores, f"{ratios.predicted(machine, cores=cores):.0f}"] for cores in (1, 2, 4, 8, 16, 32, 64)]
    return f"""\
## More cores

With a pipeline that costs nothing, one worker passed {stub.median:.0f} articles/s on this machine, which the broker shares, at
{machine.loop * 1000:.2f} ms of CPU in its loop for each. The real pipeline costs {machine.pool * 1000:.0f} ms in a pool process.
A model, not a measurement, made of these and of what neighbours cost each other here (a process does {machine.together:.0%} of
what it does alone):

{_table(["cores", "articles/s of one worker"], rows)}
Beyond {ratios.saturated_at(machine):.0f} cores the loop of one worker is saturated, and a second worker of the same group is due.

![Articles a second by cores: measured, and by the model](performance-scaling.png)
"""


def _naive(results: Results) -> str:
    rounds = results.get("naive", {}).get("rounds", [])
    if not rounds:
        return ""
    rows = []
    for how, about in (
        ("naive", "`spacy.load`, `nlp(text)`: all components, default operations"),
        ("same", "`pipeline.enrich` with the same package as its entity model: every step"),
        ("accurate", "`pipeline.enrich` with the bundled encoder, all its layers: every step, events too, ten languages"),
        ("fast", "the same with its student of two layers (`NEWSSTREAM_ENGINE=fast`)"),
    ):
        took = [one[how]["seconds"] for one in rounds if how in one]
        if took:
            figure = None if how == "naive" else summary.naive_ratio(results, how)
            median = Figure.of(took).median
            rows.append([about, f"{median * 1000:.0f}", f"{1 / median:.1f}", "" if how == "naive" else _ratio(figure)])
    common, without = (summary.common_names(results, of) for of in ("names", "names_without_parser"))
    return f"""\
## Beside a naive use of spaCy

French articles of 400 words, one process, one thread, a pipeline built like spaCy's small ones (`bench/stock.py`). The first two
have {common:.1%} of their names in common, and {without:.1%} once the naive one does
without its parser, which is untrained here: its sentences end names in the middle.

{_table(["", "ms for an article", "articles/s on one core", "naive ÷ it"], rows)}"""


def _failures(results: Results) -> str:
    lines = [
        f"- {part}: {one.get('name', one.get('what', ''))}: {str(one['what']).splitlines()[0]}"
        for part, found in results.items()
        for one in found.get("failures", ())
    ]
    return "## What failed\n\n" + "\n".join(lines) + "\n" if lines else ""


def _ratio(figure: Figure | None, *, form: str = "{:.2f}") -> str:
    why = summary.refused(figure)
    if why or figure is None:
        return f"refused ({why})"
    return f"{form.format(figure.median)} ±{figure.spread:.0%}"


def _median(results: Results, name: str, of: str) -> float:
    return Figure.of(summary.field(results, name, of)).median


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(_lines(head, rows)) + "\n"


def _lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "| --- " + "| --: " * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"
