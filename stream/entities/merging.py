"""Mentions of one article that name the same thing are one entity: a surname and its full name, an acronym and its expansion."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stream.entities import words
from stream.entities.cities import City
from stream.entities.gazetteer import Gazetteer, Known
from stream.entities.mentions import Named
from stream.records import Document, Entity, EntityType, Link, Mention, derived_id

_TITLE_WEIGHT, _LEAD_WEIGHT, _WEIGHT = 3.0, 2.0, 1.0
_LEAD_SENTENCES = 2
_ACRONYM = range(2, 9)
_SAME_FIRST_NAME = 3
"""Letters by which two forms of one first name are recognised."""
_SHORTEST_SHOUTED = 4
_LONGEST_WHERE = 12
_CAPITAL = re.compile(r" (?=[^\W\d_])[^a-zà-öø-ÿа-яґєії]")
_NAMESAKES = 50
"""Full names with one surname that others may be short for: more of them are a register, and to compare all takes a minute."""


@dataclass(slots=True)
class _Cluster:
    key: tuple[str, ...]
    first: Named
    """The mention that stands before all others."""
    known: Known | None = None
    city: City | None = None
    dateline: bool = False
    """Whether it is the place where an agency's text was written."""
    mentions: list[Named] = field(default_factory=list)
    _counts: Counter[EntityType] = field(default_factory=Counter)

    def take(self, mentions: Sequence[Named]) -> None:
        """Add mentions, in any order."""
        self.mentions.extend(mentions)
        self._counts.update(mention.type for mention in mentions)
        self.first = min(self.first, *mentions, key=_place)

    @property
    def type(self) -> EntityType:
        if self.known is not None and self.known.certain:
            return self.known.type
        if self.city is not None:
            return EntityType.LOC
        return max(self._counts, key=lambda kind: (self._counts[kind], kind is EntityType.PER))


def entities(
    found: Sequence[Named],
    *,
    document: Document,
    language: str,
    article_id: str,
    gazetteer: Gazetteer,
) -> tuple[Entity, ...]:
    """Entities of an article from its mentions (title first, then text, each in order), the most salient first."""
    clusters = _clusters(found, document, language, gazetteer)
    clusters = _with_surnames(clusters)
    clusters = _with_acronyms(clusters, document)
    clusters = _with_cities(clusters, document, language, gazetteer)
    lead = _end_of_lead(document)
    weights = {id(cluster): sum(_weight(mention, lead) for mention in cluster.mentions) for cluster in clusters}
    total = sum(weights.values()) or 1.0
    built = [_entity(cluster, language, article_id, weights[id(cluster)] / total) for cluster in clusters]
    unique = {entity.id: entity for entity in reversed(built)}
    return tuple(sorted(unique.values(), key=lambda entity: (-entity.salience, entity.name, entity.id)))


def _clusters(found: Iterable[Named], document: Document, language: str, gazetteer: Gazetteer) -> list[_Cluster]:
    """Mentions of the same name, whatever its case ending; what is known by several names is one.

    The place of a dateline stands apart at first: the club of that town may play in the rest of the article.
    """
    clusters: dict[object, _Cluster] = {}
    perhaps: list[tuple[_Cluster, Known]] = []
    for mention in found:
        known = gazetteer.lookup(mention.text, language=language)
        key = words.stems(words.folded(mention.text), language=language)
        dateline = mention.type is EntityType.LOC and _is_dateline(mention, document)
        name: object = known.key if known is not None and known.certain else (key, dateline)
        cluster = clusters.get(name)
        if cluster is None:
            certain = known if known is not None and known.certain else None
            cluster = clusters[name] = _Cluster(key, mention, certain, dateline=dateline)
            if known is not None and not known.certain:
                perhaps.append((cluster, known))
        cluster.take([mention])
    merged: set[int] = set()
    for cluster, known in perhaps:  # the name may mean something else: its type, over the whole article, decides
        if cluster.type is known.type:
            same = clusters.setdefault(known.key, cluster)
            if same is cluster:
                cluster.known = known
            else:
                same.take(cluster.mentions)
                merged.add(id(cluster))
    unique = {id(cluster): cluster for cluster in clusters.values() if id(cluster) not in merged}
    return list(unique.values())


def _with_surnames(clusters: list[_Cluster]) -> list[_Cluster]:
    """Surnames alone, and shorter forms of a name, joined to the full name of the same person that stands nearest before."""
    full: dict[str, list[_Cluster]] = {}  # by surname: comparing each name with each other takes minutes on a list of names
    for one in clusters:
        if one.type is EntityType.PER and len(one.key) > 1 and (one.known is None or one.known.type is EntityType.PER):
            namesakes = full.setdefault(one.key[-1], [])
            if len(namesakes) < _NAMESAKES:
                namesakes.append(one)
    kept = []
    for cluster in sorted(clusters, key=lambda one: len(one.key)):  # a target is longer, so its own turn comes later
        target = None
        unsure = cluster.known is None or not (cluster.known.certain or cluster.known.country)
        if unsure and cluster.key and cluster.type is not EntityType.MISC:
            target = _full_name(cluster, full.get(cluster.key[-1], []))
        if target is None:
            kept.append(cluster)
        else:
            target.take(cluster.mentions)
    for cluster in kept:
        cluster.mentions.sort(key=_place)
    return sorted(kept, key=lambda one: _place(one.first))


def _full_name(cluster: _Cluster, full: list[_Cluster]) -> _Cluster | None:
    candidates = [other for other in full if other is not cluster and _is_short_for(cluster, other)]
    if not candidates:
        return None
    if len(cluster.key) == 1 and cluster.type is not EntityType.PER and len({id(other) for other in candidates}) > 1:
        return None
    before = [other for other in candidates if _place(other.first) <= _place(cluster.first)]
    return max(before, key=lambda other: _place(other.first)) if before else candidates[0]


def _is_short_for(short: _Cluster, full: _Cluster) -> bool:
    """``Trump`` for ``Donald Trump``; ``Donald Trump`` for ``Donald J Trump``; never a first name alone.

    Of two forms of one full name (``Marek Tatarczuk``, ``Marka Tatarczuka``) the later is short for the earlier.
    """
    if len(short.key) > len(full.key):
        return False
    if len(short.key) == len(full.key):
        later = _place(short.first) > _place(full.first)
        alike = short.key[0][:_SAME_FIRST_NAME] == full.key[0][:_SAME_FIRST_NAME]
        return later and alike and short.key[-1] == full.key[-1] and short.type is full.type
    if len(short.key) == 1:
        return short.key[0] == full.key[-1]
    return short.type is EntityType.PER and short.key[-1] == full.key[-1] and short.key[0] == full.key[0]


def _place(mention: Named) -> tuple[bool, int]:
    return mention.field == "text", mention.start


def _with_acronyms(clusters: list[_Cluster], document: Document) -> list[_Cluster]:
    """An acronym in brackets right after a name stands for it, in the whole article."""
    by_end = {(mention.field, mention.end): cluster for cluster in clusters for mention in cluster.mentions}
    merged: dict[int, _Cluster] = {}
    for cluster in clusters:
        if cluster.known is not None or len(cluster.key) != 1:
            continue
        for mention in cluster.mentions:
            text = (document.title or "") if mention.field == "title" else document.text
            if not (mention.text.isupper() and len(mention.text) in _ACRONYM and text[mention.start - 1 : mention.start] == "("):
                continue
            before = by_end.get((mention.field, len(text[: mention.start - 1].rstrip())))
            if before is not None and before is not cluster and len(before.key) > 1:
                merged[id(cluster)] = before
                break
    for cluster in clusters:
        if id(cluster) in merged:
            merged[id(cluster)].take(cluster.mentions)
    kept = [cluster for cluster in clusters if id(cluster) not in merged]
    for cluster in kept:
        cluster.mentions.sort(key=_place)
    return kept


def _with_cities(clusters: list[_Cluster], document: Document, language: str, gazetteer: Gazetteer) -> list[_Cluster]:
    """Places that are cities, under whatever names and in whatever case, one for each city."""
    links = {id(cluster): cluster.known.link for cluster in clusters if cluster.known is not None and cluster.known.link}
    countries = {link.id for link in links.values() if link.scheme == "iso3166"}
    by_id = {links[id(cluster)].id: cluster for cluster in clusters if id(cluster) in links}
    stems = Counter(stem for cluster in clusters for stem in {*cluster.key} if not cluster.dateline)
    merged: set[int] = set()
    for places in (True, False):  # a place by the reader's word takes what is one only by the city's
        for cluster in clusters:
            if cluster.known is not None or (cluster.type is EntityType.LOC) is not places or cluster.city is not None:
                continue
            alone = len(cluster.mentions) == 1 and all(stems[stem] == 1 for stem in cluster.key)
            if not places and (not alone or cluster.type is EntityType.MISC):
                continue
            city = gazetteer.cities.find(_form(cluster), language=language, countries=countries)
            if city is None:
                continue
            same = by_id.get(city.id)
            if not places and not (same and same.dateline) and not _is_city_after_all(cluster, city, document, language):
                continue
            if same is None:
                by_id[city.id] = cluster
                cluster.city = city
            else:
                same.take(cluster.mentions)
                same.mentions.sort(key=_place)
                merged.add(id(cluster))
    return [cluster for cluster in clusters if id(cluster) not in merged]


def _is_city_after_all(cluster: _Cluster, city: City, document: Document, language: str) -> bool:
    """Whether what was read once as a person or an organisation is the city of that name, for all that the article says."""
    mention = cluster.first
    text = (document.title or "") if mention.field == "title" else document.text
    before, after = text[max(0, mention.start - _LONGEST_WHERE) : mention.start].rstrip(), text[mention.end : mention.end + 2]
    if len(mention.text) < _SHORTEST_SHOUTED or _CAPITAL.match(after):
        return False
    if words.is_where(before.rpartition(" ")[2], language=language):
        return city.large or cluster.type is EntityType.ORG
    name = words.folded(city.name)
    if not city.large or words.is_name_of_people(name):
        return False
    return cluster.type is EntityType.PER or (city.kind == "c" and not words.is_name_of_club(name))


def _is_dateline(mention: Named, document: Document) -> bool:
    return mention.field == "text" and mention.text.isupper() and not document.text[: mention.start].strip()


def _end_of_lead(document: Document) -> int:
    sentences = [sentence for sentence in document.sentences if sentence.field == "text"][:_LEAD_SENTENCES]
    return sentences[-1].end if sentences else 0


def _weight(mention: Named, lead: int) -> float:
    if mention.field == "title":
        return _TITLE_WEIGHT
    return _LEAD_WEIGHT if mention.start < lead else _WEIGHT


def _entity(cluster: _Cluster, language: str, article_id: str, salience: float) -> Entity:
    kind = cluster.type
    name = _name(cluster, language)
    link = cluster.known.link if cluster.known is not None and cluster.known.type is kind else None
    if cluster.city is not None:
        link = Link(scheme="geonames", id=cluster.city.id)
    return Entity(
        id=derived_id("entity", article_id, kind.value, name),
        type=kind,
        name=name,
        link=link,
        salience=round(salience, 4),
        mentions=tuple(Mention(field=one.field, start=one.start, end=one.end, text=one.text) for one in cluster.mentions),
    )


def _name(cluster: _Cluster, language: str) -> str:
    """The linked item's name, else the form that is most like it."""
    if cluster.known is not None and cluster.known.type is cluster.type:
        known = cluster.known.name(language)
        if known:
            return known
    best = _form(cluster)
    if cluster.city is not None and (best.isupper() or language in words.INFLECTED):
        return cluster.city.name
    if best.isupper() and len(best) >= _SHORTEST_SHOUTED and cluster.type in (EntityType.LOC, EntityType.PER):
        return best.title()  # the dateline of an agency, or a headline in capitals
    return best


def _form(cluster: _Cluster) -> str:
    """The most complete form of a name; of several, the one most like a nominative: the shortest."""
    forms = Counter(" ".join(mention.text.split()) for mention in cluster.mentions)
    return min(forms, key=lambda form: (form.isupper(), -len(words.parts(form)), len(form), -forms[form], form))
