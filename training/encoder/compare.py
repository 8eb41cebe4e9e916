"""What quantisation costs: ``python -m training.encoder.compare WEIGHTS.pt GRAPH.onnx…``.

Reads a third of the held-out part of the corpus with the weights as they were trained, and with graphs that were exported from
them; prints, for each, how well the likeliest trigger of each type tells the types that a sentence has, and how far its
scores lie from those of the weights.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from stream.entities import BUNDLED
from stream.entities.encoder import session
from stream.entities.pieces import Pieces
from training.encoder import data, export, labels

_CORPUS = Path(__file__).parents[1] / "corpus"
_EVENTS = slice(len(labels.NAMES), len(labels.NAMES) + len(labels.EVENTS))
_EVERY = 3

Told = tuple[NDArray[np.float32], list[bool]]
"""Of a sentence, by type: the highest probability that any word triggers it, and whether it is gold."""


@torch.no_grad()
def main() -> None:
    """Read, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("graphs", type=Path, nargs="*")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    encoder = export.encoder(
        onnx.load(BUNDLED / export.GRAPHS[0]), torch.load(chosen.weights, map_location="cpu", weights_only=True)
    ).eval()
    sessions = {str(path): session(path) for path in chosen.graphs}
    told: dict[str, list[Told]] = {name: [] for name in ("weights", *sessions)}
    away: dict[str, list[float]] = {name: [] for name in told}
    chance, pieces = random.Random(1), Pieces(BUNDLED)
    for sentence in data.of_corpus(_CORPUS, part="held-out")[::_EVERY]:
        for window in data.windows([sentence], pieces, chance):
            ids = np.array([window.ids], dtype=np.int64)
            words = np.array(window.events) != data.UNKNOWN
            said = {name: graph.run(None, {"ids": ids})[0][0][words, _EVENTS] for name, graph in sessions.items()}
            said["weights"] = encoder(torch.from_numpy(ids))["events"][0].numpy()[words]
            gold = {labels.EVENTS[number] for number in window.events if number > 0}
            for name, scores in said.items():
                shares = np.exp(scores - scores.max(axis=1, keepdims=True))
                shares /= shares.sum(axis=1, keepdims=True)
                told[name].append((shares[:, 1:].max(axis=0), [kind in gold for kind in labels.EVENTS[1:]]))
                away[name].append(float(np.abs(scores - said["weights"]).mean()))
    for name, rows in told.items():
        precision, best = measured(rows)
        print(f"{name}: average precision {precision:.3f}, best F1 {best:.3f}, scores away {np.mean(away[name]):.3f}")


def measured(rows: Sequence[Told]) -> tuple[float, float]:
    """Average precision over all sentences and types, and the F1 at the best threshold."""
    scores = np.concatenate([likely for likely, _ in rows])
    right = np.array([one for _, gold in rows for one in gold])[np.argsort(-scores, kind="stable")]
    hits = right.cumsum()
    precision = hits / np.arange(1, len(right) + 1)
    recall = hits / max(1, right.sum())
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return float((precision * right).sum() / max(1, right.sum())), float(f1.max())


if __name__ == "__main__":
    main()
