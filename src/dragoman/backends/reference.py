"""The reference back end: plans run with NumPy, written to be read. The oracle for the native engine.

The workspace is filled with NaN before every batch, and all values lie where the plan puts them: a plan whose
layout is wrong gives wrong numbers here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.protocol import Batch, RawHypothesis, SearchOptions, batch_extents
from dragoman.backends.reference_frame import Observer
from dragoman.backends.reference_interpreter import Interpreter
from dragoman.backends.reference_search import search
from dragoman.errors import OptionsError
from dragoman.planning.plan import Plan
from dragoman.weights.bind import BoundSlot, vocabulary_size

__all__ = ["ReferenceBackend", "Workspace"]


class Workspace:
    """Scratch memory that grows to the largest batch so far."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def reserve(self, size: int) -> NDArray[np.uint8]:
        """At least ``size`` bytes, all 0xFF (NaN as floats). Earlier results of this method are void."""
        if size > len(self._bytes):
            self._bytes = bytearray(size)
        memory = np.frombuffer(self._bytes, np.uint8)
        memory.fill(0xFF)
        return memory


@dataclass(frozen=True)
class ReferenceBackend:
    """A `dragoman.backends.protocol.Backend` whose weights are the bound slots themselves.

    Attributes:
        observer: told of the input of each float product; for calibration.
    """

    observer: Observer | None = None

    def run(
        self,
        models: Sequence[tuple[Plan, Sequence[BoundSlot]]],
        workspace: Workspace,
        batch: Batch,
        options: SearchOptions,
    ) -> list[list[RawHypothesis]]:
        """See the protocol. Raises OptionsError if the models cannot be an ensemble."""
        sizes = {vocabulary_size(plan, slots) for plan, slots in models}
        if len(sizes) != 1:
            raise OptionsError("models", sorted(sizes), "one or more with target vocabularies of one size")
        if options.weights and len(options.weights) != len(models):
            raise OptionsError("weights", options.weights, f"{len(models)} numbers, one for each model")
        extents = batch_extents(batch, options, sizes.pop())
        needs = [plan.offsets(extents)[1] for plan, _ in models]
        memory = workspace.reserve(sum(needs))
        ends = np.cumsum(needs)
        interpreters = [
            Interpreter(plan, slots, batch, extents, memory[end - need : end], self.observer)
            for (plan, slots), need, end in zip(models, needs, ends, strict=True)
        ]
        for interpreter in interpreters:
            interpreter.encode(options.group_tokens)
        return search(interpreters, batch, options)
