"""Build the encoder's first version from the trial: ``python -m training.entities.build FOLDER OUT``.

FOLDER holds the trial's ``entities.int8.onnx`` (dynamic int8, with a mask) and ``pieces.json`` (pieces and scores, normaliser,
labels), whose sums are checked. OUT becomes the folder from which ``training.encoder.train --encoder OUT`` goes on: version
0.1.0, which knew names alone. Needs `onnx` beside what the service needs.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import onnx
from tokenizers import Tokenizer, models

from training.encoder import export
from training.entities import lean

SUMS = {
    "entities.int8.onnx": "d20b49ee201784c2fdd22610ff0fc15c49370bf79f3d0cdf70b1c75dcede74f9",
    "pieces.json": "0483263140b7dc5dccb8a008621439b84d3e63099c09a01687daf8775b0c638c",
}
VERSION = "0.1.0"
UNKNOWN = 3


def main(folder: Path, out: Path) -> None:
    """Check, convert, write."""
    for name, expected in SUMS.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{name}: sha256 is {found}, expected {expected}")
    out.mkdir(parents=True, exist_ok=True)
    pieces = json.loads((folder / "pieces.json").read_text(encoding="utf-8"))
    Tokenizer(models.Unigram([tuple(piece) for piece in pieces["pieces"]], unk_id=UNKNOWN)).save(
        str(out / "tokenizer.json"), pretty=False
    )
    normalise = json.dumps(pieces["normalise"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    (out / "normalise.json").write_text(normalise, encoding="utf-8")
    export.save(lean.rewrite(lean.Source(onnx.load(folder / "entities.int8.onnx"))), out / "accurate.int8.onnx")
    meta = {
        "name": "news_entities_xx",
        "version": VERSION,
        "licence": "CC BY-SA 4.0",
        "labels": pieces["labels"],
        "sha256": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.glob("*.*"))
            if path.name in export.FILES
        },
    }
    (out / "meta.json").write_text(json.dumps(meta, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
