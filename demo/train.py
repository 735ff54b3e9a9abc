"""Training one direction on the CPU: the schedule, Adam, the average that is kept, and going on after a stop."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from batches import Batch, Batches
from loss import Candidates, OutputCost
from mixture import Sources
from network import Network, save
from torch import Tensor
from torch.nn import functional

_log = logging.getLogger("demo")


@dataclass(frozen=True)
class Recipe:
    """How to train; the keys of ``training`` in train.yml, and those of the direction.

    Attributes:
        learn_rate: at the end of the warm-up; falls in a straight line to 0 at the end.
        updates: how many steps.
        guide: weight of the alignment cost.
        smoothing: weight of the newest parameters in the running average, which is what is saved.
    """

    learn_rate: float
    updates: int
    label_smoothing: float
    guide: float
    smoothing: float
    clip_norm: float
    betas: tuple[float, float]
    epsilon: float
    warmup_updates: int
    seed: int


def cost(
    network: Network, batch: Batch, label_smoothing: float = 0.0, *, guided: bool = False, sampled: bool = False
) -> tuple[Tensor, Tensor]:
    """Sum of the cross entropy of the real target positions, in nats; and of that of the guided head's links.

    Args:
        guided: look at the links; else their cost is 0.
        sampled: estimate the entropy with a sample of the pieces.
    """
    with torch.autocast("cpu", torch.bfloat16):
        states, looks = network(batch.source, batch.target)
    weights, bias = network.output()
    targets = batch.target[batch.real]
    if sampled:
        some = Candidates.draw(targets, len(bias))
        weights, bias, targets = weights[some.ids], bias[some.ids] + some.offsets, some.places
    entropy: Tensor = OutputCost.apply(  # type: ignore[no-untyped-call]
        states[batch.real], weights, bias, targets, label_smoothing
    )
    if not guided:
        return entropy, torch.zeros(())
    links = functional.cross_entropy(looks.flatten(0, 1), batch.links.flatten(), ignore_index=-1, reduction="sum")
    return entropy, links


@torch.no_grad()
def evaluate(network: Network, parameters: dict[str, Tensor], batches: list[Batch]) -> float:
    """Cross entropy a target piece, in nats, with these parameters instead of the network's own."""
    own = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}
    network.load_state_dict(parameters)
    network.eval()
    total = sum(float(cost(network, batch)[0]) for batch in batches)
    network.train()
    network.load_state_dict(own)
    return total / sum(int(batch.real.sum()) for batch in batches)


class Training:
    """The state of a training, which can be laid down in a file and taken up again. One owner."""

    def __init__(self, network: Network, recipe: Recipe, checkpoint: Path) -> None:
        self.network = network
        self._recipe = recipe
        self._checkpoint = checkpoint
        self._parameters = dict(network.named_parameters())
        self._average = {name: tensor.detach().clone() for name, tensor in self._parameters.items()}
        self._adam = torch.optim.Adam(self._parameters.values(), betas=recipe.betas, eps=recipe.epsilon, fused=True)
        self._update, self._epoch, self._used = 0, 0, 0.0
        if checkpoint.exists():
            self._take_up()

    def run(self, sources: Sources, batches: Batches, dev: list[Batch], path: Path, *, minutes: float | None) -> None:
        """Train to the end, and write the average to ``path`` after every epoch.

        Args:
            minutes: an end that may come before the recipe's updates; the learning rate falls towards whichever is
                nearer. A training that ends by the clock cannot be repeated exactly.
        """
        torch.manual_seed(self._recipe.seed + self._epoch)
        progress = 0.0
        while progress < 1:
            self._epoch += 1
            started = time.monotonic()
            seen = pieces = 0.0
            for batch in batches.of(sources.epoch(self._recipe.seed + self._epoch), seed=self._epoch):
                before = time.monotonic()
                progress = self._update / self._recipe.updates
                if minutes:
                    progress = max(progress, self._used / 60 / minutes)
                if progress >= 1:
                    break
                seen += self._step(batch, 1 - progress)
                pieces += float(batch.real.sum())
                self._used += time.monotonic() - before
            save(self.network, self._average, path)
            self._lay_down()
            _log.info(
                "epoch %d, update %d: cost %.4f, dev %.4f, %.0f s, %.0f %% done",
                self._epoch, self._update, seen / max(pieces, 1), evaluate(self.network, self._average, dev),
                time.monotonic() - started, 100 * progress,
            )  # fmt: skip

    def _step(self, batch: Batch, remaining: float) -> float:
        recipe = self._recipe
        self._update += 1
        rate = recipe.learn_rate * remaining * min(1.0, self._update / recipe.warmup_updates)
        self._adam.param_groups[0]["lr"] = rate
        self._adam.zero_grad()
        entropy, links = cost(self.network, batch, recipe.label_smoothing, guided=True, sampled=True)
        count = batch.real.sum()
        torch.autograd.backward((entropy + recipe.guide * links) / count)
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), recipe.clip_norm)
        self._adam.step()
        # At the start a wider step, so that the first, poor parameters are soon forgotten.
        weight = max(recipe.smoothing, 1 / (self._update + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self._average.values()), list(self._parameters.values()), weight)
        return float(entropy.detach())

    def _lay_down(self) -> None:
        state = {
            "network": self.network.state_dict(), "average": self._average, "adam": self._adam.state_dict(),
            "update": self._update, "epoch": self._epoch, "used": self._used,
        }  # fmt: skip
        temporary = self._checkpoint.with_suffix(".part")
        torch.save(state, temporary)
        os.replace(temporary, self._checkpoint)

    def _take_up(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        self.network.load_state_dict(state["network"])
        self._average = state["average"]
        self._adam.load_state_dict(state["adam"])
        self._update, self._epoch, self._used = state["update"], state["epoch"], state["used"]
