"""The native back end: hands a batch to the C++ core, one call a batch, without the GIL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dragoman import _native
from dragoman.backends.protocol import Batch, RawHypothesis, SearchOptions
from dragoman.weights.weights import Weights, native_plan_of

if TYPE_CHECKING:
    from dragoman.planning.plan import Plan

__all__ = ["native_options", "native_plan", "run"]

def native_plan(plan: Plan) -> Any:
    """The validated native form of a plan, one for all models of an architecture."""
    return native_plan_of(_native.Plan(plan).image())


def native_options(options: SearchOptions, *, scores: bool = True) -> Any:
    """``scores``: False lets greedy search leave path scores at 0."""
    native = _native.SearchOptions()
    native.beam_size = options.beam_size
    native.normalize = options.normalize
    native.word_penalty = options.word_penalty
    native.eos = options.eos_id
    native.unk = options.unk_id
    native.allow_unk = options.allow_unk
    native.n_best = options.n_best
    native.alignment = options.alignment
    native.skip_cost = options.skip_cost
    native.group_tokens = options.group_tokens
    native.scores = scores
    return native


def run(
    models: Sequence[Weights],
    workspace: Any,
    batch: Batch,
    options: SearchOptions,
    *,
    shortlist: Any = None,
    stop: Any = None,
    scores: bool = True,
) -> list[list[RawHypothesis]] | None:
    """Translate one batch with one model, or an ensemble.

    Args:
        models: prepared weights; alignments come from the first.
        workspace: a ``_native.Workspace``; grows if the batch needs more than it has, up to its limit.
        batch: ``candidates`` are not used: the native core makes them from ``shortlist``.
        options: how to search.
        shortlist: a ``_native.Shortlist``, or None for the whole vocabulary.
        stop: a ``_native.StopFlag`` that ends the batch early.
        scores: False lets greedy search skip scores.

    Returns:
        For each sentence its hypotheses, best first; None if stopped.

    Raises:
        WorkspaceError: the batch needs more than the workspace's limit.
        WeightsError: the file of a model's weights was damaged meanwhile; the next run finds it whole.
    """
    weights = options.weights or (1.0,) * len(models)
    members = [(model.ready(), weight) for model, weight in zip(models, weights, strict=True)]
    call = _native.Call(
        members,
        shortlist,
        batch.source,
        batch.offsets,
        batch.limits,
        None if batch.prefix_offsets is None else batch.prefix,
        batch.prefix_offsets,
        native_options(options, scores=scores),
    )
    if not call.run(workspace, stop if stop is not None else _native.StopFlag()):
        return None
    for model, (native, _) in zip(models, members, strict=True):
        model.check(native)
    found = call.results()
    return [[_hypothesis(raw, options) for raw in sentence] for sentence in found]


def _hypothesis(raw: tuple[Any, ...], options: SearchOptions) -> RawHypothesis:
    ids, path_scores, alignment, path_score, score, model_scores = raw
    word_scores = None
    if options.word_scores:
        import numpy as np

        word_scores = np.diff(np.frombuffer(path_scores, np.float32), prepend=np.float32(0))
    return RawHypothesis(memoryview(ids).cast("i"), path_score, score, word_scores, alignment, model_scores)
