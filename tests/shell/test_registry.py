"""Schema ids from a registry: looked up, registered, refused, or waited for; against a small one of our own."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from stream import cli, config, registry, schemas

SUBJECTS = ["t.enriched-value", "t.events-value", "t.entities-value", "t.rejected-value"]


@dataclass
class Registry:
    """What of Confluent's API is used: look-up and registration; it hands out ids in the order of registration."""

    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    answer: Callable[[web.Request], web.StreamResponse | None] = lambda _request: None
    """Answers instead, where it gives something."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Look a schema up, or register it."""
        self.requests.append((request.path, request.headers.get("Authorization", "")))
        if (instead := self.answer(request)) is not None:
            return instead
        subject = request.match_info["subject"]
        document = await request.json()
        assert document["schemaType"] == "JSON"
        known = self.ids.get((subject, document["schema"]))
        if known is None and not request.path.endswith("/versions"):
            return web.json_response({"error_code": 40401, "message": "Subject not found."}, status=404)
        if known is None:
            known = self.ids[subject, document["schema"]] = len(self.ids) + 1
        return web.json_response({"id": known})


@asynccontextmanager
async def _serving(made: Registry) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/api/subjects/{subject}", made.handle)
    app.router.add_post("/api/subjects/{subject}/versions", made.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    finally:
        await runner.cleanup()


def _settings(address: str, **more: Any) -> config.Settings:
    return config.Settings(schema_registry_url=address, topic_prefix="t.", **more)


def _with(made: Registry, act: Callable[[str], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with _serving(made) as address:
            return await act(address)

    return asyncio.run(run())


def _says(status: int, document: Any = None, **headers: str) -> Callable[[web.Request], web.StreamResponse]:
    def answer(_request: web.Request) -> web.StreamResponse:
        text = json.dumps(document) if document is not None else "<html>no such page</html>"
        return web.Response(status=status, text=text, headers=headers)

    return answer


def test_schemas_are_registered_once_and_looked_up_after_that() -> None:
    """One id per output topic; a restart registers nothing, and a slash at the end of the address does no harm."""
    made = Registry()

    first = _with(made, lambda address: registry.ids(_settings(address), register=True))
    made.requests.clear()
    again = _with(made, lambda address: registry.ids(_settings(f"{address}/"), register=True))

    assert first == again == {"enriched": 1, "events": 2, "entities": 3, "rejected": 4}
    assert [subject for subject, _ in made.ids] == SUBJECTS
    assert [path for path, _ in made.requests] == [f"/api/subjects/{name}" for name in SUBJECTS]


def test_who_may_not_register_only_looks_up() -> None:
    """A schema that is lacking is refused with the command that brings it, and nothing was written."""
    made = Registry()

    with pytest.raises(registry.RefusedError, match=r"t\.enriched-value: `newsstream schemas register`"):
        _with(made, lambda address: registry.ids(_settings(address), register=False))

    assert made.ids == {}


def test_the_password_travels_and_is_never_told() -> None:
    """Basic authentication, in UTF-8; a refusal names the user and the variables, and not the password."""
    made = Registry(answer=_says(401, {"error_code": 40101, "message": "Unauthorized"}))
    secret = SecretStr("päss:wörd")

    with pytest.raises(registry.RefusedError, match="refuses desk") as caught:
        _with(
            made,
            lambda address: registry.ids(
                _settings(address, schema_registry_username="desk", schema_registry_password=secret), register=True
            ),
        )

    assert made.requests[0][1] == f"Basic {base64.b64encode('desk:päss:wörd'.encode()).decode()}"
    assert "NEWSSTREAM_SCHEMA_REGISTRY_USERNAME" in str(caught.value)
    assert "wörd" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_says(409, {"error_code": 409, "message": "TYPE_CHANGED at #/properties/id"}), "incompatible .* TYPE_CHANGED"),
        (_says(422, {"error_code": 42201, "message": "no schema"}), "does not accept the schema .* no schema"),
        (_says(403, {"error_code": 40301, "message": "not yours"}), "refuses nobody .* not yours"),
        (_says(404), "is the path right"),
        (_says(200), "is the path right"),
        (_says(200, {"id": "seven"}), "is the path right"),
        (_says(200, {"id": -1}), "is the path right"),
        (_says(200, [1]), "is the path right"),
        (_says(301, Location="http://127.0.0.1:1/elsewhere"), "is the path right"),
    ],
)
def test_what_waiting_cannot_mend_is_refused_in_words(answer: Callable[[web.Request], web.StreamResponse], words: str) -> None:
    """An incompatible schema, a wrong address, a user without rights: each says what it was."""
    with pytest.raises(registry.RefusedError, match=words):
        _with(Registry(answer=answer), lambda address: registry.wait_for_ids(_settings(address), waiting=lambda _why: None))


def test_a_registry_that_is_busy_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers of 503, one of 429, then it works: each was told, none was an error."""
    monkeypatch.setattr(registry, "_RETRY_SECONDS", 0.01)
    troubles = [503, 503, 429]
    told: list[str] = []
    made = Registry(answer=lambda request: _says(troubles.pop(), {"message": "no\nleader"})(request) if troubles else None)

    ids = _with(made, lambda address: registry.wait_for_ids(_settings(address), waiting=told.append))

    assert sorted(ids) == ["enriched", "entities", "events", "rejected"]
    assert [why.rpartition("answers ")[2] for why in told] == ["429: no leader", "503: no leader", "503: no leader"]


def test_waiting_ends_with_the_start_up_time() -> None:
    """Nobody listens: the reason names the address."""
    settings = _settings("http://127.0.0.1:1", startup_timeout=0.1)

    with pytest.raises(TimeoutError, match=r"http://127\.0\.0\.1:1/subjects/t\.enriched-value does not answer"):
        asyncio.run(registry.wait_for_ids(settings, waiting=lambda _why: None))


def test_tls_that_fails_is_refused() -> None:
    """A certificate will not be trusted tomorrow: here the registry speaks no TLS at all."""
    with pytest.raises(registry.RefusedError, match="NEWSSTREAM_SCHEMA_REGISTRY_CAFILE"):
        _with(Registry(), lambda address: registry.ids(_settings(address.replace("http:", "https:")), register=True))


def test_without_a_registry_there_are_no_ids() -> None:
    """The ordinary case: nothing is asked, nothing is framed."""
    assert asyncio.run(registry.wait_for_ids(config.Settings(), waiting=lambda _why: None)) == {}


def test_the_command_registers_and_shows_the_ids(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For a deployment whose workers may only read; it asks for the one setting that it needs."""
    made = Registry()
    assert cli.main(["schemas", "register"]) == cli.EXIT_USAGE

    async def act(address: str) -> int:
        monkeypatch.setenv("NEWSSTREAM_SCHEMA_REGISTRY_URL", address)
        monkeypatch.setenv("NEWSSTREAM_TOPIC_PREFIX", "t.")
        return await asyncio.to_thread(cli.main, ["schemas", "register"])

    assert _with(made, act) == cli.EXIT_OK
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"{subject}\t{number}" for number, subject in enumerate(SUBJECTS, 1)]
    assert "NEWSSTREAM_SCHEMA_REGISTRY_URL is not set" in said.err


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_the_registry_gets_the_same_schema_in_an_older_dialect(name: str) -> None:
    """Draft-07 throughout, and nothing lost on the way: only names change, and no reference has a sibling that it would hide."""
    text = schemas.for_registry(name)

    back = text.replace('"definitions"', '"$defs"').replace("#/definitions/", "#/$defs/")
    back = back.replace("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema")
    assert json.loads(back) == schemas.schema(name)
    assert set(_keywords(json.loads(text))) <= DRAFT_07
    assert not [part for part in _parts(json.loads(text)) if "$ref" in part and set(part) - {"$ref", "default", "description"}]


DRAFT_07 = {
    "$id", "$ref", "$schema", "additionalProperties", "anyOf", "const", "contentEncoding", "default", "definitions",
    "description", "enum", "format", "items", "maxLength", "maximum", "minLength", "minimum", "properties", "required",
    "title", "type",
}  # fmt: skip
"""Keywords that mean the same in both dialects; another one has to be looked at before it is added here."""


def _parts(schema: Any) -> list[dict[str, Any]]:
    """Every schema within a schema."""
    if isinstance(schema, list):
        return [part for each in schema for part in _parts(each)]
    if not isinstance(schema, dict):
        return []
    named = [part for key in ("properties", "definitions") for each in schema.get(key, {}).values() for part in _parts(each)]
    return [schema, *named, *(part for key, value in schema.items() if key in ("anyOf", "items") for part in _parts(value))]


def _keywords(schema: Any) -> list[str]:
    return [key for part in _parts(schema) for key in part]
