"""How real the text says that an event is."""

from __future__ import annotations

import re
from collections.abc import Callable

from stream.events.lexicon import Lexicon
from stream.events.matching import CueMatch, Match
from stream.events.roles import Clause
from stream.records import EventType, Modality

YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
PAST = 2
"""Years that lie between an event and the year of an article before it is history."""
UNDATED = 3
"""Years by which the latest year that an article names may lie ahead of the one in which it appeared."""
OUTER = {EventType.ACCUSE, EventType.AGREE, EventType.THREATEN, EventType.REJECT, EventType.REQUEST}
"""Types whose complement has not happened, or is not ours to say: accused of shelling, agreed to send, threatened to attack."""
HAVING = frozenset(("having", "haber", "avoir", "aver", "avere", "ter"))
"""Words that tell what somebody is accused of: ``accused of having taken bribes``; elsewhere a later deed is one of its own."""
BECOMES = {
    EventType.CONSULT: EventType.AGREE,
    EventType.SUPPORT: EventType.AGREE,
    EventType.COOPERATE: EventType.AGREE,
    EventType.AID: EventType.AGREE,
    EventType.RETREAT: EventType.CONCEDE,
}
"""What a type is while it lies in the future: PLOVER's rule for promises, and a withdrawal that is only announced."""
BEFORE = {"negation": 4, "future": 6, "hypothetical": 8, "denial": 14}
AFTER = 7
"""Words between a noun and the negation of its verb."""
VERBS = {"active", "alone", "mutual", "passive"}


def judge(match: Match, clause: Clause, found: list[CueMatch], lexicon: Lexicon, *, latest: Callable[[], int]) -> Modality:
    """The modality of a trigger; `latest` tells the latest year that the article names (0: none)."""
    near = {cue.name for cue in found if cue.name in BEFORE and _governs(cue, match, clause, lexicon)}
    if "negation" in near or "denial" in near:
        return Modality.NEGATED
    if any(cue.name == "hypothetical_around" and _around(cue, match, clause) for cue in found):
        return Modality.HYPOTHETICAL
    if any(cue.name == "indirect" and _around(cue, match, clause) for cue in found) and not _reported(clause):
        return Modality.HYPOTHETICAL
    if "hypothetical" in near or _conditional(match, clause, lexicon, "conditional") or _after_if(match, clause):
        return Modality.HYPOTHETICAL
    if "future" in near or _conditional(match, clause, lexicon, "future"):
        return Modality.FUTURE
    if any(cue.name == "historical" for cue in found) or _old(clause, latest):
        return Modality.HISTORICAL
    return Modality.ASSERTED


def actual(kind: EventType, modality: Modality) -> EventType:
    """The type of an event once its modality is known: a meeting that will be is an agreement."""
    return BECOMES.get(kind, kind) if modality == Modality.FUTURE else kind


def embedded(match: Match, clause: Clause, *, sure: bool) -> Match | None:
    """The outer trigger of whose complement this one is part: ``threatened to [attack]``; `sure`: it is one by itself."""
    for outer in reversed(clause.matches):
        if not match.first - 20 < outer.first < match.first or outer.end >= match.first or outer.entry.type not in OUTER:
            continue
        # a verb governs its whole clause, a noun only what follows it at once: "the threat to attack"
        if match.first - outer.last > (14 if outer.entry.frame in {"active", "mutual"} else 3):
            continue
        between = clause.words.keys[outer.first + 1 : match.first]
        if sure and outer.entry.type == EventType.ACCUSE and HAVING.isdisjoint(between):
            continue
        if _open(outer.last + 1, match.first, clause, strict=True):
            return outer
    return None


def _governs(cue: CueMatch, match: Match, clause: Clause, lexicon: Lexicon) -> bool:
    """Whether a cue before the trigger (or after it, where verbs come last) has it in its scope."""
    if cue.last < match.first:
        return match.first - cue.last <= BEFORE[cue.name] and _open(
            cue.last + 1, match.first, clause, strict=cue.name == "negation"
        )
    if cue.first <= match.end:
        return cue.first > match.first and cue.name == "negation"
    if cue.name != "denial" and match.entry.frame not in VERBS - {"mutual"} and cue.first - match.end <= AFTER:
        return _open(match.end + 1, cue.first, clause, strict=True)  # "a withdrawal is not planned", "a truce could be discussed"
    return (
        "verb-last" in lexicon.flags
        and cue.first - match.end <= 3
        and cue.name != "denial"
        and _open(match.end + 1, cue.first, clause, strict=True)
    )


def _around(cue: CueMatch, match: Match, clause: Clause) -> bool:
    if cue.last < match.first:
        return match.first - cue.last <= 15 and _open(cue.last + 1, match.first, clause, strict=False)
    return cue.first - match.end <= 15 and _open(match.end + 1, cue.first, clause, strict=False)


def _reported(clause: Clause) -> bool:
    """Whether the sentence says whose words it reports: then they are theirs, else hearsay."""
    return any("say" in hit.labels for hit in clause.hits)


def _open(first: int, last: int, clause: Clause, *, strict: bool) -> bool:
    """Whether no clause ends between two words (`strict`: nor begins one)."""
    if first > last:
        return True
    if max(clause.words.breaks[first : last + 1]) > 1:
        return False
    return not strict or not any("clause" in hit.labels and "if" not in hit.labels for hit in clause.hits[first:last])


def _conditional(match: Match, clause: Clause, lexicon: Lexicon, name: str) -> bool:
    """Whether the trigger or an auxiliary just before it has an ending of that mood or tense."""
    endings = lexicon.suffixes.get(name, ())
    if not endings or match.entry.frame not in VERBS:
        return False
    for at in range(match.first, max(-1, match.first - 4), -1):
        raw = clause.words.raw[at]
        if raw.endswith(endings) and len(raw) > 3 and (at == match.first or "aux" in clause.hits[at].labels):
            return True
        if clause.words.breaks[at]:
            break
    return False


def _after_if(match: Match, clause: Clause) -> bool:
    for at in range(match.first - 1, max(-1, match.first - 10), -1):
        if clause.words.breaks[at + 1]:
            return False
        if "if" in clause.hits[at].labels:
            return True
    return False


def _old(clause: Clause, latest: Callable[[], int]) -> bool:
    years = [int(key) for key in clause.words.keys if len(key) == 4 and YEAR.fullmatch(key)]
    return bool(years) and (max(years) < 2000 or max(years) <= latest() - PAST)


def latest_year(text: str) -> int:
    """The latest plausible year that a text names, or 0."""
    return max((year for year in map(int, YEAR.findall(text)) if 1900 < year < 2100), default=0)
