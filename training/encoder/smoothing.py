"""How large the inputs of each linear layer become, so that large ones can be made smaller before they are quantised.

The inputs of a layer are quantised all together, with one scale. At the marks that begin and end a window one of them, another in
each layer, is ten times as large as all others, which then lose what they say. So it is divided by a factor, and its row of the
matrix multiplied by it (as in SmoothQuant, Xiao et al. 2023).
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stream.entities import BUNDLED
from stream.entities.pieces import Pieces
from training.encoder import data, model

_CORPUS = Path(__file__).parents[1] / "corpus"
_WINDOWS = 150
_USUAL = 3
"""Inputs that become so many times as large as the middle one are made that large."""


@torch.no_grad()
def ranges(encoder: model.Encoder) -> dict[str, NDArray[np.float32]]:
    """The largest magnitude of each input of every linear layer, by its name, over some windows of the corpus."""
    largest: dict[str, torch.Tensor] = {}

    def watch(name: str, layer: nn.Linear) -> None:
        def seen(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            here = inputs[0].abs().flatten(0, -2).amax(0)
            largest[name] = torch.maximum(largest[name], here) if name in largest else here

        layer.register_forward_pre_hook(seen)

    for name, layer in encoder.named_modules():
        if isinstance(layer, nn.Linear):
            watch(name, layer)
    encoder.eval()
    chance = random.Random(1)
    sentences = chance.sample(data.of_corpus(_CORPUS, part="training"), 4 * _WINDOWS)
    for window in data.windows(sentences, Pieces(BUNDLED), chance):
        encoder(torch.tensor([window.ids]))
    return {name: values.numpy() for name, values in largest.items()}


def factors(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to divide each input by, given how large it becomes: 1 for nearly all."""
    return np.maximum(1.0, inputs / (_USUAL * np.median(inputs))).astype(np.float32)
