"""Who acts in an event, and to whom it is done, is weighed: what the rules say of each name, and what the encoder does."""

from __future__ import annotations

import json
from operator import attrgetter

import pytest

from stream.events import candidates, parts
from stream.events.scoring import Scorer
from stream.records import EVENT_TYPES, EventType
from tests.events import naming
from tests.events.test_lexicons import common, models
from tests.events.test_signs import _part, _sign

_start = attrgetter("start")


def _candidate(
    text: str, kind: EventType, *, triggers: dict[str, EventType], names: dict[str, tuple[float, float]]
) -> tuple[candidates.Candidate, dict[str, str]]:
    """The candidate of a type, and the names of entities by id."""
    document = naming.document(text)
    entities = naming.entities(document, common=common("en"))
    told = [_sign(text, word, event, 0.97) for word, event in triggers.items()]
    signs = sorted(told + [_part(text, name, actor=part[0], recipient=part[1]) for name, part in names.items()], key=_start)
    known = models().lexicons["en"]
    found = candidates.read(document, entities, signs, known=known, media=models().media, year=None)
    return next(one for one in found if one.match.entry.type is kind), {entity.id: entity.name for entity in entities}


def _weigher(*, actor: dict[str, float], recipient: dict[str, float]) -> parts.Weigher:
    return parts.Weigher(Scorer(actor, 0.6), Scorer(recipient, 0.6))


STRUCK = "Drones struck Kharkiv, Denmark will send generators."


def test_who_acts_in_another_event_of_the_sentence_did_not_do_this_one() -> None:
    """What is learned from the corpus: the encoder says only that Denmark acts somewhere in the sentence."""
    one, names = _candidate(
        STRUCK,
        EventType.ASSAULT,
        triggers={"struck": EventType.ASSAULT, "send": EventType.AID},
        names={"Kharkiv": (0.02, 0.9), "Denmark": (0.95, 0.02)},
    )

    assigned = models().weighers["accurate"].assign(one)

    assert [names[who] for party in assigned.recipients for who in party.ids] == ["Kharkiv"]
    assert assigned.actors == ()


def test_a_name_takes_the_part_of_which_we_are_surer_and_one_alone() -> None:
    """Nobody attacks himself."""
    one, names = _candidate(STRUCK, EventType.ASSAULT, triggers={"struck": EventType.ASSAULT}, names={"Kharkiv": (0.9, 0.9)})

    suffers = _weigher(actor={"bias": 1.0}, recipient={"bias": 2.0}).assign(one)
    acts = _weigher(actor={"bias": 2.0}, recipient={"bias": 1.0}).assign(one)

    assert {names[who] for party in suffers.recipients for who in party.ids} == {"Kharkiv", "Denmark"}
    assert suffers.actors == acts.recipients == ()
    assert suffers.recipients == acts.actors


def test_a_name_of_which_we_are_not_sure_takes_no_part() -> None:
    """Below the threshold of both, it is a bystander."""
    one, _ = _candidate(STRUCK, EventType.ASSAULT, triggers={"struck": EventType.ASSAULT}, names={})

    assigned = _weigher(actor={"bias": 0.3}, recipient={"bias": 0.3}).assign(one)

    assert assigned.actors == assigned.recipients == ()


@pytest.mark.parametrize("engine", ["accurate", "fast"])
def test_what_is_learned_is_of_features_that_exist(engine: str) -> None:
    """A weight whose feature was renamed would be dead."""
    one, _ = _candidate(STRUCK, EventType.ASSAULT, triggers={"struck": EventType.ASSAULT}, names={"Kharkiv": (0.1, 0.9)})
    always = {name for _, features in parts.named(one) for name in features if " " not in name or name.startswith("rule")}
    kinds = {kind.value for kind in EVENT_TYPES}

    for scorer in (models().weighers[engine].actor, models().weighers[engine].recipient):
        assert always - kinds <= set(scorer.weights)


def test_a_file_without_the_engine_leaves_the_rules_alone() -> None:
    """Pipelines of the user's have no encoder that knows of parts."""
    assert parts.read(json.dumps({"parts": {}})) == {}
