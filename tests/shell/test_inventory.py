"""``newsstream models``: what is in use, on whose terms, with a pipeline that is made, packaged and installed here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from stream import entities, inventory, pipeline
from stream.outcome import Options

pytestmark = [pytest.mark.models, pytest.mark.processes]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the path of Python in which the package ``it_borgo`` is installed, as spaCy packages it."""
    folder = tmp_path_factory.mktemp("borgo")
    nlp = spacy.blank("it")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler")
    names = {"Borgonovo": "GPE", "Tizio": "persName", "Lega dei Traghettatori": "ORG", "lunedì": "DATE"}
    ruler.add_patterns([{"label": label, "pattern": name} for name, label in names.items()])  # type: ignore[attr-defined]
    nlp.meta.update(name="borgo", version="2.0.1", license="CC BY-NC-SA 3.0", author="Una Scuola", url="https://scuola.example")
    nlp.meta["sources"] = [{"name": "Corpus di Borgonovo", "license": "CC BY 4.0"}]
    nlp.to_disk(folder / "pipeline")
    (folder / "built").mkdir()
    command = [sys.executable, "-m", "spacy", "package", "pipeline", "built", "--build", "none"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=100)
    installed = folder / "built" / "it_borgo-2.0.1"
    shutil.copy(installed / "meta.json", installed / "it_borgo")  # as its setup.py does
    (installed / "it_borgo-2.0.1.dist-info").mkdir()
    (installed / "it_borgo-2.0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: it_borgo\nVersion: 2.0.1\n")
    return installed


def _models(*arguments: str, site: Path | None = None, ner_models: str = "") -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(site or ""), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-m", "stream", "models", *arguments],
        cwd=ROOT,
        env=os.environ | {"NEWSSTREAM_NER_MODELS": ner_models, "PYTHONPATH": path, "COLUMNS": "130"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_an_installed_package_shows_its_licence_and_what_its_labels_become(site: Path) -> None:
    """As JSON: name, version, languages, licence, by whom, size; GPE comes out as LOC, a date does not come out."""
    done = _models("--json", site=site, ner_models="it=it_borgo")

    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    borgo = rows["it_borgo"]
    assert done.returncode == 0
    assert (borgo["version"], borgo["languages"], borgo["licence"]) == ("2.0.1", ["it"], "CC BY-NC-SA 3.0")
    assert borgo["labels"] == {"DATE": None, "GPE": "LOC", "ORG": "ORG", "persName": "PER"}
    assert all(said in borgo["source"] for said in ("Una Scuola", "https://scuola.example", "Corpus di Borgonovo, CC BY 4.0"))
    assert borgo["size"] > 1_000


def test_the_table_says_the_same_to_a_person(site: Path) -> None:
    """With what is left out, and the bundled encoder for all other languages, under its own licence and attribution."""
    done = _models(site=site, ner_models="it=it_borgo")

    assert done.returncode == 0
    assert "CC BY-NC-SA 3.0" in done.stdout
    assert "all others" in done.stdout
    assert "GPE → LOC, ORG, persName → PER; left out: DATE" in done.stdout
    shown = " ".join(done.stdout.split())
    assert all(corpus in shown for corpus in ("multilingual-e5-small", "GermEval 2014", "UA-GEC", "CLDR"))


def test_what_is_bundled_is_all_there_with_a_licence() -> None:
    """Every model that is named in the records is in the list, and nothing has a licence that is not stated."""
    found = inventory.items(Options())
    loaded = pipeline.load(Options())

    assert {(one.name, one.version, one.sha256) for one in found} == {
        (info.name, info.version, info.sha256) for info in loaded.infos
    }
    assert not [one.name for one in found if inventory.UNSTATED in (one.licence, one.source)]
    encoder = next(one for one in found if one.use == "entities" and one.labels)
    assert (encoder.licence, encoder.labels) == ("CC BY-SA 4.0", {"LOC": "LOC", "ORG": "ORG", "PER": "PER"})
    assert encoder.size is not None
    assert encoder.size > 50_000_000
    assert inventory.UNSTATED not in encoder.source


def test_a_pipeline_that_says_nothing_of_its_licence_is_shown_so(tmp_path: Path) -> None:
    """Silence is no permission."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler")
    nlp.meta["license"] = ""
    nlp.to_disk(tmp_path / "mute")

    found = inventory.items(Options(ner_models={"xx": str(tmp_path / "mute")}))

    (mute,) = (one for one in found if one.use == "entities" and one.size and one.name.startswith("en_"))
    assert (mute.licence, mute.source, mute.languages) == (inventory.UNSTATED, inventory.UNSTATED, ())
    assert "news_entities_xx" not in {one.name for one in found}


def test_a_pipeline_that_cannot_be_had_is_status_2() -> None:
    """Its name, and no traceback."""
    done = _models(ner_models="it=no_such_pipeline")

    assert done.returncode == 2
    assert "no_such_pipeline" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("code", "meant"), [("it-IT", "'it'"), ("ukr", "'uk'"), ("italiano", "'it'"), ("english!", "no code")])
def test_a_language_that_is_never_said_is_refused(code: str, meant: str) -> None:
    """A pipeline under a code that the language step never gives would never be used, without a word."""
    with pytest.raises(ValueError, match=meant):
        pipeline.load(Options(ner_models={code: "it_core_news_lg"}))


def test_the_code_for_all_other_languages_is_a_code() -> None:
    """It replaces the bundled pipeline; here it fails later, for want of the package."""
    with pytest.raises(ValueError, match="cannot be loaded"):
        pipeline.load(Options(ner_models={entities.ANY: "no_such_pipeline"}))
