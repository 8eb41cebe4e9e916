"""The README's tables say what the code says; ``python -m tests.test_readme`` (``make docs``) writes them."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from stream import cli, config, topics
from stream.metrics import Metrics
from stream.records import Reason

README = Path(__file__).parents[1] / "README.md"


def _table(*rows: tuple[str, ...], head: tuple[str, ...]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def settings_table() -> str:
    """Every setting: variable, default, meaning."""
    rows = []
    for name, field in config.Settings.model_fields.items():
        default = "" if field.default in (None, "", PydanticUndefined) else f"`{field.default}`"
        rows.append((f"`{config.PREFIX}{name.upper()}`", default, field.description or ""))
    return _table(*rows, head=("variable", "default", "meaning"))


def metrics_table() -> str:
    """Every metric: name with its labels, type, meaning."""
    rows = []
    for metric in Metrics().registry.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(metric.type, "")
        rows.append((f"`{metric.name}{suffix}`", metric.type, metric.documentation))
    return _table(*sorted(rows), head=("metric", "type", "meaning"))


def topics_table() -> str:
    """Every topic of the table, with the default prefix."""
    prefix = str(config.Settings.model_fields["topic_prefix"].default)
    rows = [
        (
            f"`{topic.full_name(prefix)}`",
            topic.about,
            f"{topic.retention_ms // topics.DAY_MS} days",
            f"{topic.max_message_bytes:,} bytes",
        )
        for topic in topics.ALL
    ]
    return _table(*rows, head=("topic", "what travels there", "kept", "largest record"))


def reasons_table() -> str:
    """Every reason for a rejection, with its docstring in records.py."""
    source = (README.parent / "stream" / "records.py").read_text(encoding="utf-8")
    rows = []
    for reason in Reason:
        found = re.search(rf'{reason.name} = "{reason.value}"\n    """(.+?)"""', source)
        assert found, f"{reason} has no docstring"
        rows.append((f"`{reason.value}`", found[1]))
    return _table(*rows, head=("reason", "when"))


TABLES = {"settings": settings_table, "metrics": metrics_table, "topics": topics_table, "reasons": reasons_table}


def _fill(found: re.Match[str], *, text: str) -> str:
    return f"{found[1]}\n{text}\n\n{found[2]}"


def rewritten(readme: str) -> str:
    """The README with today's tables between their markers."""
    for name, render in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        assert pattern.search(readme), f"README.md has no marker <!-- {name} -->"
        readme = pattern.sub(partial(_fill, text=render()), readme)
    return readme


def test_the_tables_are_those_of_the_code() -> None:
    """A setting, metric, topic or reason that changes in the code changes in the README."""
    readme = README.read_text(encoding="utf-8")

    assert rewritten(readme) == readme, "run `make docs`"


def test_every_command_is_described() -> None:
    """No command of the command line goes unmentioned."""
    readme = README.read_text(encoding="utf-8")
    described = set(re.findall(r"newsstream ([a-z]+)", readme))
    (commands,) = (action.choices for action in cli.parser()._actions if action.dest == "command")

    assert set(commands or ()) <= described


@pytest.mark.models
def test_the_python_example_runs() -> None:
    """What a reader copies works: an Italian sentence, its country and its event."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}

    exec(code, names)  # noqa: S102 - the README is ours

    article = names["article"]
    assert article.language.code == "it"
    assert [event.type.value for event in article.events] == ["AID"]
    assert "UA" in {entity.link.id for entity in article.entities if entity.link}


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
