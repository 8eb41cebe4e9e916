"""Fine-tune the bundled encoder further, on names and events together.

``python -m training.encoder.train DATA OUT.pt [--minutes 24]``; DATA is the folder that holds ``ner/``. What comes out is the
mean of the weights over the last hundreds of steps. Needs the packages of ``requirements/train.txt`` beside those of the service.
A part of what it reads are sentences with names alone, so that it forgets none.
"""

from __future__ import annotations

import argparse
import functools
import random
from pathlib import Path
from typing import get_args

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from stream.entities import BUNDLED
from stream.entities.encoder import HEAVIEST
from stream.entities.pieces import Pieces
from stream.records import Engine
from training.encoder import data, labels, loop, model, sums

_CORPUS = Path(__file__).parents[1] / "corpus"
_NAMES = {
    "train/uner_pt_bosque_train": 150,
    "train/uner_en_ewt_dev": 100,
    "train/uner_en_ewt_test": 100,
    "train/germeval_de_dev": 200,
    "train/factru_ru_train": 200,
    "silver/silver_it": 250,
    "silver/silver_uk": 250,
    "silver/silver_en": 60,
    "silver/silver_fr": 100,
    "silver/silver_es": 100,
    "silver/silver_pl": 120,
    "silver/silver_nl": 100,
}
"""Sentences of each file that an epoch reads, drawn anew each time."""
_LISTED = 2
"""Of so many examples of the lexicons an epoch reads one: they are short, and mostly known."""
_PIECES = 1600
"""Pieces of a step, padding included."""
_WARM = 0.06
_NEAR = 0.01
"""What the weights of a step count in their mean: some hundred steps do."""
_NO_EVENT = 0.4
"""What a word that is no trigger weighs beside one that is: there are twenty of them to one."""


def main() -> None:
    """Train, and save the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--encoder", type=Path, default=BUNDLED, help="folder of the encoder to go on from")
    parser.add_argument("--engine", choices=get_args(Engine), default="accurate", help="the graph in that folder")
    parser.add_argument("--heads", nargs="+", choices=labels.HEADS, help="train these heads alone")
    parser.add_argument("--frozen", type=int, default=4, help="layers that keep what they know; the embeddings do too")
    parser.add_argument("--start", type=Path, help="weights to go on from instead")
    loop.add_arguments(parser)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(chosen.threads)
    chance = random.Random(chosen.seed)
    pieces = Pieces(BUNDLED)
    graph = onnx.load(chosen.encoder / f"{chosen.engine}.int8.onnx")
    encoder = model.from_service(graph, layers=model.layers_of(item.name for item in graph.graph.initializer))
    told, listed = data.of_corpus(_CORPUS, part="training"), data.of_lexicons()
    some_listed = len(listed) // _LISTED
    named = {name: data.of_names(sums.checked(chosen.data, f"ner/{name}.jsonl")) for name in _NAMES}
    print(f"an epoch: {len(told)} sentences, {some_listed} of lexicons, {sum(_NAMES.values())} with names", flush=True)
    if chosen.start:
        encoder.load_state_dict(torch.load(chosen.start, weights_only=True))
    for frozen in (encoder.word, encoder.places, encoder.eln, *encoder.layers[: chosen.frozen]):
        frozen.requires_grad_(requires_grad=False)
    if chosen.heads:
        encoder.requires_grad_(requires_grad=False)
        for head in chosen.heads:
            encoder.heads[head].requires_grad_(requires_grad=True)
    optimiser = torch.optim.AdamW(_groups(encoder, chosen.rate), chosen.rate)
    encoder.train()
    mean = {name: values.detach().clone() for name, values in encoder.state_dict().items()}

    def epoch_batches() -> list[list[data.Window]]:
        drawn = [one for name, some in named.items() for one in chance.sample(some, min(_NAMES[name], len(some)))]
        events = [*told, *chance.sample(listed, some_listed)]
        read = list(data.windows(events, pieces, chance, varied=True))
        if not chosen.heads or "names" in chosen.heads:
            read += data.windows(drawn, pieces, chance, varied=True)
        return loop.batches(read, pieces=_PIECES, chance=chance)

    loop.run(
        encoder,
        optimiser,
        loop.Schedule(chosen.epochs, chosen.minutes, warm=_WARM, least=0.02, shown=20),
        epoch_batches=epoch_batches,
        loss_of=functools.partial(_loss, encoder, reduced=loop.reduced()),
        after_step=functools.partial(_draw, mean, encoder),
        save=lambda: torch.save(mean, chosen.out),
    )
    print("saved", chosen.out, flush=True)


@torch.no_grad()
def _draw(mean: dict[str, Tensor], encoder: nn.Module) -> None:
    """Move the running mean of the weights towards those of now."""
    for name, values in encoder.named_parameters():
        if values.requires_grad:
            mean[name].lerp_(values, _NEAR)


def _groups(encoder: nn.Module, rate: float) -> list[dict[str, object]]:
    body = [(name, one) for name, one in encoder.named_parameters() if one.requires_grad and not name.startswith("heads")]
    return [
        {"params": [one for _, one in body if one.dim() > 1], "weight_decay": 0.01},
        {"params": [one for _, one in body if one.dim() <= 1], "weight_decay": 0.0},
        {"params": [one for one in encoder.heads.parameters() if one.requires_grad], "lr": rate * 10, "weight_decay": 0.0},
    ]


def _loss(encoder: nn.Module, batch: list[data.Window], *, reduced: bool) -> Tensor:
    length = max(len(window.ids) for window in batch)

    def padded(name: str, value: object) -> Tensor:
        return torch.tensor([[*getattr(one, name), *[value] * (length - len(one.ids))] for one in batch])

    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced):
        said = {head: scores.float() for head, scores in encoder(padded("ids", model.PAD)).items()}
    total = torch.zeros(())
    for head in ("names", "events", "modalities"):
        gold = padded(head, data.UNKNOWN)
        if (gold != data.UNKNOWN).any():
            weight = torch.ones(labels.SIZES[head])
            if head == "events":
                weight[0] = _NO_EVENT
            total = total + labels.WEIGHTS[head] * functional.cross_entropy(
                said[head].flatten(0, 1), gold.flatten(), weight=weight, ignore_index=data.UNKNOWN
            )
    roles = padded("roles", (float(data.UNKNOWN),) * len(labels.ROLES))
    known = roles != data.UNKNOWN
    if known.any():
        total = total + labels.WEIGHTS["roles"] * functional.binary_cross_entropy_with_logits(said["roles"][known], roles[known])
    return total + labels.WEIGHTS["told"] * _told(said, batch, padded("sentences", data.UNKNOWN))


def _told(said: dict[str, Tensor], batch: list[data.Window], numbers: Tensor) -> Tensor:
    """The loss over sentences: what their words say together, each with its weight."""
    most = max(len(window.told) for window in batch)
    row = torch.arange(len(batch))[:, None] * most
    belongs = numbers != data.UNKNOWN
    at = (row + numbers)[belongs]
    weight = said["weighing"].squeeze(-1)[belongs].clamp(-HEAVIEST, HEAVIEST).exp()
    total = torch.zeros(len(batch) * most).index_add(0, at, weight)
    votes = torch.zeros(len(batch) * most, len(labels.TOLD)).index_add(0, at, said["told"][belongs] * weight[:, None])
    logits = votes / total.clamp_min(1e-6)[:, None]
    unknown = (float(data.UNKNOWN),) * len(labels.TOLD)
    gold = torch.tensor([one for window in batch for one in [*window.told, *[unknown] * (most - len(window.told))]])
    known = (gold != data.UNKNOWN) & (total > 0)[:, None]
    if not known.any():
        return torch.zeros(())
    return functional.binary_cross_entropy_with_logits(logits[known], gold[known])


if __name__ == "__main__":
    main()
