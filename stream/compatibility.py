"""What a contract must not do to those who rely on an earlier one of the same major version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_ARRIVES = "urn:newsstream:article:"
"""The one record that others send; all others leave."""
_NO_PART_OF_A_TYPE = {"title", "description", "default", "examples", "enum"}


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """How a schema breaks with an earlier one; empty where all is well.

    Nothing may be removed, become required or change its type, and no value may leave an enumeration: records that were
    published once stay readable, and producers stay accepted. What leaves may not stop being required nor gain a type
    (`null`, say); what arrives may. Optional fields and values of an enumeration may be added.
    """
    arrives = str(old.get("$id")).startswith(_ARRIVES)
    found = [] if old.get("$id") == new.get("$id") else [f"the $id is no longer {old.get('$id')}"]
    for where, before, after in _objects(old, new):
        fields, kept = before.get("properties", {}), after.get("properties", {})
        demanded, demands = set(before.get("required", ())), set(after.get("required", ()))
        found += [f"{where}: {name} was removed" for name in sorted(set(fields) - set(kept))]
        found += [f"{where}: {name} is newly required" for name in sorted(demands - demanded)]
        if not arrives:
            found += [f"{where}: {name} is no longer required" for name in sorted((demanded - demands) & set(kept))]
        found += [
            f"{where}: {name} has changed its type"
            for name in sorted(set(fields) & set(kept))
            if not _compatible(fields[name], kept[name], arrives=arrives)
        ]
        found += [
            f"{where}: the value {value} of {name} was removed"
            for name in fields
            for value in _values(fields[name])
            if value not in _values(kept.get(name, fields[name]))
        ]
        found += [f"{where}: the value {value} was removed" for value in _values(before) if value not in _values(after)]
    return found


def withdrawn(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What an AsyncAPI document no longer promises of an earlier one: channels, their addresses and records, headers."""
    found = []
    for name, before in old["channels"].items():
        after = new["channels"].get(name, {"messages": {}})
        if before["address"] != after.get("address"):
            found.append(f"{name}: {before['address']} is now {after.get('address', 'nowhere')}")
        found += [
            f"{name}: {record} no longer travels there" for record in sorted(set(before["messages"]) - set(after["messages"]))
        ]
    for name, before in old["components"]["messages"].items():
        after = new["components"]["messages"].get(name, {"headers": {}})
        gone = set(before["headers"]["required"]) - set(after["headers"].get("required", ()))
        found += [f"{name}: the header {header} is no longer sent" for header in sorted(gone)]
        if before["payload"] != after.get("payload"):
            found.append(f"{name}: its schema is no longer {before['payload']['$ref']}")
    return found


def _compatible(before: Mapping[str, Any], after: Mapping[str, Any], *, arrives: bool) -> bool:
    old, new = _alternatives(before), _alternatives(after)
    return all(each in new for each in old) if arrives else all(each in old for each in new)


def _alternatives(field: Mapping[str, Any]) -> list[Any]:
    return [_bare(each) for each in field.get("anyOf", (field,))]


def _values(field: Mapping[str, Any]) -> list[Any]:
    """The values of an enumeration, wherever it stands in a field: alone, beside a null, in a list."""
    parts = [part for key in ("anyOf", "prefixItems") for part in field.get(key, ())]
    parts += [field[key] for key in ("items", "additionalProperties") if isinstance(field.get(key), dict)]
    return [*field.get("enum", ()), *(value for part in parts for value in _values(part))]


def _bare(field: Any) -> Any:
    """A field's schema without what does not make its type; values of enumerations are compared one by one."""
    if isinstance(field, dict):
        return {key: _bare(value) for key, value in field.items() if key not in _NO_PART_OF_A_TYPE}
    return field


def _objects(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    yield str(old.get("title", "")), old, new
    for name, before in old.get("$defs", {}).items():
        yield name, before, new.get("$defs", {}).get(name, {})
