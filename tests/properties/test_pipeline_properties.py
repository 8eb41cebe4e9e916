"""Whatever arrives, the whole pipeline keeps its laws."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from stream.outcome import Options
from stream.records import Message
from tests import bundled, laws
from tests.properties import hostile

pytestmark = pytest.mark.models

bounded = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@bounded
@given(value=hostile.values, key=hostile.keys, headers=hostile.headers)
def test_any_message_has_exactly_one_outcome_which_keeps_the_contract(
    value: bytes | None, key: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> None:
    """Nothing raises; records fit their schemas and index their text; the same message gives the same records."""
    message = Message(value=value, key=key, topic="news.articles", partition=3, offset=41, headers=headers)

    laws.of_processing(message, models=bundled.models(), options=Options(max_text_chars=5_000))


@bounded
@given(value=hostile.articles)
def test_an_article_whose_types_are_right_is_never_refused_as_invalid(value: bytes) -> None:
    """However odd its characters: it is enriched, or it has no readable word, or too much would come out of it."""
    done = laws.of_processing(Message(value=value), models=bundled.models(), options=Options(max_text_chars=5_000))

    assert done.summary.reason in (None, "no_text", "output_too_large")


@bounded
@given(value=hostile.articles)
def test_small_limits_are_kept_too(value: bytes) -> None:
    """An operator's own limits hold for whatever comes out: records larger than them are a rejection."""
    options = Options(max_message_bytes=2_000, max_text_chars=200, max_output_bytes=4_000)

    laws.of_processing(Message(value=value), models=bundled.models(), options=options)
