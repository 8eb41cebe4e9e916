"""The tables of the README and of docs/ say what the code says; ``python -m tests.test_readme`` (``make docs``) writes them."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from stream import acls, cli, config, topics
from stream.metrics import Metrics
from stream.records import Reason

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


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
    rows, registry = [], Metrics().registry
    for metric in registry.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(metric.type, "")
        labels = ",".join(getattr(registry._names_to_collectors.get(metric.name), "_labelnames", ()))
        name = f"{metric.name}{suffix}" + (f"{{{labels}}}" if labels else "")
        rows.append((f"`{name}`", metric.type, metric.documentation))
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


def rights_table() -> str:
    """What each command needs of Kafka, with the default names."""
    settings = config.Settings.model_construct()
    rows: dict[tuple[str, str, str], list[str]] = {}
    for need in acls.NEEDS:
        right = need.right(settings)
        operation = f"`{right.operation}`" + ("" if need.required else " (optional)")
        rows.setdefault((need.command, operation, f"{right.kind}|{need.why}"), []).append(f"`{right.name}`")
    cells = []
    for (command, operation, kind_and_why), names in rows.items():
        kind, _, why = kind_and_why.partition("|")
        cells.append((f"`{command}`", operation, f"{kind} {', '.join(names)}", why))
    return _table(*cells, head=("command", "right", "on", "because it"))


TABLES = {
    "README.md": {"settings": settings_table, "metrics": metrics_table, "topics": topics_table, "reasons": reasons_table},
    "docs/security.md": {"rights": rights_table},
}


def _fill(found: re.Match[str], *, text: str) -> str:
    return f"{found[1]}\n{text}\n\n{found[2]}"


def rewritten(name: str, text: str) -> str:
    """A document with today's tables between their markers."""
    for table, render in TABLES[name].items():
        pattern = re.compile(rf"(<!-- {table} -->\n).*?(<!-- /{table} -->)", re.DOTALL)
        assert pattern.search(text), f"{name} has no marker <!-- {table} -->"
        text = pattern.sub(partial(_fill, text=render()), text)
    return text


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    """A setting, metric, topic, reason or right that changes in the code changes in its document."""
    text = (ROOT / name).read_text(encoding="utf-8")

    assert rewritten(name, text) == text, "run `make docs`"


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
    for document in TABLES:
        path = ROOT / document
        path.write_text(rewritten(document, path.read_text(encoding="utf-8")), encoding="utf-8")
