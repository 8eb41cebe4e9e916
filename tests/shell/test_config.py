"""Settings: typed, from the environment, and clear about what is wrong."""

from __future__ import annotations

import pytest

from stream import config


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
        ({"ssl_keyfile": "key.pem"}, "NEWSSTREAM_SSL_CERTFILE"),
        ({"session_timeout": 6, "heartbeat_interval": 5}, "NEWSSTREAM_HEARTBEAT_INTERVAL"),
        ({"session_timeout": 60, "request_timeout": 10}, "NEWSSTREAM_REQUEST_TIMEOUT"),
        ({"ner_models": "it_core_news_sm"}, "NEWSSTREAM_NER_MODELS"),
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


def test_pipelines_by_language_are_a_mapping() -> None:
    """Spaces and empty items do no harm."""
    assert config.parse_ner_models(" it=it_core_news_lg, en = /models/en ,") == {"it": "it_core_news_lg", "en": "/models/en"}


def test_every_setting_is_described() -> None:
    """The README's table comes from here."""
    assert all(field.description for field in config.Settings.model_fields.values())
