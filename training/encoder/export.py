"""Write the trained encoder as the graph that the service runs: ``python -m training.encoder.export DATA WEIGHTS.pt OUT``."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from stream.entities import BUNDLED
from training.encoder import labels
from training.entities import lean

VERSION = "0.2.0"
FILES = ("entities.int8.onnx", "normalise.json", "tokenizer.json")
_LARGEST = 127


class Trained:
    """Trained weights, quantised as they are asked for; the embeddings of pieces, which no training touches, as exported."""

    def __init__(self, exported: lean.Source, state: dict[str, torch.Tensor]) -> None:
        self._exported = exported
        self._state = {name: values.float().numpy() for name, values in state.items()}
        self._state["head.weight"] = np.concatenate([self._state[f"heads.{name}.weight"] for name in labels.SIZES])
        self._state["head.bias"] = np.concatenate([self._state[f"heads.{name}.bias"] for name in labels.SIZES])

    @property
    def epsilon(self) -> float:
        """What layer normalisation adds to the variance."""
        return self._exported.epsilon

    def array(self, name: str) -> NDArray[np.generic]:
        """A constant by its name."""
        if name.startswith(("word.", "pos.", "typ")):
            return self._exported.array(name)
        return np.ascontiguousarray(self._state[name], dtype=np.float32)

    def weight(self, layer: str) -> lean.Weight:
        """A linear layer (inputs by outputs), each output with a scale of its own."""
        values = self._state[f"{layer.strip('/').replace('/', '.')}.weight"].T
        scale = np.maximum(np.abs(values).max(axis=0), 1e-8) / _LARGEST
        return lean.Weight(
            np.round(values / scale).astype(np.int8), scale.astype(np.float32), np.zeros(values.shape[1], dtype=np.int8)
        )


def main(data: Path, weights: Path, out: Path) -> None:
    """Write graph, pieces and description into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    exported = lean.Source(onnx.load(data / "teacher" / "entities.int8.onnx"))
    state = torch.load(weights, map_location="cpu", weights_only=True)
    onnx.save(lean.rewrite(Trained(exported, state)), out / FILES[0])
    for name in FILES[1:]:
        if (out / name).resolve() != (BUNDLED / name).resolve():
            shutil.copyfile(BUNDLED / name, out / name)
    meta = {
        "name": "news_entities_xx",
        "version": VERSION,
        "licence": "CC BY-SA 4.0",
        "labels": labels.NAMES,
        "heads": labels.SIZES,
        "sha256": {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in FILES},
    }
    (out / "meta.json").write_text(json.dumps(meta, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
