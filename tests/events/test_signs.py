"""The encoder has a say beside the lexicons: a trigger that none of them has, a part, a modality, or that nothing happened."""

from __future__ import annotations

from dataclasses import replace

from stream import events
from stream.records import EVENT_TYPES, Entity, EventType, Gist, Modality, NewsEvent, Sign
from tests.events import naming
from tests.events.test_lexicons import common, models


def _sign(text: str, word: str, kind: EventType | None, probability: float, **modality: float) -> Sign:
    start = text.index(word)
    types = tuple(probability if kind is one else 0.0 for one in EVENT_TYPES)
    modalities = tuple(modality.get(name.value, 0.0) for name in Modality) if modality else (1.0, 0.0, 0.0, 0.0, 0.0)
    return Sign("text", start, start + len(word), types, modalities, 0.0, 0.0)


def _part(text: str, name: str, *, actor: float = 0.0, recipient: float = 0.0) -> Sign:
    return replace(_sign(text, name, None, 0.0), actor=actor, recipient=recipient)


def _gist(text: str, kind: EventType, probability: float, *, aside: float = 0.0) -> Gist:
    return Gist("text", 0, len(text), tuple(probability if kind is one else 0.01 for one in EVENT_TYPES), (aside, 0.0, 0.0, 0.0))


def _read(
    text: str, *signs: Sign, gist: Gist | None = None, read: bool = True, language: str = "en", threshold: float | None = None
) -> tuple[tuple[NewsEvent, ...], tuple[Entity, ...]]:
    document = naming.document(text)
    entities = naming.entities(document, common=common(language))
    ordered = sorted(signs, key=lambda sign: sign.start)
    if gist is None:  # as a whole a sentence tells of what its words do
        told = [max((sign.types[number] for sign in signs), default=0.0) for number in range(len(EVENT_TYPES))]
        gist = Gist("text", 0, len(text), tuple(told), (0.0, 0.0, 0.0, 0.0))
    return events.find(
        document,
        entities,
        language=language,
        article_id="a",
        models=models(),
        signs=ordered,
        gists=(gist,) if read else (),
        reader="accurate",
        threshold=threshold,
    ), entities


def test_a_trigger_that_no_lexicon_has_is_an_event_where_the_encoder_is_sure() -> None:
    """With the words that it read as evidence."""
    text = "Carabinieri put Rossi behind bars on Monday."

    found, _ = _read(text, *(_sign(text, word, EventType.COERCE, 0.97) for word in ("put", "behind", "bars")))

    assert [event.type for event in found] == [EventType.COERCE]
    trigger = found[0].evidence[0].trigger
    assert text[trigger.start : trigger.end] in {"put", "behind bars"}


def test_a_faint_sign_alone_is_no_event() -> None:
    """A wrong event is worse than a missing one."""
    text = "Carabinieri put Rossi on the list on Monday."

    found, _ = _read(text, _sign(text, "put", EventType.COERCE, 0.2))

    assert found == ()


def test_what_the_whole_sentence_tells_makes_an_event_surer() -> None:
    """The words are the same; the sentence tells of an arrest, of something else, or of sport; or nobody has read it."""
    text = "Carabinieri put Rossi behind bars on Monday."
    signs = [_sign(text, word, EventType.COERCE, 0.6) for word in ("behind", "bars")]

    told, _ = _read(text, *signs, gist=_gist(text, EventType.COERCE, 0.95), threshold=0.0)
    other, _ = _read(text, *signs, gist=_gist(text, EventType.AID, 0.95), threshold=0.0)
    sport, _ = _read(text, *signs, gist=_gist(text, EventType.COERCE, 0.95, aside=0.95), threshold=0.0)

    unread, _ = _read(text, *signs, read=False, threshold=0.0)

    for found in (other, sport, unread):
        assert [event.type for event in found] == [event.type for event in told] == [EventType.COERCE]
        assert found[0].confidence < told[0].confidence


def test_a_word_that_only_may_tell_is_asked_where_the_sentence_does() -> None:
    """Too faint alone to be looked at; the trigger is where the type is likeliest."""
    text = "Carabinieri put Rossi behind bars on Monday."
    signs = [_sign(text, "behind", EventType.COERCE, 0.12), _sign(text, "bars", EventType.COERCE, 0.15)]

    alone, _ = _read(text, *signs, threshold=0.0)
    told, _ = _read(text, *signs, gist=_gist(text, EventType.COERCE, 0.97), threshold=0.0)

    assert alone == ()
    assert [event.type for event in told] == [EventType.COERCE]
    trigger = told[0].evidence[0].trigger
    assert text[trigger.start : trigger.end] == "bars"


def test_a_trigger_of_a_lexicon_in_which_the_encoder_sees_nothing_is_believed_less() -> None:
    """The same words: said with more confidence where the encoder sees the same event."""
    text = "Russia attacked Kharkiv."
    agreed, _ = _read(text, _sign(text, "attacked", EventType.ASSAULT, 0.95))
    denied, _ = _read(text, _sign(text, "Russia", EventType.AID, 0.04))

    assert [event.type for event in agreed] == [EventType.ASSAULT]
    assert not denied or denied[0].confidence < agreed[0].confidence


def test_a_sentence_in_which_the_encoder_sees_nothing_tells_nothing() -> None:
    """However low the threshold; a sentence that nobody has read tells what the lexicon knows of its words."""
    text = "Russia attacked Kharkiv."

    unread, _ = _read(text, read=False, threshold=0.0)
    nothing, _ = _read(text, _sign(text, "attacked", EventType.ASSAULT, 0.05), threshold=0.0)

    assert [event.type for event in unread] == [EventType.ASSAULT]
    assert nothing == ()


def test_a_denial_is_no_event() -> None:
    """Nor is a mere "not", however sure the encoder is that something happens there."""
    text = "Veldkamp denies that he evaded the embargo."
    other = "Rossi has not been to Rome."

    denied, _ = _read(text, _sign(text, "denies", EventType.CONCEDE, 0.97))
    negated, _ = _read(other, _sign(other, "not", EventType.COERCE, 0.97))

    assert not denied
    assert not negated


def test_what_somebody_is_accused_of_is_no_event_unless_the_encoder_is_sure() -> None:
    """A deed that is only alleged, told with the verb that a lexicon knows."""
    text = "Rossi accused the army of firing on Kharkiv."

    found, _ = _read(
        text, _sign(text, "accused", EventType.ACCUSE, 0.99), _sign(text, "firing", EventType.ASSAULT, 0.3), threshold=0.0
    )

    assert {event.type for event in found} == {EventType.ACCUSE}


def test_what_a_lexicon_says_is_no_event_is_none() -> None:
    """An entry of the type NONE silences the encoder too."""
    text = "Goma had been cut off since the fighting closed the road."

    found, _ = _read(text, *(_sign(text, word, EventType.RETREAT, 0.97) for word in ("been", "cut", "off")))

    assert not found


def test_an_article_about_sport_makes_each_of_its_sentences_less_sure() -> None:
    """One that a sentence of sport strays into does not."""
    first, others = "United attacked City.", ["They met in Leeds.", "Rain came.", "Nobody left."]
    document = naming.document(" ".join([first, *others]))
    entities = naming.entities(document, common=common("en"))

    def surest(*asides: float) -> float:
        gists = [
            replace(_gist("", EventType.ASSAULT, 0.9, aside=aside), start=sentence.start, end=sentence.end)
            for sentence, aside in zip(document.sentences, asides, strict=True)
        ]
        found = events.find(
            document,
            entities,
            language="en",
            article_id="a",
            models=models(),
            signs=[_sign(document.text, "attacked", EventType.ASSAULT, 0.9)],
            gists=gists,
            reader="accurate",
            threshold=0.0,
        )
        return max(event.confidence for event in found)

    assert surest(0.1, 0.9, 0.9, 0.9) < surest(0.1, 0.9, 0.1, 0.1) == surest(0.1, 0.1, 0.1, 0.1)


def test_the_encoder_says_how_real_an_event_is_where_it_is_sure() -> None:
    """A modality that no rule of the lexicon sees."""
    text = "Russia attacked Kharkiv only in the generals' drawers."

    found, _ = _read(text, _sign(text, "attacked", EventType.ASSAULT, 0.95, hypothetical=0.9, asserted=0.1))

    assert [event.modality for event in found] == [Modality.HYPOTHETICAL]


def test_a_part_that_the_encoder_denies_is_taken_away() -> None:
    """A paper that only writes suffers nothing, however near it stands."""
    text = "Kharkiv, writes Zeitgeist, was attacked by Moscow."

    found, entities = _read(
        text,
        _sign(text, "attacked", EventType.ASSAULT, 0.97),
        _part(text, "Kharkiv", recipient=0.97),
        _part(text, "Zeitgeist", actor=0.03, recipient=0.02),
        _part(text, "Moscow", actor=0.9),
    )
    names = {entity.id: entity.name for entity in entities}

    assert {names[who] for event in found for who in event.actors} == {"Moscow"}
    assert {names[who] for event in found for who in event.recipients} == {"Kharkiv"}


def test_a_part_that_the_rules_do_not_see_is_filled_by_whom_the_encoder_names() -> None:
    """A name for which the rules have no place."""
    text = "For Palermo, the arrest of Rossi came late."

    found, entities = _read(
        text,
        _sign(text, "arrest", EventType.COERCE, 0.97),
        _part(text, "Rossi", recipient=0.9),
        _part(text, "Palermo", actor=0.9),
    )
    names = {entity.id: entity.name for entity in entities}

    assert {names[who] for event in found for who in event.actors} == {"Palermo"}
    assert {names[who] for event in found for who in event.recipients} == {"Rossi"}


def test_of_two_types_for_the_same_words_the_surer_one_is_said() -> None:
    """One trigger, one event."""
    text = "Moscow struck Kharkiv."

    found, _ = _read(text, replace(_sign(text, "struck", EventType.ASSAULT, 0.6)), _part(text, "Moscow", actor=0.9))

    assert len({event.evidence[0].trigger.start for event in found}) == len(found)
