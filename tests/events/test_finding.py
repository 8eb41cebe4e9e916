"""What happened, to whom, how real it is, and on what evidence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream import events
from stream.records import Document, Entity, EntityType, EventType, Mention, Modality, NewsEvent, Sentence
from tests.events import naming
from tests.events.test_lexicons import LANGUAGES, common, models


def read(text: str, language: str = "en", *, title: str | None = None, year: int | None = None) -> tuple[NewsEvent, ...]:
    """The events of a text whose names are its capitalised words."""
    return _read(text, language, title=title, year=year)[0]


def _read(
    text: str, language: str, *, title: str | None = None, year: int | None = None
) -> tuple[tuple[NewsEvent, ...], dict[str, str]]:
    document = naming.document(text, title=title)
    entities = naming.entities(document, common=common(language), nouns=language == "de")
    found = events.find(document, entities, language=language, article_id="a", models=models(), year=year)
    return found, {entity.id: entity.name for entity in entities}


def _sides(text: str, language: str, kind: EventType) -> tuple[set[str], set[str]]:
    found, names = _read(text, language)
    event = next(one for one in found if one.type is kind)
    return {names[who] for who in event.actors}, {names[who] for who in event.recipients}


@pytest.mark.parametrize(
    ("language", "text", "kind", "actors", "recipients"),
    [
        ("en", "Russia attacked Kharkiv.", "ASSAULT", {"Russia"}, {"Kharkiv"}),
        ("en", "Kharkiv was attacked by Russia.", "ASSAULT", {"Russia"}, {"Kharkiv"}),
        ("en", "Denmark sent missiles to Ukraine.", "AID", {"Denmark"}, {"Ukraine"}),
        ("en", "Macron met Modi.", "CONSULT", {"Macron", "Modi"}, set()),
        ("en", "The arrest of Bialiatski by Minsk angered diplomats.", "COERCE", {"Minsk"}, {"Bialiatski"}),
        ("it", "La Danimarca ha inviato missili all'Ucraina.", "AID", {"Danimarca"}, {"Ucraina"}),
        ("it", "L'invio di armi all'Ucraina è cominciato lunedì.", "AID", set(), {"Ucraina"}),
        ("it", "Kiev ha accusato Mosca di crimini di guerra.", "ACCUSE", {"Kiev"}, {"Mosca"}),
        ("es", "Kiev acusó a Moscú de crímenes de guerra.", "ACCUSE", {"Kiev"}, {"Moscú"}),
        ("de", "Kiew beschuldigte Moskau.", "ACCUSE", {"Kiew"}, {"Moskau"}),
        ("uk", "Київ звинуватив Москву у воєнних злочинах.", "ACCUSE", {"Київ"}, {"Москву"}),
    ],
)
def test_who_did_it_and_to_whom(language: str, text: str, kind: str, actors: set[str], recipients: set[str]) -> None:
    """Subject and object, the passive turned round, the nominal form and the reciprocal one."""
    assert _sides(text, language, EventType(kind)) == (actors, recipients)


@pytest.mark.parametrize(
    ("language", "text", "modality"),
    [
        ("en", "Russia attacked Kharkiv.", "asserted"),
        ("en", "Russia did not attack Kharkiv.", "negated"),
        ("en", "Russia denied that it attacked Kharkiv.", "negated"),
        ("en", "Russia could attack Kharkiv.", "hypothetical"),
        ("en", "If Russia attacks Kharkiv, the mayor will speak.", "hypothetical"),
        ("en", "Russia attacked Kharkiv decades ago.", "historical"),
        ("en", "Germany bombed Rotterdam in 1940.", "historical"),
        ("it", "I ribelli non hanno attaccato la caserma.", "negated"),
        ("it", "I ribelli potrebbero attaccare la caserma.", "hypothetical"),
        ("it", "Un cessate il fuoco potrebbe essere discusso a Ginevra.", "hypothetical"),
        ("es", "La guerrilla no atacó el cuartel.", "negated"),
        ("de", "Die Rebellen haben die Kaserne nicht angegriffen.", "negated"),
        ("nl", "De rebellen hebben de kazerne niet aangevallen.", "negated"),
        ("pt", "Os rebeldes não atacaram o quartel.", "negated"),
        ("pt", "O Irão bombardeou Damasco.", "asserted"),
        ("pt", "Os rebeldes irão atacar o quartel.", "future"),
    ],
)
def test_how_real_it_is(language: str, text: str, modality: str) -> None:
    """What was denied, may come, or lies long past is never said to have happened."""
    found = read(text, language)

    assert found
    assert {one.modality for one in found if one.type is not EventType.REJECT} == {Modality(modality)}


def test_a_demilitarised_zone_that_is_one_option_is_no_ceasefire() -> None:
    """The costliest mistake: an option that a diplomat names, told to an analyst as a fact."""
    found = read("Una zona demilitarizzata sarebbe una delle opzioni sul tavolo, ha detto il ministro.", "it")

    assert all(one.modality is Modality.HYPOTHETICAL for one in found)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Sweden threatened to attack the base."),
        ("it", "Mosca ha minacciato di attaccare la base."),
    ],
)
def test_a_threat_to_attack_is_a_threat_alone(language: str, text: str) -> None:
    """The outer verb says what happened; its complement did not."""
    assert [one.type for one in read(text, language)] == [EventType.THREATEN]


def test_a_meeting_that_will_be_is_an_agreement() -> None:
    """PLOVER's rule: future talks, support, cooperation and aid are AGREE."""
    assert {one.type for one in read("Macron will meet Modi on Friday.")} == {EventType.AGREE}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The striker attacked down the left and scored the winning goal in the cup match against Arsenal."),
        ("en", "Milan beat Inter in the derby and the coach praised his goalkeeper."),
        ("en", "A storm hit the coast of Florida with heavy rain and wind."),
        ("en", "Shares plunged on Wall Street as investors feared inflation."),
        ("en", "The singer's new album is a protest against time, her fans say at the concert."),
        ("en", "The minister suffered a heart attack."),
        ("it", "L'attaccante ha colpito il palo nella partita di coppa contro la Juventus."),
        ("it", "Il maltempo ha colpito le case della Liguria con piogge e grandine."),
        ("it", "Il ministro ha avuto un attacco di cuore."),
        ("es", "El delantero atacó por la banda y marcó el gol del partido contra el Betis."),
        ("de", "Der Stürmer griff über links an und traf im Spiel gegen Bremen vor den Fans im Stadion."),
        ("nl", "De spits viel aan in de wedstrijd tegen Ajax en maakte een doelpunt."),
    ],
)
def test_sport_weather_markets_and_culture_are_no_events(language: str, text: str) -> None:
    """Words of war in other fields of life."""
    assert [(one.type, one.confidence) for one in read(text, language)] == []


def test_whoever_only_reports_is_no_actor() -> None:
    """Bloomberg is a source."""
    found, names = _read("Bloomberg reports that Russia attacked Kharkiv, Reuters said.", "en")

    assert {names[who] for one in found for who in (*one.actors, *one.recipients)} == {"Russia", "Kharkiv"}


def test_doubled_words_of_a_machine_translation_do_not_hide_an_event() -> None:
    """Rough copy is what agencies send."""
    assert [one.type for one in read("La Danimarca ha ha inviato dei dei missili all'Ucraina.", "it")] == [EventType.AID]


def test_the_same_event_told_twice_is_one_event_with_two_pieces_of_evidence() -> None:
    """An analyst counts events, not sentences."""
    (event,) = read("Russia attacked Kharkiv. Kharkiv was attacked by Russia at dawn.")

    assert [one.text for one in event.evidence] == ["Russia attacked Kharkiv.", "Kharkiv was attacked by Russia at dawn."]


def test_two_different_attacks_are_two_events() -> None:
    """Merging must not swallow an event."""
    assert len(read("Russia attacked Kharkiv. Israel attacked Beirut.")) == 2


def test_ids_are_functions_of_the_article_and_unique_in_it() -> None:
    """A redelivery overwrites, and no event overwrites its neighbour."""
    text = "Russia attacked Kharkiv. Israel attacked Beirut. Police arrested Navalny. Militants abducted monks."
    first, again = read(text), read(text)

    assert [one.id for one in first] == [one.id for one in again]
    assert len({one.id for one in first}) == len(first) > 3


def test_title_and_lead_decide_what_an_article_is_about() -> None:
    """One main type, and it is the one that the headline tells."""
    title, text = (
        "Police arrest four activists in Minsk",
        "Police arrested four activists. Norway criticised the police.",
    )
    document = naming.document(text, title=title)

    assert events.primary(read(text, title=title), document) is EventType.COERCE
    assert events.primary((), document) is EventType.NONE


def test_what_happened_comes_before_what_may_happen() -> None:
    """An article whose title only asks is about what it reports."""
    text = "Police arrested four activists in Minsk."
    title = "Sweden could expel a diplomat"

    assert events.primary(read(text, title=title), naming.document(text, title=title)) is EventType.COERCE


def test_a_language_without_a_lexicon_has_no_events() -> None:
    """Nothing rather than nonsense."""
    document = naming.document("Russia attacked Kharkiv.")

    assert events.find(document, (), language="xx", article_id="a", models=models()) == ()


def test_the_threshold_is_a_setting() -> None:
    """A higher one says less."""
    document = naming.document("Russia attacked Kharkiv.")
    entities = naming.entities(document, common=common("en"))

    assert events.find(document, entities, language="en", article_id="a", models=models(), threshold=0.99) == ()


def test_models_name_the_ontology_and_every_file() -> None:
    """Provenance: which lexicons, and which scorer, had a say."""
    lexicons = {f"events_lexicon_{language}" for language in LANGUAGES}

    assert models().ontology == "plover-0.8"
    assert {info.name for info in models().infos} == lexicons | {"events_scorer"}


WORDS = st.sampled_from(
    [
        "attack",
        "attacked",
        "police",
        "Russia",
        "not",
        "the",
        "ha",
        "ha",
        "inviato",
        "armi",
        "all'Ucraina",
        "won't",
        "…",
        ";",
        "\x00",
        "𝕏",
        "ﬁ",
        "İ",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map(" ".join)),
    st.sampled_from(LANGUAGES),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), max_size=5),
)
def test_evidence_indexes_the_text_and_nothing_raises(text: str, language: str, spans: list[tuple[int, int]]) -> None:
    """Whatever text and whatever mentions: the law of offsets, triggers inside their evidence, no exception."""
    sentences = (Sentence("text", 0, len(text), text),) if text else ()
    mentions = [
        Mention(field="text", start=start, end=min(len(text), start + length), text=text[start : start + length])
        for start, length in spans
        if start < len(text)
    ]
    entities = tuple(
        Entity(id=str(number), type=EntityType.ORG, name=one.text, salience=0, mentions=(one,))
        for number, one in enumerate(mentions)
    )
    found = events.find(
        Document(None, text, sentences), entities, language=language, article_id="a", models=models(), threshold=0.0
    )

    for event in found:
        for one in event.evidence:
            assert text[one.start : one.end] == one.text
            assert one.start <= one.trigger.start < one.trigger.end <= one.end


def test_work_grows_with_the_text_and_no_faster() -> None:
    """A hostile article cannot stop a worker: a million letters of triggers, and one sentence without end."""
    text = "Russia attacked Kharkiv and threatened police by the army. " * 4000
    endless = "attack " * 50000
    sentences = tuple(Sentence("text", at, at + 58, text[at : at + 58]) for at in range(0, len(text), 59))
    began = time.process_time()
    for document in (Document(None, text, sentences), Document(None, endless, (Sentence("text", 0, len(endless), endless),))):
        events.find(document, (), language="en", article_id="a", models=models())

    assert time.process_time() - began < 20
