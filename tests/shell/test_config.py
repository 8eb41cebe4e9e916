"""Settings: typed, from the environment, and clear about what is wrong."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stream import config
from tests.kafka import certificates
from tests.kafka.certificates import Authority, Pair


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in config.Settings.model_fields:
        monkeypatch.delenv(f"{config.PREFIX}{name.upper()}", raising=False)


def test_the_environment_is_read_and_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve-factor; an option that was not given overrides nothing."""
    monkeypatch.setenv("NEWSSTREAM_GROUP_ID", "night")
    monkeypatch.setenv("NEWSSTREAM_PROCESSES", "3")

    settings = config.from_environment(processes=5, group_id=None)

    assert (settings.group_id, settings.pool_size()) == ("night", 5)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DEADLINE", "soon", "number"),
        ("PROBES_PORT", "99999", "65535"),
        ("SECURITY_PROTOCOL", "TLS", "SASL_SSL"),
        ("PIPELINE_FACTORY", "no colon", "pattern"),
        ("TOPIC_PREFIX", "news/", "pattern"),
        ("SCHEMA_REGISTRY_URL", "registry.example:8081", "pattern"),
        ("SCHEMA_REGISTRY_URL", "https://registry.example/?token=1", "pattern"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    """Variable, value, and what was expected."""
    monkeypatch.setenv(f"NEWSSTREAM_{name}", value)

    with pytest.raises(ValueError, match="NEWSSTREAM_") as caught:
        config.from_environment()

    assert f"NEWSSTREAM_{name}={value!r}" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"security_protocol": "SASL_SSL"}, "NEWSSTREAM_SASL_USERNAME"),
        ({"security_protocol": "SSL", "ssl_keyfile": "key.pem"}, "NEWSSTREAM_SSL_CERTFILE"),
        ({"ssl_cafile": "ca.pem"}, "NEWSSTREAM_SSL_CAFILE is set, but NEWSSTREAM_SECURITY_PROTOCOL=PLAINTEXT"),
        ({"sasl_username": "desk"}, "NEWSSTREAM_SASL_USERNAME is set, but NEWSSTREAM_SECURITY_PROTOCOL=PLAINTEXT"),
        ({"security_protocol": "SSL", "sasl_password": "x"}, "NEWSSTREAM_SASL_PASSWORD is set"),
        ({"session_timeout": 6, "heartbeat_interval": 5}, "NEWSSTREAM_HEARTBEAT_INTERVAL"),
        ({"session_timeout": 60, "request_timeout": 10}, "NEWSSTREAM_REQUEST_TIMEOUT"),
        ({"ner_models": "it_core_news_sm"}, "NEWSSTREAM_NER_MODELS"),
        ({"engine": "quick"}, "NEWSSTREAM_ENGINE"),
        ({"schema_registry_username": "desk"}, "NEWSSTREAM_SCHEMA_REGISTRY_PASSWORD"),
        ({"schema_registry_password": "x"}, "NEWSSTREAM_SCHEMA_REGISTRY_USERNAME"),
        ({"schema_registry_url": "https://desk:x@registry.example"}, "NEWSSTREAM_SCHEMA_REGISTRY_USERNAME"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(settings: dict[str, object], words: str) -> None:
    """What one setting needs of another is said by name."""
    with pytest.raises(ValueError, match=words):
        config.from_environment(**settings)


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the settings' own text, nor in a complaint about them."""
    monkeypatch.setenv("NEWSSTREAM_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("NEWSSTREAM_SASL_USERNAME", "desk")
    monkeypatch.setenv("NEWSSTREAM_SECURITY_PROTOCOL", "SASL_PLAINTEXT")

    settings = config.from_environment()

    assert "hunter2" not in repr(settings)
    assert settings.client_arguments()["sasl_plain_password"] == "hunter2"
    monkeypatch.setenv("NEWSSTREAM_DEADLINE", "x")
    with pytest.raises(ValueError, match="DEADLINE") as caught:
        config.from_environment()
    assert "hunter2" not in str(caught.value)


@dataclass(frozen=True)
class Files:
    """Good files and bad ones."""

    authority: Authority
    ours: Pair
    other: Pair
    folder: Path

    def bad(self, name: str, content: str) -> str:
        """A file that holds this."""
        path = self.folder / name
        path.write_text(content)
        return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """An authority and two certificates."""
    folder = tmp_path_factory.mktemp("files")
    authority = Authority(folder)
    return Files(authority, authority.sign("ours"), authority.sign("other"), folder)


def test_tls_trusts_the_ca_that_was_named_and_checks_names(files: Files) -> None:
    """There is no setting that would switch the check off."""
    settings = config.from_environment(
        security_protocol="SSL",
        ssl_cafile=str(files.authority.file),
        ssl_certfile=str(files.ours.certificate),
        ssl_keyfile=str(files.ours.key),
    )

    context = settings.ssl_context()

    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert [dict(pair[0] for pair in one["subject"])["commonName"] for one in context.get_ca_certs()] == ["tests authority"]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: {"ssl_cafile": str(files.folder / "gone.pem")}, "SSL_CAFILE='{folder}/gone.pem': cannot be read: No such"),
        (lambda files: {"ssl_cafile": str(files.folder)}, "SSL_CAFILE='{folder}': cannot be read: Is a directory"),
        (lambda files: {"ssl_cafile": files.bad("no.pem", "hello")}, "SSL_CAFILE='{folder}/no.pem': holds no certificate"),
        (lambda files: {"ssl_cafile": files.bad("empty.pem", "")}, "SSL_CAFILE='{folder}/empty.pem': holds no certificate"),
        (lambda files: {"ssl_cafile": str(files.ours.key)}, "SSL_CAFILE='{folder}/tests-ours.key': holds no certificate"),
        (lambda files: {"ssl_certfile": str(files.folder / "gone.pem")}, "SSL_CERTFILE='{folder}/gone.pem': cannot be read"),
        (lambda files: {"ssl_certfile": str(files.ours.key)}, "SSL_CERTFILE='{folder}/tests-ours.key': holds no certificate"),
        (lambda files: {"ssl_keyfile": str(files.folder / "gone.key")}, "SSL_KEYFILE='{folder}/gone.key': cannot be read"),
        (
            lambda files: {"ssl_keyfile": str(files.other.key)},
            "SSL_KEYFILE='{folder}/tests-other.key': is not the key of NEWSSTREAM_SSL_CERTFILE='{folder}/tests-ours.pem'",
        ),
        (lambda files: {"ssl_keyfile": files.bad("no.key", "hello")}, "SSL_KEYFILE='{folder}/no.key': holds no private key"),
        (lambda _: {"ssl_keyfile": None}, "tests-ours.pem': holds no private key in PEM form"),
        (lambda _: {"ssl_keyfile": None}, "NEWSSTREAM_SSL_KEYFILE is not set"),
        (
            lambda files: {"ssl_keyfile": str(certificates.locked(files.ours.key))},
            "SSL_KEYFILE='{folder}/tests-ours.locked': the key has a passphrase",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(files: Files, change: Callable[[Files], dict[str, Any]], words: str) -> None:
    """The setting, the file, and what is wrong with it; nobody is asked for a passphrase on a terminal."""
    settings = {
        "security_protocol": "SSL",
        "ssl_cafile": str(files.authority.file),
        "ssl_certfile": str(files.ours.certificate),
        "ssl_keyfile": str(files.ours.key),
    } | change(files)

    with pytest.raises(config.FileError) as caught:
        config.from_environment(**settings)

    assert words.format(folder=files.folder) in str(caught.value)
    assert str(caught.value).startswith("NEWSSTREAM_SSL_")


def test_key_and_certificate_may_lie_in_one_file(files: Files) -> None:
    """As Kafka's own keystores do."""
    settings = {"security_protocol": "SSL", "ssl_cafile": str(files.authority.file), "ssl_certfile": str(files.ours.both)}

    assert config.from_environment(**settings).ssl_context() is not None


@pytest.mark.parametrize("address", ["https://desk:hunter2@registry.example", "ftp://desk:hunter2@registry.example"])
def test_a_password_in_an_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """It has a variable of its own; the complaint, which goes to the log, does not show it."""
    monkeypatch.setenv("NEWSSTREAM_SCHEMA_REGISTRY_URL", address)

    with pytest.raises(ValueError, match="NEWSSTREAM_SCHEMA_REGISTRY_URL") as caught:
        config.from_environment()

    assert "hunter2" not in str(caught.value)


def test_pipelines_by_language_are_a_mapping() -> None:
    """Spaces and empty items do no harm."""
    assert config.parse_ner_models(" it=it_core_news_lg, en = /models/en ,") == {"it": "it_core_news_lg", "en": "/models/en"}


def test_every_setting_is_described() -> None:
    """The README's table comes from here."""
    assert all(field.description for field in config.Settings.model_fields.values())
