"""Which rights each command needs on Kafka, and which of them the broker denies us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError, for_code

from stream import questions, topics
from stream.config import PREFIX, Settings

Operation = Literal["READ", "WRITE", "CREATE", "DESCRIBE_CONFIGS"]
Kind = Literal["topic", "group"]
Command = Literal["worker", "topics create", "produce", "tail"]
COMMANDS: tuple[Command, ...] = get_args(Command)

_BITS: dict[Operation, int] = {"READ": 3, "WRITE": 4}
"""Places in the bit field with which a broker says what we may do; other rights are not asked for before they are used."""
_NOT_TOLD = -(2**31)


@dataclass(frozen=True, slots=True)
class Right:
    """Leave to do one thing with one topic or group. READ and WRITE bring DESCRIBE with them."""

    operation: Operation
    kind: Kind
    name: str

    def __str__(self) -> str:
        """As an administrator would say it."""
        return f"{self.operation} on {self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Need:
    """A row of the table: what a command does with a topic, or with its group where there is no topic."""

    command: Command
    operation: Operation
    topic: topics.Topic | None
    why: str
    required: bool = True

    def right(self, settings: Settings) -> Right:
        """The right, with the names of these settings."""
        if self.topic is None:
            return Right(self.operation, "group", settings.group_id)
        return Right(self.operation, "topic", self.topic.full_name(settings.topic_prefix))


NEEDS: tuple[Need, ...] = (
    Need("worker", "READ", topics.ARTICLES, "takes articles"),
    Need("worker", "READ", None, "shares the partitions, and commits"),
    *(Need("worker", "WRITE", topic, "publishes records") for topic in topics.OUTPUTS),
    *(Need("worker", "DESCRIBE_CONFIGS", topic, "learns the largest record", required=False) for topic in topics.OUTPUTS),
    *(Need("topics create", "CREATE", topic, "makes the topic") for topic in topics.ALL),
    Need("produce", "WRITE", topics.ARTICLES, "sends articles"),
    *(Need("tail", "READ", topic, "shows records") for topic in topics.ALL),
)


def required(command: Command, settings: Settings) -> tuple[Right, ...]:
    """The rights without which a command cannot work."""
    return tuple(need.right(settings) for need in NEEDS if need.command == command and need.required)


def principal(settings: Settings) -> str:
    """Whom the ACLs have to name; a broker may have rules of its own for the names of certificates."""
    if settings.security_protocol.startswith("SASL"):
        return f"User:{settings.sasl_username}"
    if settings.security_protocol == "SSL" and settings.ssl_certfile:
        return f"the subject of {PREFIX}SSL_CERTFILE={settings.ssl_certfile!r}"
    return "User:ANONYMOUS"


def sentence(denied: Sequence[Right], settings: Settings) -> str:
    """What an administrator has to grant."""
    listed = ", ".join(str(right) for right in denied)
    return f"Kafka denies {principal(settings)} {listed}: an ACL has to allow it (docs/security.md lists what each command needs)"


async def denied(settings: Settings, rights: Sequence[Right]) -> tuple[Right, ...]:
    """Those of `rights` that the broker says we have not; raises `KafkaError` or `OSError` where it does not answer.

    Topics that do not exist count as allowed where we may see that they do not, and so does everything that a broker does not
    tell: those before 2.3, and those without authorisation.
    """
    client = AIOKafkaClient(**settings.client_arguments())
    try:
        await client.bootstrap()
        allowed = await _topics(client, [right.name for right in rights if right.kind == "topic"])
        for right in rights:
            if right.kind == "group":
                allowed[right.name] = await _group(client, right.name)
    except NotImplementedError:  # aiokafka's word for a broker that does not know the question
        return ()
    finally:
        await client.close()
    return tuple(right for right in rights if not _includes(allowed[right.name], right.operation))


def _includes(allowed: int, operation: Operation) -> bool:
    return allowed == _NOT_TOLD or bool(allowed >> _BITS[operation] & 1)


async def _topics(client: AIOKafkaClient, names: list[str]) -> dict[str, int]:
    """For each topic, the bit field of what we may do; nothing where we may not even see it.

    Asked also without topics: a broker that answers has let us in.
    """
    answer = await client.send(client.get_random_node(), questions.AskTopics(names))
    found = dict.fromkeys(names, _NOT_TOLD)
    for code, name, _, _, allowed in answer.topics:
        if for_code(code) is TopicAuthorizationFailedError:
            found[name] = 0
        elif not code:
            found[name] = allowed
    return found


async def _group(client: AIOKafkaClient, name: str) -> int:
    try:
        coordinator = await client.coordinator_lookup(CoordinationType.GROUP, name)
    except GroupAuthorizationFailedError:
        return 0
    except KafkaError as error:
        if error.retriable:  # a cluster that never had a group makes room for them first
            return _NOT_TOLD
        raise
    answer = await client.send(coordinator, questions.AskGroup(name))
    ((code, *_, allowed),) = answer.groups
    if for_code(code) is GroupAuthorizationFailedError:
        return 0
    return _NOT_TOLD if code else int(allowed)
