"""Words around and inside names: titles that are no part of them, and the endings of Slavic cases."""

from __future__ import annotations

import re
import unicodedata

from stream.records import EntityType

_ARTICLES = frozenset("the il lo la i gli le l un una el los las o a os as der die das den dem des het de в у на il".split())
_TITLES = frozenset(
    """
    president presidente presidentessa präsident präsidentin président présidente prezydent президент президента президенту
    minister ministro ministra ministre premier primo prime mr mrs ms dr sir lord lady señor señora signor signora herr frau
    monsieur madame mme pan pani general generale général generał генерал chancellor cancelliere kanzler bundeskanzler
    chancelier sindaco mayor maire bürgermeister alcalde burmistrz senator senatore senateur governor governatore
    gouverneur gobernador gubernator segretario secretary secrétaire sekretarz prof professor professore
    міністр міністра міністерка прем'єр канцлер генсек секретар пан пані мер сенатор губернатор министр министра премьер
    канцлер секретарь господин госпожа мэр губернатор глава
    """.split(),
)

_OFFICES_ALONE = frozenset(
    """
    president presidente presidentessa präsident präsidentin président prezydent президент президента президенту
    vicepresidente minister ministro ministra ministre chancellor cancelliere bundeskanzler sindaco bürgermeister alcalde
    governatore gobernador segretario secretary secrétaire professor professore monsieur madame signora señor señora
    pope papa pontefice pontiff papst pape pontífice papież папа понтифик cardinale vescovo
    міністр міністра прем'єр канцлер генсек министр министра премьер господин госпожа губернатор
    """.split(),
)
"""Offices that are nobody's surname."""

_PRONOUNS = frozenset(
    """
    he she it they we you him her them us i me who io tu lui lei egli ella essi noi voi loro chi er sie es wir ihr
    il elle ils elles nous vous él ella ellos ellas nosotros ele ela eles elas nós hij zij wij jij on ona oni my wy
    він вона воно вони його її їх йому їй нього неї них нам вам ми ви я ти мене тебе мені тобі
    он она оно они его её ее их ему ей него неё нее них нам вам мы вы ты меня тебя мне тебе
    """.split(),
)

_LINKS = frozenset(
    """
    di del dello della dell dei degli delle da dal dalla dallo dai a al allo alla ai in nel nella nello nei su sul sulla
    con per tra fra e ed o il lo la i gli le un uno una of the and for in at by to on from with an de du des le les et
    à au aux en y el los las do dos das no na nos nas em e der die das den dem des von vom im am zu zur und für mit
    van het een op voor w z na do o i ze od po przy та і й у в на по з із до від за для про и с к из от о об при
    """.split(),
)
"""Small words that join the parts of a name and never end one."""

_OF = frozenset("di del dello della dell dei degli delle of de du des da do das dos der van von".split())

_ENDINGS = {
    "uk": "ами ями ою ею єю ого ому ими іми ові еві єві ам ям ах ях ом ем єм им ім ий ій ої а я у ю и і ї о е є ь й".split(),
    "ru": "ами ями ого его ому ему ыми ими ой ей ою ею ам ям ах ях ом ем ым им ый ий ая ую а я у ю ы и о е ь й".split(),
    "pl": "ami iego iemu ego emu ymi imi owi iem em om ach ą ę ie ej ym im y i a u o e".split(),
}
"""Case endings, longest first; genitive plurals (-ов, -ів, -ów) are left out: far more surnames end like that."""

INFLECTED = tuple(_ENDINGS)
"""Languages whose names have case endings."""

_DEMONYM = {
    "en": re.compile(r".*(an|ian|ese|ish|i)"),
    "nl": re.compile(r".*(se|sche|s)"),
    "de": re.compile(r".*(er|ische[rnms]?)"),
    "uk": re.compile(r".*[сзц]ьк\w{1,3}"),
    "ru": re.compile(r".*[сц]к\w{1,3}"),
    "pl": re.compile(r".*[sc]k\w{1,4}"),
}
"""What the adjectives of countries look like where they are written with a capital, or begin a sentence."""

_SHORTEST_STEM = 3


def is_leading(word: str, *, kind: EntityType, language: str) -> bool:
    """Whether a word at the beginning of a name is an article or a title, and so no part of it."""
    lower = word.lower()
    if kind is EntityType.PER and (lower in _TITLES or (word == "M" and language == "fr")):  # elsewhere an initial
        return True
    return word[0].islower() and lower in _ARTICLES


def is_article(word: str) -> bool:
    """Whether a word is nothing but an article or a preposition."""
    return word.lower() in _ARTICLES


def is_of(word: str) -> bool:
    """Whether a word says that what follows belongs to what stands before: ``Comune di Vercelli``."""
    return word in _OF


def is_link(word: str) -> bool:
    """Whether a word, in small letters, only joins what stands before and after it."""
    return word in _LINKS


def is_nobody(name: str) -> bool:
    """Whether a word that was read as a person is a pronoun, or an office without its holder."""
    lower = name.lower()
    return lower in _PRONOUNS or lower in _OFFICES_ALONE


def looks_like_demonym(word: str, *, language: str) -> bool:
    """Whether a word has the ending of an adjective of place, in languages that write those with a capital."""
    pattern = _DEMONYM.get(language)
    return pattern is not None and pattern.fullmatch(word.lower()) is not None


def folded(text: str) -> str:
    """Lower case, without accents and dots: how names are compared. Cyrillic letters stay as they are."""
    lower = text.casefold().replace("’", "'").replace(".", "")
    if lower.isascii():
        return lower
    decomposed = unicodedata.normalize("NFD", lower)
    kept = [c for c in decomposed if not (unicodedata.combining(c) and c not in "\u0306\u0308")]
    return unicodedata.normalize("NFC", "".join(kept))


def stem(word: str, *, language: str) -> str:
    """A folded word without its case ending, in languages whose names are inflected; else the word."""
    for ending in _ENDINGS.get(language, ()):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def stems(folded_name: str, *, language: str) -> tuple[str, ...]:
    """The stems of the words of a folded name."""
    return tuple(stem(word, language=language) for word in re.findall(r"[\w']+", folded_name))


def parts(name: str) -> list[str]:
    """The folded words of a name."""
    return re.findall(r"[\w']+", folded(name))
