"""TLS, passwords and ACLs on Apache Kafka: what works with which rights, and what somebody who got it wrong is told."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stream import access, acls, admin, config, topics
from tests.integration import workers
from tests.integration.workers import Stage
from tests.kafka import plugin, secured
from tests.kafka.certificates import Authority
from tests.kafka.client import Outgoing
from tests.kafka.secured import PASSWORD, Secured

pytestmark = pytest.mark.kafka

SEEDS = Path(__file__).parents[2] / "seeds"
USER, CERTIFIED = "User:alice", "User:CN=desk"
WRONG = "not-the-password"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and certificates of this module."""
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def doors(folder: Path) -> Iterator[Secured]:
    """One secured broker for the module; Apache Kafka only."""
    with secured.running(folder, libs=plugin.required_libraries(), users=("alice",)) as running:
        yield running


@pytest.fixture
def on(doors: Secured, prefix: str) -> Iterator[Stage]:
    """A stage with its topics, looked after through the plaintext door."""
    with workers.stage(doors.bootstrap, prefix, partitions=2) as made:
        yield made


def _articles(count: int, *, start: int = 0) -> list[Outgoing]:
    return [
        (f"a{number}".encode(), json.dumps({"id": f"a{number}", "text": "Kyiv is quiet."}).encode())
        for number in range(start, start + count)
    ]


def _ids(on: Stage) -> Counter[str]:
    return Counter(json.loads(record.value or b"{}")["article_id"] for record in on.everything(topics.ENRICHED))


def _rights(on: Stage, command: acls.Command = "worker") -> list[tuple[str, str, str]]:
    return [(right.operation, right.kind, right.name) for right in acls.required(command, on.settings())]


def _allow(doors: Secured, principal: str, *rights: tuple[str, str, str]) -> None:
    asyncio.run(doors.allow(principal, *rights))


def _forbid(doors: Secured, principal: str, *rights: tuple[str, str, str]) -> None:
    asyncio.run(doors.forbid(principal, *rights))


def _newsstream(on: Stage, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    chosen = {"topic_prefix": on.prefix, "request_timeout": 10, "session_timeout": 10} | settings
    environment = os.environ | {f"{config.PREFIX}{name.upper()}": str(value) for name, value in chosen.items()}
    command = [sys.executable, "-m", "stream", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _refusal(prefix: str, settings: dict[str, Any], *, rights: bool = False) -> str:
    """What `access.check` says; nothing where it lets us pass."""
    chosen = config.Settings(topic_prefix=prefix, group_id=f"{prefix}group", **settings)

    async def ask() -> str:
        try:
            await access.check(chosen, acls.required("worker", chosen) if rights else ())
        except access.DeniedError as error:
            return str(error)
        finally:
            await _hung_up()
        return ""

    return asyncio.run(ask())


async def _hung_up() -> None:
    """Wait until every connection is closed: aiokafka leaves one that was refused to the loop, which ends here."""
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        while len(selector.get_map()) > 1:  # the loop's own
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("mechanism", secured.MECHANISMS)
def test_a_worker_with_a_password_needs_no_more_than_the_table_says(doors: Secured, on: Stage, mechanism: str) -> None:
    """Every mechanism, over TLS: articles in, records out, committed; and at its most talkative it never says the password."""
    _allow(doors, USER, *_rights(on))
    on.produce(_articles(20))
    worker = on.start(**doors.sasl("alice", mechanism=mechanism), log_level="debug")

    on.settle()

    assert _ids(on) == Counter(f"a{number}" for number in range(20))
    assert worker.terminate() == 0
    assert PASSWORD not in worker.said()


def test_a_worker_with_a_certificate_needs_no_more_than_the_table_says(doors: Secured, on: Stage) -> None:
    """Mutual TLS: the subject of its certificate is whom the ACLs name."""
    _allow(doors, CERTIFIED, *_rights(on))
    on.produce(_articles(20))
    worker = on.start(**doors.mutual())

    on.settle()

    assert _ids(on) == Counter(f"a{number}" for number in range(20))
    assert worker.terminate() == 0


def test_a_right_that_is_taken_away_stops_the_worker_and_loses_nothing(doors: Secured, on: Stage) -> None:
    """One after the other: it says which right of whom, leaves with status 1, and in the end every article came out."""
    rights = {name.rpartition(".")[2]: (operation, kind, name) for operation, kind, name in _rights(on)}
    session: dict[str, Any] = {"session_timeout": 2, "heartbeat_interval": 0.5}
    _allow(doors, USER, *_rights(on))
    on.produce(_articles(10))

    for start, name in ((10, "enriched"), (20, "articles"), (30, "group")):
        worker = on.start(**doors.sasl("alice"), **session)
        on.settle()
        _forbid(doors, USER, rights[name])
        on.produce(_articles(10, start=start))
        status = worker.process.wait(40)
        committed = sum(on.committed().values())
        _allow(doors, USER, rights[name])

        assert status == 1
        assert f"{USER} {' on '.join(rights[name][:2])} {rights[name][2]}:" in worker.said()
        assert committed == start

    on.start(**doors.sasl("alice"), **session)
    on.settle()
    assert set(_ids(on)) == {f"a{number}" for number in range(40)}


def test_every_right_of_the_table_is_needed_and_named(doors: Secured, prefix: str) -> None:
    """With all but one, exactly that one is asked for; with none, all of them."""
    with workers.stage(doors.bootstrap, prefix) as on:
        rights = _rights(on)
        settings = doors.sasl("alice")
        with_none = _refusal(prefix, settings, rights=True)
        _allow(doors, USER, *rights)
        with_all = _refusal(prefix, settings, rights=True)
        named = {}
        for right in rights:
            _forbid(doors, USER, right)
            named[right] = _refusal(prefix, settings, rights=True)
            _allow(doors, USER, right)

    listed = [f"{operation} on {kind} {name}" for operation, kind, name in rights]
    assert len(rights) == 6
    assert with_none.startswith(f"Kafka denies {USER} {', '.join(listed)}:")
    assert with_all == ""
    assert [text.partition(":")[2].partition(":")[0] for text in named.values()] == [f"alice {one}" for one in listed]


def test_a_right_to_see_is_none_to_write(doors: Secured, on: Stage) -> None:
    """The topic is visible, so it is not missing; still nothing may be published there, and the worker does not start."""
    rights = _rights(on)
    _allow(doors, USER, *rights[:-1], ("DESCRIBE", "topic", rights[-1][2]))
    worker = on.start(wait=False, **doors.sasl("alice"))

    assert worker.process.wait(30) == 1
    assert f"Kafka denies {USER} WRITE on topic {on.prefix}rejected:" in worker.said()


def test_whoever_may_read_their_settings_learns_what_the_outputs_take(doors: Secured, on: Stage) -> None:
    """That right is optional: without it the limit is that of our own settings."""
    optional = [need.right(on.settings()) for need in acls.NEEDS if need.command == "worker" and not need.required]
    settings = config.Settings(topic_prefix=on.prefix, **doors.sasl("alice"))

    without = asyncio.run(admin.largest_value(settings))
    _allow(doors, USER, *((right.operation, right.kind, right.name) for right in optional))
    granted = asyncio.run(admin.largest_value(settings))

    assert without is None
    assert granted is not None
    assert granted > 1_000_000


@pytest.mark.parametrize("mechanism", secured.MECHANISMS)
@pytest.mark.parametrize("user", ["alice", "mallory"])
def test_a_wrong_password_is_told_apart_from_a_broker_that_is_away(
    doors: Secured, prefix: str, mechanism: str, user: str
) -> None:
    """So is a user whom nobody knows; the settings to look at are named, their secret is not."""
    told = _refusal(prefix, doors.sasl(user, mechanism=mechanism, sasl_password=WRONG))

    assert f"the broker at {doors.at('sasl')} refuses the user '{user}'" in told
    assert "NEWSSTREAM_SASL_USERNAME, NEWSSTREAM_SASL_PASSWORD" in told
    assert WRONG not in told


def test_a_certificate_that_we_cannot_trust_is_named_with_its_reason(doors: Secured, prefix: str, folder: Path) -> None:
    """An unknown authority, with a CA file and without; a certificate that has expired; one for another host."""
    stranger = Authority(folder, name="stranger")

    told = {
        "unknown": _refusal(prefix, doors.sasl("alice", ssl_cafile=str(stranger.file))),
        "unset": _refusal(prefix, doors.sasl("alice", ssl_cafile=None)),
        "expired": _refusal(prefix, doors.sasl("alice", door="expired")),
        "elsewhere": _refusal(prefix, doors.sasl("alice", door="elsewhere")),
    }

    assert f"is signed by no CA in NEWSSTREAM_SSL_CAFILE='{stranger.file}'" in told["unknown"]
    assert "NEWSSTREAM_SSL_CAFILE is not set" in told["unset"]
    assert f"broker at {doors.at('expired')}, or that of its CA, has expired" in told["expired"]
    assert "is for another name (IP address mismatch" in told["elsewhere"]
    assert "NEWSSTREAM_BOOTSTRAP_SERVERS" in told["elsewhere"]


def test_a_name_that_only_the_broker_uses_is_checked_too(doors: Secured, prefix: str) -> None:
    """The address that we were given fits, the one that the broker advertises does not: clients would call it for ever."""
    told = _refusal(prefix, doors.sasl("alice", mechanism="PLAIN", bootstrap_servers=f"localhost:{doors.ports['astray']}"))

    assert f"the certificate of the broker at 127.0.0.1:{doors.ports['astray']} is for another name" in told
    assert "advertised.listeners" in told


def test_a_certificate_of_ours_that_the_broker_refuses_is_named(doors: Secured, prefix: str, folder: Path) -> None:
    """None at all, one that has expired, one of another authority."""
    strange = Authority(folder, name="stranger").sign("desk")
    expired = doors.expired_client

    told = {
        "none": _refusal(prefix, doors.mutual(ssl_certfile=None, ssl_keyfile=None)),
        "expired": _refusal(prefix, doors.mutual(ssl_certfile=str(expired.certificate), ssl_keyfile=str(expired.key))),
        "strange": _refusal(prefix, doors.mutual(ssl_certfile=str(strange.certificate), ssl_keyfile=str(strange.key))),
    }

    assert "set NEWSSTREAM_SSL_CERTFILE and NEWSSTREAM_SSL_KEYFILE" in told["none"]
    assert f"NEWSSTREAM_SSL_CERTFILE='{expired.certificate}': has it expired" in told["expired"]
    assert f"NEWSSTREAM_SSL_CERTFILE='{strange.certificate}'" in told["strange"]


@pytest.mark.parametrize(
    ("protocol", "door", "words"),
    [
        ("PLAINTEXT", "sasl", "speaks TLS there"),
        ("PLAINTEXT", "mutual", "speaks TLS there"),
        ("PLAINTEXT", "open", "wants a user and a password there"),
        ("SSL", "sasl", "wants a user and a password there"),
        ("SSL", "open", "speaks no TLS there"),
        ("SSL", "plaintext", "speaks no TLS there"),
        ("SASL_PLAINTEXT", "sasl", "speaks TLS there"),
        ("SASL_PLAINTEXT", "plaintext", "takes no users and passwords there"),
        ("SASL_SSL", "open", "speaks no TLS there"),
        ("SASL_SSL", "mutual", "asks for our certificate"),
        ("SASL_SSL", "plaintext", "speaks no TLS there"),
    ],
)
def test_a_protocol_that_does_not_fit_the_listener_is_named(
    doors: Secured, prefix: str, protocol: str, door: Any, words: str
) -> None:
    """Whatever the mistake, it is no silence that lasts for ever."""
    settings = {
        "bootstrap_servers": doors.bootstrap if door == "plaintext" else doors.at(door),
        "security_protocol": protocol,
    }
    if protocol.startswith("SASL"):
        settings |= {"sasl_username": "alice", "sasl_password": PASSWORD}
    if protocol.endswith("SSL"):
        settings |= {"ssl_cafile": str(doors.authority.file)}

    told = _refusal(prefix, settings)

    assert words in told
    assert "certificate" in words or f"NEWSSTREAM_SECURITY_PROTOCOL={protocol}" in told


def test_a_listener_that_fits_is_no_complaint(doors: Secured, prefix: str) -> None:
    """Also the password over a line that everybody can read: that is the choice of whoever runs the broker."""
    assert _refusal(prefix, doors.sasl("alice", door="open")) == ""
    assert _refusal(prefix, doors.mutual()) == ""
    assert _refusal(prefix, {"bootstrap_servers": doors.bootstrap}, rights=True) == ""


def test_a_mechanism_that_the_broker_does_not_offer_is_named(doors: Secured, prefix: str) -> None:
    """One listener offers PLAIN alone."""
    told = _refusal(prefix, doors.sasl("alice", bootstrap_servers=f"localhost:{doors.ports['astray']}"))

    assert "does not offer NEWSSTREAM_SASL_MECHANISM=SCRAM-SHA-512" in told


@pytest.mark.parametrize("trouble", ["password", "certificate"])
def test_a_worker_that_is_refused_leaves_at_once(doors: Secured, on: Stage, trouble: str) -> None:
    """Waiting would not help: status 1 and a sentence; what it says at its most talkative holds no password."""
    settings = doors.sasl("alice", mechanism="PLAIN", sasl_password=WRONG)
    if trouble == "certificate":
        settings = doors.sasl("alice", door="expired")
    worker = on.start(wait=False, log_level="debug", **settings)

    assert worker.process.wait(30) == 1
    assert {"password": "refuses the user 'alice'", "certificate": "has expired"}[trouble] in worker.said()
    assert "cannot start" in worker.said()
    assert "Traceback" not in worker.said()
    assert WRONG not in worker.said()
    assert PASSWORD not in worker.said()


def test_a_password_that_changes_stops_even_an_idle_worker(doors: Secured, on: Stage) -> None:
    """The broker was away and comes back with another one: nothing is asked of the worker, and yet it notices and says so."""
    _allow(doors, USER, *_rights(on))
    worker = on.start(**doors.sasl("alice", mechanism="PLAIN"))

    with doors.other_password():
        status = worker.process.wait(60)

    assert status == 1
    assert "refuses the user 'alice'" in worker.said()


def test_every_command_works_behind_tls_with_the_rights_of_the_table(doors: Secured, prefix: str) -> None:
    """Topics are made, articles sent and shown, by somebody who may do that and nothing else."""
    settings = doors.sasl("alice")
    on = Stage(doors.bootstrap, prefix)
    _allow(doors, USER, *(right for command in acls.COMMANDS if command != "worker" for right in _rights(on, command)))

    made = _newsstream(on, "topics", "create", **settings)
    again = _newsstream(on, "topics", "create", **settings)
    sent = _newsstream(on, "produce", str(SEEDS / "nl.ndjson"), **settings)
    shown = _newsstream(on, "tail", "articles", "--from-beginning", "--max", "3", "--idle", "20", **settings)

    assert made.stdout.count("created") == 5, made.stderr
    assert again.stdout.count("exists") == 5, again.stderr
    assert "3 sent" in sent.stderr
    assert len(shown.stdout.splitlines()) == 3, shown.stderr


@pytest.mark.parametrize("trouble", ["password", "right"])
def test_every_command_that_is_refused_says_why(doors: Secured, on: Stage, trouble: str) -> None:
    """Status 1, one sentence, no traceback, no secret."""
    settings = doors.sasl("alice", mechanism="PLAIN")
    if trouble == "password":
        settings |= {"sasl_password": WRONG}

    refused = {
        "CREATE on topic": _newsstream(on, "topics", "create", **settings | {"topic_prefix": f"{on.prefix}new."}),
        "WRITE on topic": _newsstream(on, "produce", str(SEEDS / "nl.ndjson"), **settings),
        "READ on topic": _newsstream(on, "tail", "enriched", "--idle", "20", **settings),
    }

    for right, done in refused.items():
        assert done.returncode == 1
        assert (f"{USER} {right} {on.prefix}" if trouble == "right" else "refuses the user 'alice'") in done.stderr
        assert "Traceback" not in done.stderr
        assert WRONG not in done.stderr
        assert PASSWORD not in done.stderr
