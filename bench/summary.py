"""What the kept results come to: ratios with their spread, promises with their verdicts, and the last line. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import ratios
from bench.contenders import ALL
from bench.ratios import Figure, Machine

US = "newsstream"
ALONE, TOGETHER = "limit: one process × cores", "limit: all processes at once"
COMPONENTS = ("decode", "text", "language", "entities", "events", "records", "encode", "transport")

Results = Mapping[str, Mapping[str, Any]]
"""What each part has kept, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Something that must show."""

    what: str
    wanted: str
    found: str
    verdict: str
    """"yes", "no", "within noise", or why nothing is said."""


def field(results: Results, name: str, of: str) -> list[float]:
    """A quantity of a contender, in every round that it came through."""
    return [one[name][of] for one in _rounds(results) if of in one.get(name, {})]


def compared(results: Results, above: str, below: str) -> Figure | None:
    """The rate of one in units of the other's, over the rounds that both came through."""
    both = [one for one in _rounds(results) if above in one and below in one]
    if not both:
        return None
    return ratios.ratio([one[above]["rate"] for one in both], [one[below]["rate"] for one in both])


def contenders(results: Results) -> list[str]:
    """Those that were measured, newsstream first."""
    return [name for name in ALL if field(results, name, "rate")]


def refused(figure: Figure | None, *, rounds: int = ratios.ROUNDS) -> str | None:
    """Why a ratio is not reported; None where it is."""
    if figure is None:
        return "not measured"
    try:
        ratios.claimed(figure, rounds=rounds)
    except ratios.NoisyError as error:
        return str(error)
    return None


def machine(results: Results) -> Machine | None:
    """What the model is made of: a worker's loop from the stub, the rest from the saturated runs."""
    loops = [run["loop"] for run in results.get("model", {}).get("runs", [])]
    whole = field(results, US, "cpu")
    if not loops or not whole:
        return None
    loop = Figure.of(loops).median
    between = compared(results, TOGETHER, ALONE)
    own = Figure.of(field(results, US, "loop")).median
    return Machine(pool=Figure.of(whole).median - own, loop=loop, together=min(1.0, between.median if between else 1.0))


def costs(results: Results) -> dict[str, float]:
    """Seconds of CPU of each part of an article: the pipeline, the pipes, and the worker without its end of the pipes."""
    found = results.get("costs")
    if not found:
        return {}
    parts = {name: float(found["costs"].get(name, 0.0)) for name in COMPONENTS}
    own = field(results, US, "loop")
    if own:
        parts["worker (Faust, delivery, producer)"] = max(0.0, Figure.of(own).median - parts["transport"] / 2)
    return parts


def promises(results: Results) -> list[Promise]:
    """Everything that must show, and whether it does."""
    return [*_efficiency(results), *_ahead(results), *_lossless(results), *_naive(results), *_absolute(results)]


def last_line(results: Results) -> str:
    """One JSON object."""
    ratio = {name: compared(results, US, name) for name in contenders(results) if name != US}
    alone, together = compared(results, US, ALONE), compared(results, US, TOGETHER)
    answer: dict[str, Any] = {
        "efficiency": _reported(alone),
        "efficiency_at_once": _reported(together),
        "ratios": {name: _reported(figure) for name, figure in ratio.items()},
        "spreads": {name: round(figure.spread, 3) for name, figure in ratio.items() if figure},
        "rounds": len(_rounds(results)),
        "articles_per_second": _median(field(results, US, "rate")),
        "p99_seconds": _kept(results, "latency", "p99"),
        "start_seconds": _median(field(results, US, "start")),
        "peak_mib": max(field(results, US, "largest"), default=None),
        "lost": {name: one["lost"] for name, one in results.get("kill", {}).get("contenders", {}).items()},
        "naive_over_pipeline": _reported(naive_ratio(results)),
        "promises": {one.what: one.verdict for one in promises(results)},
        "failures": sum(len(part.get("failures", ())) for part in results.values()),
    }
    said = {"efficiency": alone, "efficiency_at_once": together, **ratio}
    answer["refused"] = {name: why for name, figure in said.items() if (why := refused(figure))}
    return json.dumps(answer, ensure_ascii=False)


def naive_ratio(results: Results, how: str = "same") -> Figure | None:
    """How much longer the naive way takes for an article."""
    rounds = [one for one in results.get("naive", {}).get("rounds", []) if how in one and "naive" in one]
    if not rounds:
        return None
    return ratios.ratio([one["naive"]["seconds"] for one in rounds], [one[how]["seconds"] for one in rounds])


def common_names(results: Results, of: str = "names") -> float:
    """Share of the names of the naive way and of ours, with the same package, that both found; 0 where one did not run."""
    rounds = [one for one in results["naive"]["rounds"] if "naive" in one and "same" in one]
    shares = [ratios.common(one["naive"].get(of, []), one["same"]["names"]) for one in rounds]
    return min(shares, default=0.0)


def _efficiency(results: Results) -> Iterator[Promise]:
    for name, what in ((ALONE, "one process, times cores"), (TOGETHER, "all processes at once")):
        yield _promise(f"end to end ÷ limit ({what})", compared(results, US, name), least=0.9, form="{:.1%}")


def _ahead(results: Results) -> Iterator[Promise]:
    for name in contenders(results):
        if name != US:
            least = 1.0 if ALL[name].cores else 1.7
            yield _promise(f"newsstream ÷ {name}", compared(results, US, name), least=least, form="{:.2f}")


def _lossless(results: Results) -> Iterator[Promise]:
    one = results.get("kill", {}).get("contenders", {}).get(US)
    if one:
        found = f"{one['lost']} of {one['articles']}"
        yield Promise(what="lost when killed", wanted="0", found=found, verdict="no" if one["lost"] else "yes")


def _naive(results: Results) -> Iterator[Promise]:
    figure = naive_ratio(results)
    if figure is not None:
        yield _promise("naive use of spaCy ÷ pipeline, same package", figure, least=2.0, form="{:.2f}")
        same = common_names(results, "names_without_parser")
        yield Promise(what="same names", wanted="all", found=f"{same:.1%}", verdict="yes" if same == 1 else "no")


def _absolute(results: Results) -> Iterator[Promise]:
    limits: Sequence[tuple[str, float | None, float, str, Callable[[float], str]]] = (
        ("p99 end to end at half load", _kept(results, "latency", "p99"), 1.0, "under 1 s", "{:.2f} s".format),
        (
            "peak of the largest process",
            max(field(results, US, "largest"), default=None),
            350,
            "under 350 MiB",
            "{:.0f} MiB".format,
        ),
        ("first article acknowledged after", _median(field(results, US, "start")), 5.0, "under 5 s", "{:.1f} s".format),
    )
    for what, value, most, wanted, form in limits:
        if value is not None:
            yield Promise(what=what, wanted=wanted, found=form(value), verdict="yes" if value < most else "no")


def _promise(what: str, figure: Figure | None, *, least: float, form: str) -> Promise:
    wanted = "at least " + form.format(least)
    if why := refused(figure):
        return Promise(what=what, wanted=wanted, found="—", verdict=f"refused: {why}")
    assert figure is not None
    found = f"{form.format(figure.median)} ±{figure.spread:.0%}"
    return Promise(what=what, wanted=wanted, found=found, verdict=ratios.verdict(figure, least=least))


def _reported(figure: Figure | None) -> float | None:
    return None if figure is None or refused(figure) else round(figure.median, 3)


def _rounds(results: Results) -> list[dict[str, Any]]:
    return list(results.get("throughput", {}).get("rounds", []))


def _median(values: Sequence[float]) -> float | None:
    return round(Figure.of(values).median, 3) if values else None


def _kept(results: Results, part: str, of: str) -> float | None:
    found = results.get(part, {}).get("contenders", {}).get(US, {}).get(of)
    return None if found is None else round(float(found), 3)
