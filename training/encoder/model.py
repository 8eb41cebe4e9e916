"""The encoder in PyTorch: its weights come out of the exported graph, and go back into one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from training.encoder import labels

WIDTH, INNER, HEADS, LAYERS = 384, 1536, 12, 12
PAD = 1
_LINEAR = {"qkv": ("q", "k", "v"), "ao": ("ao",), "fi": ("fi",), "fo": ("fo",)}
"""Matrices of a layer in the graph that the service runs, and the layers of `Layer` that lie side by side in each."""


class Layer(nn.Module):
    """Self-attention and a feed-forward step, each added and normalised."""

    def __init__(self, epsilon: float, dropout: float) -> None:
        super().__init__()
        self.q, self.k, self.v, self.ao = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.aln, self.oln = nn.LayerNorm(WIDTH, epsilon), nn.LayerNorm(WIDTH, epsilon)
        self.fi, self.fo = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`x` (windows by pieces by width); `mask` is added to the scores of attention: very little where there is no piece."""
        windows, length, _ = x.shape
        q, k, v = (part(x).view(windows, length, HEADS, -1).transpose(1, 2) for part in (self.q, self.k, self.v))
        # written out: on a CPU the fused operator is slower, and its backward pass much slower
        scores = (q @ k.transpose(2, 3)) * (q.shape[-1] ** -0.5) + mask
        context = functional.softmax(scores, dim=-1) @ v
        x = self.aln(x + self.dropout(self.ao(context.transpose(1, 2).reshape(x.shape))))
        return self.oln(x + self.dropout(self.fo(functional.gelu(self.fi(x)))))


class Encoder(nn.Module):
    """Pieces to logits, by the heads of `labels.SIZES`."""

    def __init__(self, *, pieces: int, places: int, epsilon: float, dropout: float = 0.1, layers: int = LAYERS) -> None:
        super().__init__()
        self.word, self.places = nn.Embedding(pieces, WIDTH), nn.Embedding(places, WIDTH)
        self.eln = nn.LayerNorm(WIDTH, epsilon)
        self.layers = nn.ModuleList(Layer(epsilon, dropout) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTH, size) for name, size in labels.SIZES.items()})

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        """Logits by head (windows by pieces by labels) of `ids` (windows by pieces, padded)."""
        mask = torch.where(ids == PAD, -1e4, 0.0)[:, None, None, :].to(torch.get_autocast_dtype("cpu"))
        x = self.dropout(self.eln(self.word(ids) + self.places.weight[: ids.shape[1]]))
        for layer in self.layers:
            x = layer(x, mask)
        x = self.dropout(x)
        return {name: head(x) for name, head in self.heads.items()}


def layers_of(names: Iterable[str]) -> tuple[int, ...]:
    """The numbers of the layers that have constants or weights of these names."""
    return tuple(sorted({int(name.split(".")[1]) for name in names if name.startswith("layers.")}))


def from_service(model: onnx.ModelProto, *, layers: tuple[int, ...] = tuple(range(LAYERS)), dropout: float = 0.1) -> Encoder:
    """The encoder, or some layers of it, with the weights of a graph that the service runs; heads that it lacks are new."""
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    word = (constants["word"].astype(np.float32) - constants["word.zero"]) * constants["word.scale"]
    epsilon = constants["eln.epsilon"].item()
    made = Encoder(pieces=word.shape[0], places=len(constants["places"]), epsilon=epsilon, dropout=dropout, layers=len(layers))
    state = {"word.weight": word, "places.weight": constants["places"]}

    def smooth(name: str) -> NDArray[np.float32]:
        found = constants.get(f"{name}.smooth", np.ones(1, np.float32))
        return 1 / found if name.endswith(".fo") else found

    def matrix(name: str) -> NDArray[np.float32]:
        values = (constants[f"{name}.weight"].astype(np.float32) - constants[f"{name}.zero"]) * constants[f"{name}.scale"]
        return np.asarray(values.T / smooth(name), np.float32)

    def norm(name: str, to: str, into: str = "") -> None:
        by = smooth(into)
        state[f"{to}.weight"], state[f"{to}.bias"] = constants[f"{name}.gain"] * by, constants[f"{name}.shift"] * by

    norm("eln", "eln")
    for place, number in enumerate(layers):
        for joined, parts in _LINEAR.items():
            name = f"layers.{number}.{joined}"
            weights = np.split(matrix(name), len(parts))
            biases = np.split(constants[f"{name}.bias"], len(parts))
            for part, weight, bias in zip(parts, weights, biases, strict=True):
                state[f"layers.{place}.{part}.weight"], state[f"layers.{place}.{part}.bias"] = weight, bias
        norm(f"layers.{number}.aln", f"layers.{place}.aln", f"layers.{number}.fi")
        norm(f"layers.{number}.oln", f"layers.{place}.oln")
    weights, biases = matrix("logits"), constants["logits.bias"]
    first = 0
    for head, size in labels.SIZES.items():
        if first + size <= len(biases):
            state[f"heads.{head}.weight"], state[f"heads.{head}.bias"] = (
                weights[first : first + size],
                biases[first : first + size],
            )
        else:
            nn.init.normal_(made.heads[head].weight, std=0.02)
            nn.init.zeros_(made.heads[head].bias)
        first += size
    found = {name: torch.from_numpy(np.array(values, dtype=np.float32)) for name, values in state.items()}
    missing, unexpected = made.load_state_dict(found, strict=False)
    if unexpected or any(not name.startswith("heads.") for name in missing):
        raise ValueError(f"not the graph that was expected: missing {missing}, unexpected {unexpected}")
    return made
