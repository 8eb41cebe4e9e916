"""Apache Kafka with its doors shut: TLS, SASL and ACLs on one broker, with a plaintext door for whoever administers it.

Each listener is one way in. Whoever comes through `PLAINTEXT` is a super user; everybody else may do what an ACL says and
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from stream import broker
from tests.kafka import apache
from tests.kafka.certificates import Authority, Pair

PASSWORD = "correct-horse-battery"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

Door = Literal["sasl", "mutual", "open", "expired", "elsewhere", "astray"]
"""SASL over TLS; TLS with client certificates; SASL without TLS; two whose certificates no client may accept; and one, for
PLAIN alone, whose certificate is right at `localhost`, but which sends everybody on to 127.0.0.1."""

_PROTOCOLS: Mapping[Door, str] = {
    "sasl": "SASL_SSL",
    "mutual": "SSL",
    "open": "SASL_PLAINTEXT",
    "expired": "SASL_SSL",
    "elsewhere": "SASL_SSL",
    "astray": "SASL_SSL",
}

_ANY, _TOPIC, _GROUP, _CLUSTER = 1, 2, 3, 4
_RESOURCES = {"topic": _TOPIC, "group": _GROUP, "cluster": _CLUSTER}
_LITERAL, _ALLOW = 3, 3
_OPERATIONS = {"READ": 3, "WRITE": 4, "CREATE": 5, "DESCRIBE": 8, "DESCRIBE_CONFIGS": 10}


@dataclass(frozen=True, kw_only=True)
class Secured:
    """A secured broker that runs."""

    kafka: apache.ApacheKafka
    ports: Mapping[Door, int]
    authority: Authority
    client: Pair
    """A client's certificate: the broker knows it as `User:CN=desk`."""
    expired_client: Pair

    @property
    def bootstrap(self) -> str:
        """For administration: no TLS, no password, every right."""
        return self.kafka.bootstrap

    def at(self, door: Door) -> str:
        """The bootstrap address of a listener."""
        return f"{broker.HOST}:{self.ports[door]}"

    def sasl(self, user: str, *, mechanism: str = "SCRAM-SHA-512", door: Door = "sasl", **changed: Any) -> dict[str, Any]:
        """Settings, by their lower-case names, of a client with a password."""
        settings = {
            "bootstrap_servers": self.at(door),
            "security_protocol": _PROTOCOLS[door],
            "sasl_mechanism": mechanism,
            "sasl_username": user,
            "sasl_password": PASSWORD,
        }
        if settings["security_protocol"].endswith("SSL"):
            settings["ssl_cafile"] = str(self.authority.file)
        return settings | changed

    def mutual(self, **changed: Any) -> dict[str, Any]:
        """Settings of a client with a certificate."""
        return {
            "bootstrap_servers": self.at("mutual"),
            "security_protocol": "SSL",
            "ssl_cafile": str(self.authority.file),
            "ssl_certfile": str(self.client.certificate),
            "ssl_keyfile": str(self.client.key),
        } | changed

    @contextmanager
    def other_password(self) -> Iterator[None]:
        """The broker was away, and when it is back, it knows another password for PLAIN; afterwards, the old one again."""
        properties = self.kafka.directory / "server.properties"
        before = properties.read_text()
        try:
            self.kafka.kill()
            properties.write_text(before.replace(PASSWORD, "another-password"))
            self.kafka.start()
            yield
        finally:
            self.kafka.kill()
            properties.write_text(before)
            self.kafka.start()

    async def allow(self, principal: str, *rights: tuple[str, str, str]) -> None:
        """Let `principal` do these things: operation, kind of resource, its name."""
        await self._each(CreateAclsRequest, principal, rights)

    async def forbid(self, principal: str, *rights: tuple[str, str, str]) -> None:
        """Take rights away again; they must have been there."""
        await self._each(DeleteAclsRequest, principal, rights)

    async def _each(self, request: Callable[..., Any], principal: str, rights: tuple[tuple[str, str, str], ...]) -> None:
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap)
        await client.bootstrap()
        try:
            for operation, kind, name in rights:
                wanted = request(_RESOURCES[kind], name, _LITERAL, principal, "*", _OPERATIONS[operation], _ALLOW)
                answer = await client.send(client.get_random_node(), wanted)
                _check(answer, what=f"{operation} on {kind} {name} for {principal}")
        finally:
            await client.close()


def _check(answer: Any, *, what: str) -> None:
    created = hasattr(answer, "creation_responses")
    for item in answer.creation_responses if created else answer.filter_responses:
        assert item[0] == 0, f"{what}: {for_code(item[0]).__name__}: {item[1]}"
        assert created or item[2], f"{what}: there was no such ACL"


@contextmanager
def running(folder: Path, *, libs: Path, users: tuple[str, ...]) -> Iterator[Secured]:
    """A secured broker whose `users` all have the same password, for every mechanism; keys and certificates lie in `folder`."""
    authority = Authority(folder)
    names = ("localhost", broker.HOST)
    keystores: dict[Door, Pair] = {
        "sasl": authority.sign("broker", hosts=names),
        "mutual": authority.sign("broker-mutual", hosts=names),
        "expired": authority.sign("broker-expired", hosts=names, days=-1),
        "elsewhere": authority.sign("broker-elsewhere", hosts=("kafka.example",)),
        "astray": authority.sign("broker-astray", hosts=("localhost",)),
    }
    ports = _ports()
    format_options = [
        option
        for user in users
        for mechanism in MECHANISMS[1:]
        for option in ("--add-scram", f"{mechanism}=[name={user},password={PASSWORD}]")
    ]
    with apache.ApacheKafka(
        libs=libs,
        properties=_properties(ports, keystores, authority=authority, users=users),
        listeners={door.upper(): port for door, port in ports.items()},
        format_options=format_options,
    ) as kafka:
        yield Secured(
            kafka=kafka,
            ports=ports,
            authority=authority,
            client=authority.sign("desk"),
            expired_client=authority.sign("old-desk", days=-1),
        )


def _ports() -> dict[Door, int]:
    ports: dict[Door, int] = {}
    for door in _PROTOCOLS:
        ports[door] = next(port for port in iter(broker.free_port, None) if port not in ports.values())
    return ports


def _properties(
    ports: Mapping[Door, int], keystores: Mapping[Door, Pair], *, authority: Authority, users: tuple[str, ...]
) -> dict[str, str]:
    protocols = ",".join(f"{door.upper()}:{_PROTOCOLS[door]}" for door in ports)
    plain = " ".join(f'user_{user}="{PASSWORD}"' for user in users)
    made = {
        "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,{protocols}",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "false",
        "connection.failed.authentication.delay.ms": "50",
    }
    made["listener.name.astray.sasl.enabled.mechanisms"] = "PLAIN"
    for door, protocol in _PROTOCOLS.items():
        listener = f"listener.name.{door}"
        if protocol.endswith("SSL"):
            made |= {
                f"{listener}.ssl.keystore.type": "PEM",
                f"{listener}.ssl.keystore.location": str(keystores[door].both),
                f"{listener}.ssl.truststore.type": "PEM",
                f"{listener}.ssl.truststore.location": str(authority.file),
                f"{listener}.ssl.client.auth": "required" if protocol == "SSL" else "none",
            }
        if protocol.startswith("SASL"):
            made[f"{listener}.plain.sasl.jaas.config"] = (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {plain};"
            )
            for mechanism in MECHANISMS[1:]:
                made[f"{listener}.{mechanism.lower()}.sasl.jaas.config"] = (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                )
    return made
