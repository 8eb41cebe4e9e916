"""Which language an article is written in."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import get_global
from py3langid import langid

from stream.records import Document, Language, ModelInfo

UNDETERMINED = "und"

_SAMPLE = 3_000
_MIN_LETTERS = 3
_MIN_CONFIDENCE = 0.5
_NOISE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[@#]\w+")
_LETTER = re.compile(r"[^\W\d_]")
# What the library and CLDR leave apart although readers do not, and what is no language.
_MERGED = {
    "nb": "no", "yue": "zh", "wuu": "zh", "arz": "ar", "ary": "ar", "sdh": "ku", "uzs": "uz", "hbo": "he", "grc": "el",
    "kik": "ki", "gug": "gn", "fuv": "ff", "fil": "tl", "sh": "sr", "zxx": "und", "mul": "und", "mis": "und", "root": "und",
}  # fmt: skip


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
    """The language of title and text together; ``und`` when unsure. What was declared is kept apart."""
    claim = normalise(declared)
    sample = _sample(document)
    if len(_LETTER.findall(sample)) < _MIN_LETTERS:
        return Language(code=UNDETERMINED, confidence=0.0, declared=claim)
    label, confidence = model.identifier.classify(sample)
    code = normalise(label) or UNDETERMINED
    if confidence < _MIN_CONFIDENCE:
        code = UNDETERMINED
    return Language(code=code, confidence=round(min(1.0, confidence), 4), declared=claim)


def normalise(declared: str | None) -> str | None:
    """The code of a declared language ("it-IT", "ita", "Italian"): ISO 639-1 where there is one; None if it is none."""
    if declared is None:
        return None
    name = declared.strip().casefold()[:40]
    code = re.split(r"[-_.,;@ ]", name)[0]
    code = str(get_global("language_aliases").get(code, code))
    code = _MERGED.get(code, code)
    names = _names()
    if code in names.values():
        return code
    return names.get(name)


@cache
def _names() -> dict[str, str]:
    """Names of languages in English and in themselves, casefolded, and their codes."""
    return {name.casefold(): _MERGED.get(code, code) for code, name in Locale("en").languages.items() if "_" not in code}


def _sample(document: Document) -> str:
    parts: list[str] = []
    size = 0
    for sentence in document.sentences:
        parts.append(sentence.text)
        size += len(sentence.text) + 1
        if size > _SAMPLE:
            break
    text = " ".join(parts) or f"{document.title or ''} {document.text}"
    return _NOISE.sub(" ", text[:_SAMPLE])
