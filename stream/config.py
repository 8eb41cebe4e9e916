"""Settings: frozen, typed, from the environment (``NEWSSTREAM_…``), each one documented.

Only the composition roots read this module. A bad value stops the start with a message that names the variable, the value
and what was expected.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NoReturn, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

import stream
from stream import outcome
from stream.records import Engine

PREFIX = "NEWSSTREAM_"
_HIDDEN = "(hidden)"


class FileError(ValueError):
    """A file that a setting names cannot be used; the message names both, and why."""


class Settings(BaseSettings):
    """All settings of the service. Every field is an environment variable with the prefix ``NEWSSTREAM_``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    # Kafka
    bootstrap_servers: str = Field("localhost:9092", description="Kafka brokers, `host:port` separated by commas.")
    group_id: str = Field("newsstream", min_length=1, description="Consumer group; workers of one group share the partitions.")
    topic_prefix: str = Field("news.", pattern=r"^[a-zA-Z0-9._-]*$", description="Put before every topic name.")
    partitions: int = Field(8, ge=1, le=10_000, description="Partitions of the topics that `newsstream topics create` makes.")
    replication_factor: int = Field(1, ge=-1, le=10, description="Replication of those topics; -1 means the broker's default.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description="How to talk to the brokers.",
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("PLAIN", description="SASL mechanism.")
    sasl_username: str | None = Field(None, description="SASL user.")
    sasl_password: SecretStr | None = Field(None, description="SASL password; never logged.")
    ssl_cafile: str | None = Field(None, description="PEM file of the CA that signed the brokers' certificates.")
    ssl_certfile: str | None = Field(None, description="PEM file of the client's certificate (mutual TLS).")
    ssl_keyfile: str | None = Field(None, description="PEM file of the client's key.")
    session_timeout: float = Field(
        30, ge=1, le=1800, description="Seconds without a heartbeat until the group gives a worker up."
    )
    heartbeat_interval: float = Field(3, gt=0, le=600, description="Seconds between heartbeats; at most a third of the session.")
    request_timeout: float = Field(40, ge=2, le=1800, description="Seconds until a request to a broker has failed.")
    delivery_timeout: float = Field(
        120, ge=2, le=3600, description="Seconds until an output that the broker does not take has failed."
    )
    startup_timeout: float = Field(0, ge=0, description="Seconds to wait for Kafka and the topics at start; 0 waits for ever.")

    # Schema registry
    schema_registry_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]+[^?#\s]*$",
        description="A schema registry with Confluent's API: outputs travel in its wire format; unset means plain JSON.",
    )
    schema_registry_username: str | None = Field(None, description="User of the schema registry (basic authentication).")
    schema_registry_password: SecretStr | None = Field(None, description="Password of that user; never logged.")
    schema_registry_cafile: str | None = Field(None, description="PEM file of the CA that signed the registry's certificate.")
    schema_registry_register: bool = Field(
        True, description="Register schemas that the registry does not have; false: `newsstream schemas register` does, or you."
    )

    # Work
    processes: int = Field(0, ge=0, le=1024, description="Pool processes; 0 means one per core that this process may use.")
    prefetch: int = Field(4, ge=1, le=256, description="Articles handed to a pool process ahead of its answers.")
    deadline: float = Field(30, gt=0, le=3600, description="Seconds that one article may take before it is rejected.")
    process_memory_mb: int = Field(
        1536, ge=256, description="Memory of one pool process, in MiB, above which its article is rejected."
    )
    drain_timeout: float = Field(25, ge=0, le=3600, description="Seconds to finish what is in flight after SIGTERM.")
    stall_timeout: float = Field(300, ge=0, description="Seconds with work waiting and nothing acknowledged until exit; 0 never.")
    max_rejected_ratio: float = Field(
        0.95,
        gt=0,
        le=1,
        description="The worker stops when more than this share of the last `rejected_window` articles was rejected; 1 never.",
    )
    rejected_window: int = Field(500, ge=10, description="Articles over which that share is taken.")
    max_restarts: int = Field(100, ge=1, description="Pool processes lost in a minute above which the worker stops.")

    # Content
    max_message_bytes: int = Field(1024 * 1024, ge=1024, description="Larger values are rejected (`too_large`).")
    max_text_chars: int = Field(60_000, ge=100, description="Longer texts are cut, and flagged `truncated`.")
    max_output_bytes: int = Field(1024 * 1024, ge=1024, description="Larger enriched records are rejected (`output_too_large`).")
    engine: Engine = Field(
        "accurate", description="`accurate`, or `fast`: four times as many articles, fewer of the names and events right."
    )
    ner_models: str = Field(
        "", description="spaCy pipelines by language, `it=it_core_news_lg,en=/models/en`; others use the bundled one."
    )
    event_threshold: float | None = Field(
        None, ge=0, le=1, description="Least confidence of an event; unset means the measured default."
    )
    pipeline_factory: str = Field(
        "stream.pool.process:open_pipeline",
        pattern=r"^[\w.]+:\w+$",
        description="`module:function` that opens the pipeline in a pool process; for tests.",
    )

    # Being watched
    probes_host: str = Field(
        "127.0.0.1", description="Address of `/livez`, `/readyz` and `/metrics`; 0.0.0.0 to be scraped from outside."
    )
    probes_port: int = Field(8080, ge=0, le=65535, description="Port of the probes; 0 picks a free one.")
    log_format: Literal["auto", "json", "console"] = Field("auto", description="`auto` means JSON unless on a terminal.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    traces: Literal["off", "otlp", "console"] = Field(
        "off", description="Where OpenTelemetry spans go; needs the extra `traces`. `OTEL_EXPORTER_OTLP_ENDPOINT` says where to."
    )
    traces_ratio: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of the traces begun here that is sampled; whoever sends a `traceparent` decides alone.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(
                f"{PREFIX}SECURITY_PROTOCOL={self.security_protocol} needs {PREFIX}SASL_USERNAME and {PREFIX}SASL_PASSWORD"
            )
        self._refuse_unused()
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError(f"{PREFIX}SSL_KEYFILE needs {PREFIX}SSL_CERTFILE")
        if self.heartbeat_interval * 3 > self.session_timeout:
            raise ValueError(f"{PREFIX}HEARTBEAT_INTERVAL must be at most a third of {PREFIX}SESSION_TIMEOUT")
        if self.session_timeout > self.request_timeout:
            raise ValueError(f"{PREFIX}REQUEST_TIMEOUT must not be less than {PREFIX}SESSION_TIMEOUT")
        if self.schema_registry_url and "@" in urlsplit(self.schema_registry_url).netloc:
            raise ValueError(
                f"{PREFIX}SCHEMA_REGISTRY_URL must not hold a password: "
                f"{PREFIX}SCHEMA_REGISTRY_USERNAME and {PREFIX}SCHEMA_REGISTRY_PASSWORD are for that"
            )
        if bool(self.schema_registry_username) != bool(self.schema_registry_password):
            raise ValueError(f"{PREFIX}SCHEMA_REGISTRY_USERNAME and {PREFIX}SCHEMA_REGISTRY_PASSWORD need each other")
        parse_ner_models(self.ner_models)
        if self.traces != "off" and not _traces_installed():
            raise ValueError(f"{PREFIX}TRACES={self.traces} needs OpenTelemetry: pip install 'newsstream[traces]'")
        return self

    def _refuse_unused(self) -> None:
        """Whoever sets a password or a CA believes that it is used."""
        unused = [] if self.security_protocol.startswith("SASL") else ["sasl_username", "sasl_password"]
        unused += [] if self.security_protocol.endswith("SSL") else ["ssl_cafile", "ssl_certfile", "ssl_keyfile"]
        for name in unused:
            if getattr(self, name):
                raise ValueError(
                    f"{PREFIX}{name.upper()} is set, but {PREFIX}SECURITY_PROTOCOL={self.security_protocol} would not use it"
                )

    def pool_size(self) -> int:
        """Number of pool processes."""
        return self.processes or len(os.sched_getaffinity(0))

    def options(self, *, schema_ids: Mapping[str, int] | None = None) -> outcome.Options:
        """What the pipeline needs to know; `schema_ids` are those of a schema registry."""
        return outcome.Options(
            max_message_bytes=self.max_message_bytes,
            max_text_chars=self.max_text_chars,
            max_output_bytes=self.max_output_bytes,
            engine=self.engine,
            ner_models=parse_ner_models(self.ner_models),
            event_threshold=self.event_threshold,
            source=f"newsstream/{quote(self.group_id, safe='')}",
            service=stream.__version__,
            schema_ids=schema_ids or {},
            traces_ratio=None if self.traces == "off" else self.traces_ratio,
        )

    def ssl_context(self) -> ssl.SSLContext | None:
        """TLS as configured, broker names checked; None without TLS. Raises `FileError` where a file cannot be used."""
        if not self.security_protocol.endswith("SSL"):
            return None
        context = _trusting("SSL_CAFILE", self.ssl_cafile)
        if self.ssl_certfile:
            self._load_certificate(context, self.ssl_certfile)
        return context

    def registry_ssl_context(self) -> ssl.SSLContext:
        """TLS to the schema registry, its name checked. Raises `FileError` where the file cannot be used."""
        return _trusting("SCHEMA_REGISTRY_CAFILE", self.schema_registry_cafile)

    def _load_certificate(self, context: ssl.SSLContext, certfile: str) -> None:
        """The client's certificate and key, which must fit."""
        _readable("SSL_CERTFILE", certfile)
        keyfile = _readable("SSL_KEYFILE", self.ssl_keyfile)
        key = f"{PREFIX}SSL_KEYFILE={keyfile!r}" if keyfile else f"{PREFIX}SSL_CERTFILE={certfile!r}"
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certfile)
        except ssl.SSLError as error:
            raise FileError(f"{PREFIX}SSL_CERTFILE={certfile!r}: holds no certificate in PEM form ({error.reason})") from None
        try:
            context.load_cert_chain(certfile, keyfile, password=partial(_no_passphrase, key))
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise FileError(f"{key}: is not the key of {PREFIX}SSL_CERTFILE={certfile!r}") from None
            hint = "" if keyfile else f"; {PREFIX}SSL_KEYFILE is not set"
            raise FileError(f"{key}: holds no private key in PEM form ({error.reason}){hint}") from None

    def client_arguments(self) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
            "ssl_context": self.ssl_context(),
            "request_timeout_ms": int(self.request_timeout * 1000),
        }
        if self.security_protocol.startswith("SASL"):
            assert self.sasl_password is not None
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value(),
            }
        return arguments


def _traces_installed() -> bool:
    """Whether the extra `traces` is there."""
    try:
        return find_spec("opentelemetry.sdk") is not None and find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def _readable(setting: str, file: str | None) -> str | None:
    """The same name; raises `FileError` where the file cannot be read."""
    if file is not None:
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise FileError(f"{PREFIX}{setting}={file!r}: cannot be read: {error.strerror}") from None
    return file


def _trusting(setting: str, cafile: str | None) -> ssl.SSLContext:
    """TLS that checks names, and trusts the CA of this file, else the system's; raises `FileError` where it cannot be used."""
    try:
        return ssl.create_default_context(cafile=_readable(setting, cafile))
    except ssl.SSLError as error:
        raise FileError(f"{PREFIX}{setting}={cafile!r}: holds no certificate in PEM form ({error.reason})") from None


def _no_passphrase(key: str) -> NoReturn:
    """OpenSSL would ask for it on the terminal, and wait."""
    raise FileError(f"{key}: the key has a passphrase, which a service cannot be asked for: give it one without")


def parse_ner_models(value: str) -> dict[str, str]:
    """``"it=it_core_news_lg,en=/models/en"`` as a mapping; raises `ValueError` on anything else."""
    pairs = [item.strip() for item in value.split(",") if item.strip()]
    found = {}
    for pair in pairs:
        language, separator, model = (part.strip() for part in pair.partition("="))
        if not (separator and language and model):
            raise ValueError(f"{PREFIX}NER_MODELS: expected language=pipeline, got {pair!r}")
        found[language] = model
    return found


def from_environment(**overrides: Any) -> Settings:
    """Settings from the environment, with what the command line overrides.

    Raises:
        ValueError: one line per bad variable: its name, its value and what was expected; `FileError` is one too.

    """
    try:
        settings = Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise ValueError("\n".join(_explain(item) for item in error.errors(include_url=False))) from None
    settings.ssl_context()
    return settings


def _explain(error: Any) -> str:
    if not error["loc"]:
        return str(error["msg"]).removeprefix("Value error, ")
    name = str(error["loc"][0])
    secret = "password" in name or (name.endswith("_url") and "@" in str(error["input"]))
    value = _HIDDEN if secret else repr(error["input"])
    return f"{PREFIX}{name.upper()}={value}: {error['msg'].removeprefix('Value error, ')}"
