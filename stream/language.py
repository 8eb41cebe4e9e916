"""Which language an article is written in."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import get_global
from py3langid import langid

from stream.records import Document, Language, ModelInfo

UNDETERMINED = "und"
SUPPORTED = ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "uk")
"""The languages that this service is built for."""

_NATIONAL = frozenset((
    "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "da", "el", "et", "fa", "fi", "he", "hi", "hr", "hu", "hy", "id", "is", "ja",
    "ka", "kk", "ko", "lt", "lv", "mk", "ms", "no", "ro", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "ur",
    "uz", "vi", "zh",
))  # fmt: skip
# How likely an article is in a language before it is read. Without it, six words of Portuguese are Galician one time in ten.
_PRIOR_SUPPORTED, _PRIOR_NATIONAL, _PRIOR_OTHER = 1.0, 0.5, 0.1
_CLAIM_WEIGHT = 4.0
_CLAIM_FLOOR = 0.05
_SURE = 0.8  # whatever is declared is no longer asked
_MIN_CONFIDENCE = 0.4  # measured: below it every third headline is wrong, above it one in a hundred
_MIN_LETTERS = 3
_SAMPLE = 1_200
_CANDIDATES = 20

_MAX_NAME = 40
_SUBTAG = re.compile(r"[-_.,;@ ]")
_NOISE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[@#]\w+")
_LETTER = re.compile(r"[^\W\d_]")
_ABSENT = {  # letters that an alphabet does not have: in short texts they decide between sisters
    "be": re.compile("[ищъїєґ]", re.IGNORECASE),
    "bg": re.compile("[ыэёіїєґў]", re.IGNORECASE),
    "mk": re.compile("[ыэёъйщьюяіїєґў]", re.IGNORECASE),
    "ru": re.compile("[іїєґўјљњћђџѓќѕ]", re.IGNORECASE),
    "sr": re.compile("[ыэёъйщьюяіїєґў]", re.IGNORECASE),
    "uk": re.compile("[ыэёъўјљњћђџѓќѕ]", re.IGNORECASE),
}
_ABSENT_WEIGHT = 0.25
# Words of Serbian in Latin letters, of Croatian and Bosnian, of Croatian alone, of Bosnian and Serbian; of Indonesian, of Malay.
_EKAVIAN = r"""
    \w*vreme|mest[oau]|gde|posle|pre|deo|\w*svetsk\w+|reč\w*|čove[kč]\w*|dete|dec[aeiu]|uvek|ovde|negde|nigde|
    poslednj\w+|sled\w+|pobed\w+|\w*predsed\w+|sednic\w+|\w*bezbed\w+|zahtev\w*|\w*promen\w*|primen\w*|vest[i]?|vestima|
    nedelj\w+|ponedeljak|sred[au]|cen[aeu]|mer[aeu]|reke|umetn\w+|odeljen\w+|svest\w*|oseća\w+|uspe[hš]\w*|hteo|hteli|
    želeo|video|tel[ou]|zvezd\w+|reš[ei]\w+|dve|pevač\w*|istorij\w+|opšt\w+|saopšt\w+|takođe|izveštaj\w*|avgust\w*|ceo|
    cel[aou]|bel[aeio]|\w*mesec\w*|ver[aeu]|obaveštaj\w+|snabdev\w+|odbran[aeiu]|vazduh\w*|fudbal\w*"""
_IJEKAVIAN = r"""
    vrijem\w+|\w*mjest\w+|gdje|poslije|prije|dio|svij?et\w*|riječ\w*|čovje[kč]\w*|dijete|dje[ct]\w*|lijep\w*|uvijek|
    ovdje|negdje|nigdje|posljed\w+|slij?ed\w+|sljed\w+|pobjed\w+|\w*predsjed\w+|sjedni[cšk]\w+|\w*zahtjev\w*|
    \w*promjen\w*|\w*primjen\w*|vijest\w*|\w*vješ[tć]\w+|nedjelj\w+|ponedjelj\w+|srijed\w+|cijen\w*|\w*mjer\w*|
    mlije[kč]\w*|rije[kc]\w*|umjet\w+|\w*djel\w*|svijest\w*|osje[ćt]\w*|uspje[hš]\w*|htio|htjeli|želio|vidio|tijel\w*|
    zvijezd\w*|rješ\w*|riješ\w*|sprij?eč\w*|dvij?e|dvjema|pjev\w*|također|općin\w*|opć[aei]\w*|\w*mjesec\w*|bij?el\w*|
    cij?el\w*|\w*dijel\w*|lij?eč\w*|\w*rijeđ\w*|prijedlog\w*|prijet\w+|vrijed\w*|\w*nijel\w*|vjer\w*|svjetsk\w+|zrak\w?|
    obavještaj\w+"""
_CROATIAN = r"""
    tko|netko|nitko|tisuć\w*|tjed[an]\w*|siječnj\w*|veljač\w*|ožuj\w*|travnj\w*|svibnj\w*|lipnj\w*|srpnj\w*|kolovoz\w*|
    rujn\w*|listopad\w*|studenog\w?|prosin\w*|\w*europ\w*|povijes\w*|sustav\w*|uvjet\w*|vlak\w*|zrakoplov\w*|priopć\w*|
    izvješć\w*|glede|sukladno|tijekom|unatoč|\w*sudjel\w*|suradnj\w*|proračun\w*|gospodarst\w*|veleposlan\w*|tvrtk\w*|
    ravnatelj\w*|tajnik\w*|glasnogovor\w*|nazočn\w*"""
_EASTERN = r"""
    hiljad\w*|sedmic\w*|januar\w*|februar\w*|jun[au]|jul[au]|a[uv]gust\w*|septemb\w*|oktob\w*|novemb\w*|decemb\w*|
    \w*evrop\w*|h?istorij\w*|uslov\w*|saop[ćš]\w*|opšt\w*|saradnj\w*|učestv\w*|učešć\w*|tokom|privred\w*|ambasad\w*|šta|
    ko|neko|niko|budžet\w*|preduzeć\w*|takođe|izv[j]?ešta\w*|portparol\w*|(?:treba|može|mogu|mora|moraju|želi|žele|hoće|
    će)\ da"""
_INDONESIAN = r"""
    bahwa|karena|uang|bisa|berbeda|hukum\w*|jumat|polisi|kantor|mobil|maret|agustus|desember|provinsi|mengatakan|
    perusahaan|pemilu|usai|parlemen|universitas|kualitas|pribadi\w*|pihak\ berwenang|rumah\ sakit|kemarin|sedangkan|
    juni|juli|prancis|inggris|amerika\ serikat"""
_MALAY = r"""
    bahawa|kerana|wang|berbeza|jumaat|polis|mac|ogos|disember|syarikat|pilihan\ raya|mangsa|parlimen|universiti|kualiti|
    ialah|mahu|beliau|semalam|manakala|julai|perancis|britain|amerika\ syarikat|pertubuhan|hospital|ahad|isnin"""


def _words(*lists: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(lists)})\b", re.IGNORECASE | re.VERBOSE)


_TELLING = {  # words that a language does not have and a sister does: the library itself tosses a coin between these
    "hr": _words(_EKAVIAN, _EASTERN),
    "bs": _words(_EKAVIAN, _CROATIAN),
    "sr": _words(_IJEKAVIAN, _CROATIAN),
    "id": _words(_MALAY),
    "ms": _words(_INDONESIAN),
}
_TELLING_LEAST = 0.001  # likely enough to be asked
# What the library and CLDR keep apart although a reader of news does not. None: no language at all.
_MERGED = {
    "arz": "ar", "ary": "ar", "fil": "tl", "fuv": "ff", "grc": "el", "gug": "gn", "hbo": "he", "kik": "ki", "nb": "no",
    "sdh": "ku", "sh": "sr", "uzs": "uz", "wuu": "zh", "yue": "zh",
}  # fmt: skip
_NAMELESS = frozenset({"ext", "gcf", "gcr", "guw"})  # the library's, which CLDR has no name for
_NONE = frozenset({"mis", "mul", "root", "und", "zxx"})


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded identifier, and what it is."""

    identifier: Any
    info: ModelInfo


def load() -> Model:
    """Load the model, which takes about a second: once per process, never at import."""
    path = Path(langid.__file__).parent / langid.MODEL_FILE
    info = ModelInfo(
        name="py3langid", version=metadata.version("py3langid"), sha256=hashlib.sha256(path.read_bytes()).hexdigest()
    )
    return Model(identifier=langid.LanguageIdentifier.from_model_file(path, norm_probs=True), info=info)


def detect(document: Document, *, declared: str | None, model: Model) -> Language:
    """The language of title and text together; ``und`` when unsure. What was declared is kept apart.

    The declared language only tips the balance of a text that is too short to decide. The confidence is the probability
    among all languages that the model knows; on headlines it is on the cautious side.
    """
    claim = normalise(declared)
    sample = _sample(document)
    if len(_LETTER.findall(sample)) < _MIN_LETTERS:
        return Language(code=UNDETERMINED, confidence=0.0, declared=claim)
    scores = _scores(sample, model)
    code, confidence = _best(scores)
    if confidence < _SURE and claim and scores.get(claim, 0.0) >= _CLAIM_FLOOR:
        code, confidence = _best(scores | {claim: scores[claim] * _CLAIM_WEIGHT})
    known = code not in _NONE and confidence >= _MIN_CONFIDENCE
    return Language(code=code if known else UNDETERMINED, confidence=round(confidence, 4), declared=claim)


def normalise(declared: str | None) -> str | None:
    """The code of a declared language ("it-IT", "ita", "Italian", "italiano"): ISO 639-1 where there is one.

    None if it is no language. Norwegian is ``no`` under every name but Nynorsk's own.
    """
    return None if declared is None else _code_of(declared[:_MAX_NAME].strip().casefold())


@lru_cache(maxsize=1_000)
def _code_of(name: str) -> str | None:
    code = _SUBTAG.split(name)[0]
    code = str(get_global("language_aliases").get(code, code)).split("_")[0]
    code = _MERGED.get(code, code)
    if code in _NONE:
        return None
    return code if code in _codes() else _names().get(name)


def _scores(sample: str, model: Model) -> dict[str, float]:
    """Probabilities of the likely languages, by code."""
    scores: dict[str, float] = {}
    for label, probability in model.identifier.rank(sample)[:_CANDIDATES]:
        code = normalise(label) or UNDETERMINED
        weight = _PRIOR_SUPPORTED if code in SUPPORTED else _PRIOR_NATIONAL if code in _NATIONAL else _PRIOR_OTHER
        if code in _ABSENT:
            share = len(_ABSENT[code].findall(sample)) * min(1.0, 100 / len(sample))  # names of others occur in long texts
            weight *= _ABSENT_WEIGHT ** min(4.0, share)
        if code in _TELLING and probability >= _TELLING_LEAST:
            weight *= _ABSENT_WEIGHT ** min(6.0, len(_TELLING[code].findall(sample)) * min(1.0, 600 / len(sample)))
        scores[code] = scores.get(code, 0.0) + weight * probability
    total = sum(scores.values())
    return {code: score / total for code, score in scores.items()}


def _best(scores: dict[str, float]) -> tuple[str, float]:
    code = max(scores, key=lambda code: scores[code])
    return code, min(1.0, scores[code] / sum(scores.values()))


def _sample(document: Document) -> str:
    """The title and as much of the text as decides, taken from all over it: an opening quotation is not the article."""
    in_text = [s.text for s in document.sentences if s.field == "text"]
    every = 1 + sum(map(len, in_text)) // _SAMPLE
    chosen = [*(s.text for s in document.sentences if s.field == "title"), *in_text[::every]]
    return _NOISE.sub(" ", " ".join(chosen) or f"{document.title or ''} {document.text}"[:_SAMPLE])[: 2 * _SAMPLE]


@cache
def _codes() -> frozenset[str]:
    return frozenset(code for code, _name in _english()) | _NAMELESS


@cache
def _names() -> dict[str, str]:
    """Names of languages in English, and of ours in themselves, casefolded, with their codes."""
    own = {str(Locale(code).get_display_name()).casefold(): code for code in SUPPORTED}
    return {name.casefold(): code for code, name in _english()} | own


def _english() -> Iterator[tuple[str, str]]:
    for code, name in Locale("en").languages.items():
        if "_" not in str(code) and code not in _NONE:
            yield _MERGED.get(str(code), str(code)), str(name)
