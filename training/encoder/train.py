"""Fine-tune the bundled encoder further, on names and events together.

``python -m training.encoder.train DATA OUT.pt [--minutes 24]``; DATA is the folder that holds ``ner/``. What comes out is the
mean of the weights over the last hundreds of steps. Needs the packages of ``requirements/train.txt`` beside those of the service.
A part of what it reads are sentences with names alone, so that it forgets none.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from stream.entities import BUNDLED
from stream.entities.pieces import Pieces
from training.encoder import data, labels, model, sums

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
_PIECES = 1600
"""Pieces of a step, padding included."""
_WARM = 0.06
_NEAR = 0.01
"""What the weights of a step count in their mean: some hundred steps do."""
_FROZEN = 4
"""Layers that keep what they know; the embeddings do too."""
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
    parser.add_argument("--start", type=Path, help="weights to go on from instead")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop, with the rate going down, after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="no more than cores that nobody else uses: each waits for all")
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(chosen.threads)
    chance = random.Random(chosen.seed)
    pieces = Pieces(BUNDLED)
    encoder = model.from_service(onnx.load(chosen.encoder / "accurate.int8.onnx"))
    told = [*data.of_corpus(_CORPUS, part="training"), *data.of_lexicons()]
    named = {name: data.of_names(sums.checked(chosen.data, f"ner/{name}.jsonl")) for name in _NAMES}
    print(f"{len(told)} sentences with events, {sum(_NAMES.values())} with names an epoch", flush=True)
    if chosen.start:
        encoder.load_state_dict(torch.load(chosen.start, weights_only=True))
    for frozen in (encoder.word, encoder.places, encoder.eln, *encoder.layers[:_FROZEN]):
        frozen.requires_grad_(requires_grad=False)
    optimiser = torch.optim.AdamW(_groups(encoder, chosen.rate), chosen.rate)
    rates = [group["lr"] for group in optimiser.param_groups]
    began = time.monotonic()
    encoder.train()
    step, running = 0, 0.0
    mean = {name: values.detach().clone() for name, values in encoder.state_dict().items()}
    for epoch in range(chosen.epochs):
        drawn = [one for name, some in named.items() for one in chance.sample(some, min(_NAMES[name], len(some)))]
        read = [*data.windows(told, pieces, chance), *data.windows(drawn, pieces, chance)]
        batches = _batches(read, chance)
        for number, batch in enumerate(batches):
            done = max((epoch + number / len(batches)) / chosen.epochs, (time.monotonic() - began) / 60 / chosen.minutes)
            if done >= 1:
                break
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * min(1.0, done / _WARM + 0.01) * max(0.02, 1 - done)
            loss = _loss(encoder, batch)
            loss.backward()
            nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            _draw(mean, encoder)
            running = 0.98 * running + 0.02 * loss.item() if step else loss.item()
            step += 1
            if step % 20 == 0:
                print(f"epoch {epoch} step {step} loss {running:.4f} {(time.monotonic() - began) / 60:.1f} min", flush=True)
        torch.save(mean, chosen.out)
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
        {"params": list(encoder.heads.parameters()), "lr": rate * 10, "weight_decay": 0.0},
    ]


def _batches(read: list[data.Window], chance: random.Random) -> list[list[data.Window]]:
    read = sorted(read, key=lambda window: (len(window.ids), chance.random()))
    batches: list[list[data.Window]] = [[]]
    for window in read:
        if batches[-1] and (len(batches[-1]) + 1) * len(window.ids) > _PIECES:
            batches.append([])
        batches[-1].append(window)
    chance.shuffle(batches)
    return batches


def _loss(encoder: nn.Module, batch: list[data.Window]) -> Tensor:
    length = max(len(window.ids) for window in batch)

    def padded(name: str, value: object) -> Tensor:
        return torch.tensor([[*getattr(one, name), *[value] * (length - len(one.ids))] for one in batch])

    with torch.autocast("cpu", dtype=torch.bfloat16):  # eight times as fast on processors that have matrix instructions
        said = {head: scores.float() for head, scores in encoder(padded("ids", model.PAD)).items()}
    total = torch.zeros(())
    for head in ("names", "events", "modalities"):
        gold = padded(head, data.UNKNOWN)
        if (gold != data.UNKNOWN).any():
            weight = torch.ones(labels.SIZES[head])
            if head == "events":
                weight[0] = _NO_EVENT
            total = total + _WEIGHTS[head] * functional.cross_entropy(
                said[head].flatten(0, 1), gold.flatten(), weight=weight, ignore_index=data.UNKNOWN
            )
    roles = padded("roles", (float(data.UNKNOWN),) * len(labels.ROLES))
    known = roles != data.UNKNOWN
    if known.any():
        total = total + _WEIGHTS["roles"] * functional.binary_cross_entropy_with_logits(said["roles"][known], roles[known])
    return total


_WEIGHTS = {"names": 1.0, "events": 1.5, "modalities": 0.3, "roles": 0.3}

if __name__ == "__main__":
    main()
