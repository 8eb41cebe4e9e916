"""Distil the encoder into its first layers: ``python -m training.encoder.distil DATA OUT.pt [--minutes 24]``.

The student keeps the embeddings of the bundled encoder (both engines share one file of them) and its first layers, and learns to
say of each word what the whole encoder says: over the corpus written for this project, the silver sentences and raw text, none of
which needs an annotation for that. DATA is the folder that holds ``ner/`` and ``raw/``.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from stream.entities import BUNDLED
from stream.entities.encoder import HEAVIEST, session
from stream.entities.pieces import Pieces
from training.encoder import data, labels, loop, model, sums

_CORPUS = Path(__file__).parents[1] / "corpus"
_PIECES = 2000
"""Pieces of a step, padding included."""
_WARM = 0.04
_TRIGGER = 4.0
"""What a word that the teacher takes for a trigger counts beside any other, beyond 1; of the others the modality counts nothing,
and whether they act only as far as they are names."""
_LANGUAGES = ("it", "en", "uk", "ru", "de", "fr", "es", "pl", "pt", "nl")
_WEIGHTS = labels.WEIGHTS | {"told": 0.05, "weighing": 0.2}
_ENDS = np.cumsum(list(labels.SIZES.values()))[:-1]


@dataclass(frozen=True)
class Lesson:
    """A window, and what the teacher says of it."""

    ids: list[int]
    words: list[bool]
    """Whether a piece is the first of a word, so that it counts."""
    logits: NDArray[np.float16]
    """Pieces by labels."""


def texts(folder: Path, chance: random.Random, *, silver: int, raw: int) -> list[data.Sentence]:
    """Sentences without annotation: of the corpus and the lexicons, `silver` of each silver file, and `raw` of each raw one."""
    found = [*data.of_corpus(_CORPUS, part="training"), *data.of_lexicons()]
    for language in _LANGUAGES:
        named = data.of_names(sums.checked(folder, f"ner/silver/silver_{language}.jsonl"))
        found += chance.sample(named, min(silver, len(named)))
        name = f"raw/wikipedia_{language}.txt"
        if name in sums.SUMS:
            lines = [line for line in sums.checked(folder, name).read_text("utf-8").splitlines() if line.strip()]
            found += [data.Sentence(line, None) for line in chance.sample(lines, min(raw, len(lines)))]
    return [data.Sentence(one.text, ()) for one in found]


def lessons(sentences: Sequence[data.Sentence], teacher: Path, chance: random.Random, *, threads: int) -> list[Lesson]:
    """What the teacher says of windows of some sentences."""
    graph = session(teacher / "accurate.int8.onnx")
    began = time.monotonic()

    def lesson(window: data.Window) -> Lesson:
        (logits,) = graph.run(None, {"ids": np.array([window.ids], dtype=np.int64)})
        return Lesson(window.ids, [label != data.UNKNOWN for label in window.names], logits[0].astype(np.float16))

    found = []
    with concurrent.futures.ThreadPoolExecutor(threads) as readers:
        for one in readers.map(lesson, data.windows(sentences, Pieces(BUNDLED), chance, varied=True)):
            found.append(one)
            if len(found) % 2000 == 0:
                print(f"{len(found)} windows read by the teacher, {(time.monotonic() - began) / 60:.1f} min", flush=True)
    return found


def main() -> None:
    """Teach, and save the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", type=Path, default=BUNDLED)
    parser.add_argument("--start", type=Path, help="weights to go on from, instead of the teacher's first layers")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--silver", type=int, default=800, help="silver sentences of each language")
    parser.add_argument("--raw", type=int, default=800, help="raw sentences of each language")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rate", type=float, default=4e-4)
    loop.add_arguments(parser)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(chosen.threads)
    chance = random.Random(chosen.seed)
    read = texts(chosen.data, chance, silver=chosen.silver, raw=chosen.raw)
    given = lessons(read, chosen.teacher, chance, threads=chosen.threads)
    print(f"{len(given)} windows, {sum(len(one.ids) for one in given)} pieces", flush=True)
    graph = onnx.load(chosen.teacher / "accurate.int8.onnx")
    student = model.from_service(graph, layers=tuple(range(chosen.layers)), dropout=0.0)
    if chosen.start:
        student.load_state_dict(torch.load(chosen.start, weights_only=True))
    student.word.requires_grad_(requires_grad=False)
    optimiser = torch.optim.AdamW([one for one in student.parameters() if one.requires_grad], chosen.rate, weight_decay=0.01)
    loop.run(
        student,
        optimiser,
        loop.Schedule(chosen.epochs, chosen.minutes, warm=_WARM, least=0.01, shown=50),
        epoch_batches=lambda: loop.batches(given, pieces=_PIECES, chance=chance),
        loss_of=functools.partial(_loss, student, reduced=loop.reduced()),
        after_step=lambda: None,
        save=lambda: torch.save(student.state_dict(), chosen.out),
    )
    print("saved", chosen.out, flush=True)


def _loss(student: nn.Module, batch: Sequence[Lesson], *, reduced: bool) -> Tensor:
    length = max(len(lesson.ids) for lesson in batch)
    ids = torch.tensor([[*lesson.ids, *[model.PAD] * (length - len(lesson.ids))] for lesson in batch])
    words = torch.tensor([[*lesson.words, *[False] * (length - len(lesson.ids))] for lesson in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced):
        said = {head: scores.float()[words] for head, scores in student(ids).items()}
    told = np.concatenate([lesson.logits[lesson.words] for lesson in batch]).astype(np.float32)
    split = zip(labels.SIZES, np.split(told, _ENDS, axis=1), strict=True)
    teacher = {head: torch.from_numpy(np.ascontiguousarray(scores)) for head, scores in split}
    name = 1 - teacher["names"].softmax(1)[:, 0]
    trigger = 1 - teacher["events"].softmax(1)[:, 0]
    counts = {"names": torch.ones_like(name), "events": 1 + _TRIGGER * trigger, "modalities": trigger, "roles": name}
    total = torch.zeros(())
    for head, taught in teacher.items():
        if head == "roles":
            each = functional.binary_cross_entropy_with_logits(said[head], taught.sigmoid(), reduction="none").mean(1)
            part = (each * counts[head]).sum() / counts[head].sum().clamp_min(1.0)
        elif head == "weighing":
            part = functional.mse_loss(said[head], taught)
        elif head == "told":  # a vote counts by its weight, which stands in the column after
            heavy = torch.from_numpy(told[:, -1:]).clamp(-HEAVIEST, HEAVIEST).exp()
            part = ((said[head] - taught) ** 2 * heavy).sum() / heavy.sum() / len(labels.TOLD)
        else:
            each = functional.kl_div(said[head].log_softmax(1), taught.log_softmax(1), reduction="none", log_target=True).sum(1)
            part = (each * counts[head]).sum() / (counts[head].sum().clamp_min(1.0) if head == "modalities" else len(each))
        total = total + _WEIGHTS[head] * part
    return total


if __name__ == "__main__":
    main()
