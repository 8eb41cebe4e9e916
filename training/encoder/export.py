"""Write trained encoders as the graphs that the service runs.

``python -m training.encoder.export OUT [--accurate WEIGHTS.pt] [--fast WEIGHTS.pt]``: a folder like the bundled one, in which
what is not given stays as it is bundled. Both graphs read the embeddings of the pieces from one file, which no training touches.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from onnx.external_data_helper import set_external_data

from stream.entities import BUNDLED
from training.encoder import labels, model, smoothing
from training.entities import lean

VERSION = "0.5.0"
WORDS = "words.int8.bin"
GRAPHS = ("accurate.int8.onnx", "fast.int8.onnx")
FILES = (*GRAPHS, WORDS, "normalise.json", "tokenizer.json")
_LARGEST = 63
"""Magnitude of a quantised weight. Seven bits: with eight, processors without VNNI clip the sum of two products, and would say
something else than those that have it."""
_SMOOTHED = frozenset(("fi", "fo"))
"""The layers whose inputs are smoothed: those of others are even enough (docs/decisions/quantisation.md)."""
_LONGEST = 128
"""Pieces of a window, with those that begin and end it: no more places are ever looked up."""


class Trained:
    """Trained weights, quantised as they are asked for; the embeddings of pieces as they are in a graph of the service."""

    def __init__(
        self, exported: onnx.ModelProto, state: dict[str, torch.Tensor], ranges: Mapping[str, NDArray[np.float32]]
    ) -> None:
        constants = {item.name: item for item in exported.graph.initializer}
        self._words = {
            "word.weight_quantized": numpy_helper.to_array(constants["word"]),
            "word.weight_scale": numpy_helper.to_array(constants["word.scale"]),
            "word.weight_zero_point": numpy_helper.to_array(constants["word.zero"]),
        }
        self._epsilon = numpy_helper.to_array(constants["eln.epsilon"]).item()
        self._state = {name: values.float().numpy() for name, values in state.items()}
        self._state["pos.weight"] = self._state["places.weight"][:_LONGEST]
        self._state["typ"] = np.zeros(self._state["pos.weight"].shape[1], np.float32)
        self._state["head.weight"] = np.concatenate([self._state[f"heads.{name}.weight"] for name in labels.SIZES])
        self._state["head.bias"] = np.concatenate([self._state[f"heads.{name}.bias"] for name in labels.SIZES])
        self._smoothing = {name: smoothing.factors(ranges[name]) for name in ranges if name.rpartition(".")[2] in _SMOOTHED}

    @property
    def epsilon(self) -> float:
        """What layer normalisation adds to the variance."""
        return self._epsilon

    @property
    def layers(self) -> int:
        """How many there are."""
        return len(model.layers_of(self._state))

    def array(self, name: str) -> NDArray[np.generic]:
        """A constant by its name."""
        if name in self._words:
            return self._words[name]
        return np.ascontiguousarray(self._state[name], dtype=np.float32)

    def weight(self, layer: str) -> lean.Weight:
        """A linear layer (inputs by outputs), each output with a scale of its own."""
        values = self._state[f"{_name(layer)}.weight"].T
        by = self.smoothing(layer)
        values = values if by is None else values * by[:, None]
        scale = np.maximum(np.abs(values).max(axis=0), 1e-8) / _LARGEST
        return lean.Weight(
            np.round(values / scale).astype(np.int8), scale.astype(np.float32), np.zeros(values.shape[1], dtype=np.int8)
        )

    def smoothing(self, layer: str) -> NDArray[np.float32] | None:
        """What each input of a linear layer is divided by; None where that would change nothing."""
        by = self._smoothing.get(_name(layer))
        return None if by is None or (by == 1).all() else by


def _name(layer: str) -> str:
    return layer.strip("/").replace("/", ".")


def mean(states: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The mean of weights that were trained one after the other; of places, those that all have."""
    first = min(states, key=lambda state: len(state["places.weight"]))
    return {name: sum(state[name][: len(values)].float() for state in states) / len(states) for name, values in first.items()}


def save(graph: onnx.ModelProto, path: Path) -> None:
    """Write a graph, and the embeddings of its pieces into the file beside it that all graphs of a folder read."""
    word = next(item for item in graph.graph.initializer if item.name == "word")
    data = numpy_helper.to_array(word).tobytes()
    beside = path.with_name(WORDS)
    if beside.exists() and beside.read_bytes() != data:
        raise ValueError(f"{beside} holds other embeddings than {path} was trained with")
    beside.write_bytes(data)
    word.ClearField("raw_data")
    word.raw_data = data  # what set_external_data asks for; the bytes themselves go
    set_external_data(word, WORDS, offset=0, length=len(data))
    word.ClearField("raw_data")
    word.data_location = TensorProto.EXTERNAL
    told = graph.metadata_props.add()
    told.key, told.value = f"sha256 {WORDS}", hashlib.sha256(data).hexdigest()
    path.write_bytes(graph.SerializeToString())


def encoder(base: onnx.ModelProto, state: dict[str, torch.Tensor]) -> model.Encoder:
    """The encoder with trained weights, as many layers as they have."""
    made = model.from_service(base, layers=model.layers_of(state))
    made.places = torch.nn.Embedding(*state["places.weight"].shape)
    made.load_state_dict(state)
    return made


def main() -> None:
    """Write graphs, pieces and description into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--accurate", type=Path, nargs="+", help="weights of `training.encoder.train`; of several, their mean")
    parser.add_argument("--fast", type=Path, nargs="+", help="weights of `training.encoder.distil`")
    parser.add_argument("--bundled", type=Path, default=BUNDLED, help="where everything else comes from")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    base = onnx.load(chosen.bundled / GRAPHS[0])
    for name, weights in zip(GRAPHS, (chosen.accurate, chosen.fast), strict=True):
        if weights is not None:
            state = mean([torch.load(path, map_location="cpu", weights_only=True) for path in weights])
            trained = Trained(base, state, smoothing.ranges(encoder(base, state)))
            save(lean.rewrite(trained, layers=trained.layers), chosen.out / name)
    for name in FILES:
        if not (chosen.out / name).exists():
            shutil.copyfile(chosen.bundled / name, chosen.out / name)
    meta = {
        "name": "news_entities_xx",
        "version": VERSION,
        "licence": "CC BY-SA 4.0",
        "labels": labels.NAMES,
        "heads": labels.SIZES,
        "sha256": {name: hashlib.sha256((chosen.out / name).read_bytes()).hexdigest() for name in FILES},
    }
    (chosen.out / "meta.json").write_text(json.dumps(meta, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
