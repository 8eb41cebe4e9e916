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
    papa pope pape papst papież папа monsignor monsignore cardinale cardinal kardinal kardynał кардинал vescovo bishop ad
    ayatollah imam sheikh
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

_NO_NAMES = frozenset(
    """
    gdp pil pib ввп пкб pkb bip bnp vat iva ндс пдв mwst tva btw dna днк aids hiv снід спид віл вич covid covid-19 sars
    sars-cov-2 coronavirus lsd pcr usb html dvd cest cet gmt utc msk gps ceo suv vip sms wifi wi-fi ddt
    constitution costituzione constitución constituição verfassung grundgesetz grondwet konstytucja konstytucji
    конституція конституції конституцію конституция конституции конституцию
    corano quran qur'an koran coran corán alcorão коран корану корана bibbia bible biblia bíblia bibel bijbel біблія
    біблії библия библии vangelo gospel internet інтернет интернет web
    """.split(),
)
"""Laws, books, figures and the like that are written like organisations."""

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

_WHERE = {
    "it": frozenset(("a", "ad", "in")),
    "en": frozenset(("in", "near", "outside")),
    "fr": frozenset(("à",)),
    "es": frozenset(("en",)),
    "pt": frozenset(("em",)),
    "de": frozenset(("in", "nach", "aus", "bei")),
    "nl": frozenset(("in", "te", "uit", "naar")),
    "pl": frozenset(("w", "we")),
    "uk": frozenset(("у", "в")),
    "ru": frozenset(("в", "во")),
}
"""Words after which, without an article, a place stands and no club and no person (few a person: *a*, *à*)."""

_PEOPLE = frozenset(
    """
    alexandria albuquerque adelaide austin ama aba brooklyn camacho charlotte columbus cuenca dallas darwin denver diego durango
    florence hamilton halifax jackson jacksonville jos kano kennedy kingston kirov kyle lagos lincoln louisville lyon madison
    malaga maria medina memphis milan natal nancy orlando oran paris penza perth phoenix queens regina reno roma roman romero
    rosario salem salvador samara santiago sofia stanley surat sydney sidney trujillo valencia valenzuela viana victoria vienna
    vienne vinh washington york zaria israel chelsea sale hue rom van mahe serra buda anadyr georgia lima nassau ryga barcelona
    santa bristol sheffield manchester leeds boston homs homel chita ufa dili quito pest tunis
    софия софія киров кіров милан мілан вена діллі самара рига орел
    """.split(),
)
"""Large cities whose names are also people's."""

_CLUBS = frozenset("roma monaco madrid lisboa paris barcelona santiago guadalajara montevideo porto bruxelles".split())
"""Cities that stand for their football club."""

_ENDINGS = {
    "uk": "ами ями ою ею єю ого ому ими іми ові еві єві ам ям ах ях ом ем єм им ім ий ій ої а я у ю и і ї о е є ь й".split(),
    "ru": "ами ями ого его ому ему ыми ими ой ей ою ею ам ям ах ях ом ем ым им ый ий ая ую а я у ю ы и о е ь й".split(),
    "pl": "ami iego iemu ego emu ymi imi owi iem em om ach ą ę ie ej ym im y i a u o e".split(),
}
"""Case endings, longest first; genitive plurals (-ов, -ів, -ów) are left out: far more surnames end like that."""

_OBLIQUE = tuple("у ю ом ем ой ою єю ею і ої ами ях ах е".split())
"""Endings that the nominative of a city's name hardly has."""

_ADJECTIVE_FORMS = tuple("ого его ому ему ої ая ую ими ыми ego emu ymi imi".split())
_ADJECTIVES = tuple("ий ій ый ой е я y i".split())

_OWN = {"uk": ("і", "ї", "є", "ґ"), "ru": ("ы", "э", "ё", "ъ")}
_NOT_OWN = {"uk": _OWN["ru"], "ru": (*_OWN["uk"], "ць")}
"""Letters that only one language of the same script has."""

_CHANGES = {
    "uk": (("ов", "ів"), ("єв", "їв"), ("ев", "їв"), ("ев", "ів"), ("з", "г"), ("ц", "к"), ("ц", "ець"), ("с", "х"), ("к", "ок")),
    "ru": (("ц", "ец"), ("ьц", "ец"), ("л", "ел")),
    "pl": (("i", ""), ("dz", "g"), ("c", "k"), ("c", "iec")),
}
"""How the end of a stem changes from the other cases to the nominative."""

_AMBIGUOUS_ENDINGS = ("ові", "еві", "єві")

_OPEN = re.compile(r"(.*)[ое]([бвгджзклмнпрстцчш])")
"""What becomes і in the closed syllable of the nominative."""

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

_TRANSCRIBED = re.compile(r"(?<=\w\w[sc]k)(?:[iy]{1,2}|[iy]j)$")
"""How else the ending of Zelensky is transcribed: Zelenskyy, Zelenskiy, Zelenskij, Zelenski."""

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


def is_where(word: str, *, language: str) -> bool:
    """Whether a place follows this word, which no article follows."""
    return word.lower() in _WHERE.get(language, ())


def is_name_of_people(folded_city: str) -> bool:
    """Whether the name of a city is also a first name or a surname."""
    return folded_city in _PEOPLE


def is_name_of_club(folded_city: str) -> bool:
    """Whether the name of a city, alone, is also what people call a club."""
    return folded_city in _CLUBS


def is_nobody(name: str) -> bool:
    """Whether a word that was read as a person is a pronoun, or an office without its holder."""
    lower = name.lower()
    return lower in _PRONOUNS or lower in _OFFICES_ALONE


def is_no_organisation(name: str) -> bool:
    """Whether a word that was read as an organisation is none: ``GDP``, ``Covid-19``, ``Costituzione``."""
    return name.lower() in _NO_NAMES and (name.isupper() or name[1:].islower() or "-" in name)


def looks_like_demonym(word: str, *, language: str) -> bool:
    """Whether a word has the ending of an adjective of place, in languages that write those with a capital."""
    pattern = _DEMONYM.get(language)
    return pattern is not None and pattern.fullmatch(word.lower()) is not None


def folded(text: str) -> str:
    """Lower case, without accents and dots: how names are compared. Cyrillic letters stay as they are."""
    lower = text.casefold().replace("’", "'").replace("ʼ", "'").replace(".", "")
    if lower.isascii():
        return lower
    decomposed = unicodedata.normalize("NFD", lower)
    kept = [c for c in decomposed if not (unicodedata.combining(c) and c not in "\u0306\u0308")]
    return unicodedata.normalize("NFC", "".join(kept))


def stem(word: str, *, language: str) -> str:
    """A folded word without its case ending, in languages whose names are inflected; else the word."""
    if language not in _ENDINGS:
        return _TRANSCRIBED.sub("y", word)
    for ending in _ENDINGS[language]:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def stems(folded_name: str, *, language: str) -> tuple[str, ...]:
    """The stems of the words of a folded name."""
    return tuple(stem(word, language=language) for word in re.findall(r"[\w']+", folded_name))


def nominatives(folded_name: str, *, language: str) -> list[tuple[str, ...]]:
    """The stems that the nominative of a case form may have: Харкова is of Харків, Празі of Прага."""
    found = [stems(folded_name, language=language)]
    if not found[0]:
        return []
    if folded_name.endswith(_AMBIGUOUS_ENDINGS):  # Києв-і, not only Микола-єві
        found.append((*found[0][:-1], re.findall(r"[\w']+", folded_name)[-1][:-1]))
    for *first, last in tuple(found):
        for ending, changed in _CHANGES.get(language, ()):
            if last.endswith(ending) and len(last) - len(ending) + len(changed) >= _SHORTEST_STEM:
                found.append((*first, last.removesuffix(ending) + changed))
        if language == "uk" and (closed := _OPEN.fullmatch(last)):
            found.append((*first, f"{closed[1]}і{closed[2]}"))
    return found


def may_be_form(folded_form: str, folded_name: str) -> bool:
    """Whether an ending of adjectives stands only where the nominative is one (Рівного is of Рівне, Карого not of Кара)."""
    return not folded_form.endswith(_ADJECTIVE_FORMS) or folded_name.endswith(_ADJECTIVES)


def looks_oblique(folded_name: str) -> bool:
    """Whether a name of one word has an ending that a nominative hardly has."""
    return "-" not in folded_name and " " not in folded_name and folded_name.endswith(_OBLIQUE)


def unlike_nominative(folded_name: str, *, language: str = "") -> tuple[object, ...]:
    """By what to sort names of one stem so that the nominative in a language comes first."""
    own = sum(folded_name.count(letter) for letter in _OWN.get(language, ()))
    foreign = sum(folded_name.count(letter) for letter in _NOT_OWN.get(language, ()))
    return (looks_oblique(folded_name), foreign - own, " " in folded_name, -len(folded_name), folded_name)


def parts(name: str) -> list[str]:
    """The folded words of a name."""
    return re.findall(r"[\w']+", folded(name))
