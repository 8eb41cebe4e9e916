"""The encoder in PyTorch: its weights come out of the exported graph, and go back into one."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.encoder import labels
from training.entities import lean

WIDTH, INNER, HEADS, LAYERS = 384, 1536, 12, 12
PAD = 1


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

    def __init__(self, *, pieces: int, places: int, epsilon: float, dropout: float = 0.1) -> None:
        super().__init__()
        self.word, self.places = nn.Embedding(pieces, WIDTH), nn.Embedding(places, WIDTH)
        self.eln = nn.LayerNorm(WIDTH, epsilon)
        self.layers = nn.ModuleList(Layer(epsilon, dropout) for _ in range(LAYERS))
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


def from_export(model: onnx.ModelProto, *, dropout: float = 0.1) -> Encoder:
    """The encoder with the weights of an exported graph; heads that it does not have are new."""
    source = lean.Source(model)
    places = source.array("pos.weight") + source.array("typ")
    word = source.array("word.weight_quantized").astype(np.float32) - source.array("word.weight_zero_point").astype(np.float32)
    word *= source.array("word.weight_scale")
    made = Encoder(pieces=word.shape[0], places=places.shape[0], epsilon=source.epsilon, dropout=dropout)
    state = {"word.weight": word, "places.weight": places}
    state |= {f"eln.{part}": source.array(f"eln.{part}") for part in ("weight", "bias")}
    for number in range(LAYERS):
        name = f"layers.{number}"
        for part in ("q", "k", "v", "ao", "fi", "fo"):
            weight = source.weight(f"/{name}/{part}")
            state[f"{name}.{part}.weight"] = ((weight.values.astype(np.float32) - weight.zero) * weight.scale).T
            state[f"{name}.{part}.bias"] = source.array(f"{name}.{part}.bias")
        state |= {
            f"{name}.{norm}.{part}": source.array(f"{name}.{norm}.{part}")
            for norm in ("aln", "oln")
            for part in ("weight", "bias")
        }
    head = source.weight("/head")
    state["heads.names.weight"] = ((head.values.astype(np.float32) - head.zero) * head.scale).T
    state["heads.names.bias"] = source.array("head.bias")
    found = {name: torch.from_numpy(np.array(values, dtype=np.float32)) for name, values in state.items()}
    missing, unexpected = made.load_state_dict(found, strict=False)
    if unexpected or any(not name.startswith("heads.") for name in missing):
        raise ValueError(f"not the graph that was expected: missing {missing}, unexpected {unexpected}")
    for name in ("events", "modalities", "roles"):
        nn.init.normal_(made.heads[name].weight, std=0.02)
        nn.init.zeros_(made.heads[name].bias)
    return made
