"""What the trainings of the encoder and of its student have in common: their batches, and the loop over them."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn


class Window(Protocol):
    """Something that is read at once."""

    @property
    def ids(self) -> list[int]:
        """Of its pieces."""


W = TypeVar("W", bound=Window)


@dataclass(frozen=True)
class Schedule:
    """How long to train, and how the rate goes up and down."""

    epochs: int
    minutes: float
    warm: float
    """Share of the training in which the rate rises."""
    least: float
    """Share of the rate that is left at the end."""
    shown: int
    """Steps between two lines of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What both trainings may be told."""
    parser.add_argument("--minutes", type=float, default=1e9, help="stop, with the rate going down, after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="no more than cores that nobody else uses: each waits for all")


def reduced() -> bool:
    """Whether matrices are multiplied faster in bfloat16 here: on processors with instructions for it."""
    taken = {}
    for kind in (torch.float32, torch.bfloat16):
        one = torch.ones(512, 512, dtype=kind)
        one @ one
        began = time.monotonic()
        for _ in range(8):
            one @ one
        taken[kind] = time.monotonic() - began
    return taken[torch.bfloat16] < taken[torch.float32]


def batches(read: Sequence[W], *, pieces: int, chance: random.Random) -> list[list[W]]:
    """Windows of like length together, at most so many pieces in each batch, padding included; in a random order."""
    found: list[list[W]] = [[]]
    for window in sorted(read, key=lambda window: (len(window.ids), chance.random())):
        if found[-1] and (len(found[-1]) + 1) * len(window.ids) > pieces:
            found.append([])
        found[-1].append(window)
    chance.shuffle(found)
    return found


def run(
    trained: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    *,
    epoch_batches: Callable[[], list[list[W]]],
    loss_of: Callable[[list[W]], Tensor],
    after_step: Callable[[], None],
    save: Callable[[], None],
) -> None:
    """Train; `save` is called after every epoch, `after_step` after every step."""
    rates = [group["lr"] for group in optimiser.param_groups]
    began = time.monotonic()
    step, running = 0, 0.0
    for epoch in range(schedule.epochs):
        drawn = epoch_batches()
        for number, batch in enumerate(drawn):
            done = max((epoch + number / len(drawn)) / schedule.epochs, (time.monotonic() - began) / 60 / schedule.minutes)
            if done >= 1:
                save()
                return
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * min(1.0, done / schedule.warm + 0.01) * max(schedule.least, 1 - done)
            loss = loss_of(batch)
            loss.backward()
            nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            after_step()
            running = 0.98 * running + 0.02 * loss.item() if step else loss.item()
            step += 1
            if step % schedule.shown == 0:
                print(f"epoch {epoch} step {step} loss {running:.4f} {(time.monotonic() - began) / 60:.1f} min", flush=True)
        save()
