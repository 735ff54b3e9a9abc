"""Training one direction on the CPU: batches, the schedule, Adam, and the average that is kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from data import Pairs
from network import Network, save
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from torch.nn import functional

EOS = 0
_log = logging.getLogger("demo")


@dataclass(frozen=True)
class Recipe:
    """How to train; the keys of ``training`` in train.yml, and those of the direction.

    Attributes:
        learn_rate: at the end of the warm-up; falls in a straight line to 0 at the end.
        epochs: passes over the training pairs.
        batch_words: target positions of a batch (sentences times longest target), at most.
        max_length: pieces of a sentence that are used, without EOS.
        smoothing: weight of the newest parameters in the running average, which is what is saved.
    """

    learn_rate: float
    epochs: int
    batch_words: int
    max_length: int
    dropout: float
    label_smoothing: float
    smoothing: float
    clip_norm: float
    betas: tuple[float, float]
    epsilon: float
    warmup_updates: int
    seed: int


@dataclass(frozen=True)
class Batch:
    """Sentences of one source length; ``real`` marks the target positions up to EOS.

    Shapes: source [B, S] int64, target [B, T] int64, real [B, T] bool.
    """

    source: torch.Tensor
    target: torch.Tensor
    real: torch.Tensor


class Batches:
    """Encoded pairs, grouped by source length so that the encoder needs no padding and no mask."""

    def __init__(self, pairs: Pairs, vocabulary: SentencePieceProcessor, recipe: Recipe) -> None:
        self._sources = [[*ids[: recipe.max_length], EOS] for ids in vocabulary.encode(pairs.sources)]
        self._targets = [[*ids[: recipe.max_length], EOS] for ids in vocabulary.encode(pairs.targets)]
        self._words = recipe.batch_words
        self._random = np.random.default_rng(recipe.seed)

    def epoch(self) -> Iterator[Batch]:
        """All pairs once: in a new order, and with new neighbours among those of the same two lengths."""
        groups = self._groups()
        for group in self._random.permutation(len(groups)):
            yield self._batch(groups[group])

    def count(self) -> int:
        """Batches of an epoch."""
        return len(self._groups())

    def _groups(self) -> list[NDArray[np.int64]]:
        source = np.array([len(ids) for ids in self._sources])
        target = np.array([len(ids) for ids in self._targets])
        order = np.lexsort((self._random.random(len(source)), target, source))
        groups, start = [], 0
        for end in range(1, len(order) + 1):
            # Targets only get longer within one source length, so the newest one decides the width.
            full = end < len(order) and (end + 1 - start) * target[order[end]] > self._words
            if end == len(order) or full or source[order[end]] != source[order[start]]:
                groups.append(order[start:end])
                start = end
        return groups

    def _batch(self, rows: NDArray[np.int64]) -> Batch:
        width = max(len(self._targets[row]) for row in rows)
        target = torch.full((len(rows), width), EOS)
        real = torch.zeros((len(rows), width), dtype=torch.bool)
        for k, row in enumerate(rows):
            ids = self._targets[row]
            target[k, : len(ids)] = torch.tensor(ids)
            real[k, : len(ids)] = True
        return Batch(torch.tensor([self._sources[row] for row in rows]), target, real)


def cost(network: Network, batch: Batch, label_smoothing: float) -> torch.Tensor:
    """Mean cross entropy of the real target positions, in nats."""
    # Products in bfloat16: several times faster where the CPU has AMX, and no worse for models of this size.
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(batch.source, batch.target)
    return functional.cross_entropy(
        logits[batch.real].float(), batch.target[batch.real], label_smoothing=label_smoothing
    )


@torch.no_grad()
def evaluate(network: Network, parameters: dict[str, torch.Tensor], batches: Batches) -> float:
    """Cross entropy a target piece, in nats, with these parameters instead of the network's own."""
    own = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}
    network.load_state_dict(parameters)
    network.eval()
    total, pieces = 0.0, 0
    for batch in batches.epoch():
        count = int(batch.real.sum())
        total += count * cost(network, batch, 0.0).item()
        pieces += count
    network.train()
    network.load_state_dict(own)
    return total / pieces


def train(network: Network, batches: Batches, dev: Batches, recipe: Recipe, path: Path) -> None:
    """Train, and save the average after every epoch.

    The last average is the best: the falling learning rate makes the parameters settle, and at this size and
    number of epochs the cost on the dev set still falls to the end.
    """
    torch.manual_seed(recipe.seed)
    parameters = dict(network.named_parameters())
    average = {name: tensor.detach().clone() for name, tensor in parameters.items()}
    adam = torch.optim.Adam(parameters.values(), betas=recipe.betas, eps=recipe.epsilon, fused=True)
    updates_per_epoch = batches.count()
    update = 0
    for epoch in range(1, recipe.epochs + 1):
        started, seen = time.monotonic(), 0.0
        for batch in batches.epoch():
            progress = min(1.0, update / (updates_per_epoch * recipe.epochs))
            update += 1
            adam.param_groups[0]["lr"] = (
                recipe.learn_rate * (1 - progress) * min(1.0, update / recipe.warmup_updates)
            )
            adam.zero_grad()
            loss = cost(network, batch, recipe.label_smoothing)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(parameters.values(), recipe.clip_norm)
            adam.step()
            # At the start a wider step, so that the first, poor parameters are soon forgotten.
            weight = max(recipe.smoothing, 1 / (update + 10))
            with torch.no_grad():
                for name, tensor in parameters.items():
                    average[name].lerp_(tensor, weight)
            seen += loss.item()
        save(network, average, path)
        _log.info(
            "epoch %d: cost %.4f, dev %.4f, %.0f s",
            epoch,
            seen / updates_per_epoch,
            evaluate(network, average, dev),
            time.monotonic() - started,
        )
