"""Write ``stream/assets/entities/news_entities_xx`` from the trained encoder: ``build.py DIR_OF_TEACHER``.

Needs the ``onnx`` package beside the runtime's dependencies. The folder holds `entities.int8.onnx` (the exported graph) and
`pieces.json` (pieces with unigram scores, the character map, the labels); their sums are checked, so that the committed
artefact can only come from them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import lean
import onnx
from tokenizers import Tokenizer, models

NAME = "news_entities_xx"
VERSION = "0.1.0"
OUT = Path(__file__).parents[2] / "stream" / "assets" / "entities" / NAME

INPUTS = {
    "entities.int8.onnx": "d20b49ee201784c2fdd22610ff0fc15c49370bf79f3d0cdf70b1c75dcede74f9",
    "pieces.json": "0483263140b7dc5dccb8a008621439b84d3e63099c09a01687daf8775b0c638c",
}


def sha256(path: Path) -> str:
    """The sum of a file, as `sha256sum` prints it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def main() -> None:
    """Check, convert, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path)
    teacher = parser.parse_args().teacher
    for name, wanted in INPUTS.items():
        if sha256(teacher / name) != wanted:
            raise SystemExit(f"{teacher / name}: not the file that this script was written for")
    OUT.mkdir(parents=True, exist_ok=True)
    onnx.save(lean.rewrite(onnx.load(teacher / "entities.int8.onnx")), OUT / "entities.int8.onnx")
    pieces = json.loads((teacher / "pieces.json").read_text(encoding="utf-8"))
    unigram = models.Unigram([(piece, score) for piece, score in pieces["pieces"]], unk_id=pieces["special"]["unk"])
    Tokenizer(unigram).save(str(OUT / "tokenizer.json"), pretty=False)
    (OUT / "normalise.json").write_text(_canonical(pieces["normalise"]), encoding="utf-8")
    files = {name: sha256(OUT / name) for name in ("entities.int8.onnx", "tokenizer.json", "normalise.json")}
    meta = {
        "name": NAME,
        "version": VERSION,
        "sha256": hashlib.sha256("".join(files[name] for name in sorted(files)).encode()).hexdigest(),
        "files": files,
        "labels": pieces["labels"],
        "licence": "CC-BY-SA-4.0",
        "inputs": INPUTS,
    }
    (OUT / "meta.json").write_text(_canonical(meta), encoding="utf-8")
    print(f"{OUT}: {sum(path.stat().st_size for path in OUT.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
