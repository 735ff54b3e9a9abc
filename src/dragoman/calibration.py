"""Activation multipliers (alphas) for a float model: what ``dragoman.formats.quantize.quantize`` takes to
make an int8 model of it.

Marian's way (marian-decoder --dump-quantmult, then scripts/alphas/extract_stats.py; marian-semantics 4.3):
translate a text of the model's domain, note max|x| of the input of every product, every time it runs, and
choose

    alpha = 127 / (mean(max|x|) + 1.1 * std(max|x|))

for each weight. The larger part of the inputs then fits into 8 bits, and the rare outliers are clamped. One
run of a product is one mini-batch in the encoder, one step of one mini-batch in the decoder. Products that
share an input (query, key and value) see the same numbers and get equal alphas, so that their input is
quantised once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.batch import Batch, SearchOptions, target_limit
from dragoman.backends.reference import Workspace, run_plans
from dragoman.backends.slots import BoundSlot
from dragoman.errors import OptionsError
from dragoman.planning.plan import Plan
from dragoman.planning.records import MatrixSlot, Precision, TableSlot

__all__ = ["collect_alphas"]

_DEVIATIONS = 1.1
_TOP = 127.0


def collect_alphas(
    plan: Plan,
    slots: Sequence[BoundSlot],
    sources: Sequence[Sequence[int]],
    *,
    options: SearchOptions,
    max_length_factor: float = 3.0,
    batch_size: int = 32,
    candidates: Sequence[NDArray[np.int32]] | None = None,
) -> dict[str, float]:
    """Translate a text greedily in float32 and choose the alpha of every weight.

    Args:
        plan: compiled for `Precision.FLOAT32`.
        slots: the model bound to it.
        sources: ids of each sentence, EOS included; some hundred sentences of the model's domain.
        options: for the vocabulary's EOS and unk; beam size and grouping are set here.
        max_length_factor: limit of a translation, in lengths of its source.
        batch_size: sentences in a mini-batch; Marian's script uses 32, sorted by length.
        candidates: allowed target ids of each sentence, where the model will run with a shortlist.

    Returns:
        alpha by name of the weight, float32 numbers, and Marian's ``none``: a copy of the output layer's.

    Raises:
        OptionsError: the plan is not for float32, or there is nothing to translate.
    """
    weighted = [slot for slot in plan.slots if isinstance(slot, MatrixSlot | TableSlot)]
    if any(slot.precision is not Precision.FLOAT32 for slot in weighted):
        raise OptionsError("precision", "int8", "float32: activations are measured before they are quantised")
    if not sources:
        raise OptionsError("sources", 0, "at least one sentence")
    largest: dict[str, list[float]] = defaultdict(list)

    def observe(name: str, x: NDArray[np.float32]) -> None:
        largest[name].append(float(np.abs(x).max()))

    workspace = Workspace()
    order = sorted(range(len(sources)), key=lambda number: -len(sources[number]))
    for start in range(0, len(order), batch_size):
        numbers = order[start : start + batch_size]
        batch = Batch.of(
            [sources[number] for number in numbers],
            [target_limit(len(sources[number]), max_length_factor) for number in numbers],
            candidates=None if candidates is None else [candidates[number] for number in numbers],
        )
        greedy = SearchOptions(
            eos_id=options.eos_id,
            unk_id=options.unk_id,
            allow_unk=options.allow_unk,
            skip_cost=True,
            group_tokens=len(batch.source),  # the whole mini-batch is one run of the encoder
        )
        run_plans([(plan, slots)], workspace, batch, greedy, observer=observe)
    alphas = {name: _alpha(values) for name, values in sorted(largest.items())}
    for slot in weighted:
        if isinstance(slot, TableSlot) and slot.logits:
            alphas["none"] = alphas[slot.parameter]
    return alphas


def _alpha(largest: Sequence[float]) -> float:
    """From the maxima of all runs; for an input that was always zero any will do."""
    reach = np.float32(np.mean(largest) + _DEVIATIONS * np.std(largest))
    return float(np.float32(_TOP) / reach) if reach > 0 else _TOP
