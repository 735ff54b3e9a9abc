"""How much scratch memory a worker needs for many real sentences."""

from __future__ import annotations

from pathlib import Path

import pytest
from native_models import Case, model_of

from dragoman import _native
from dragoman.backends.native import native_options
from dragoman.run.batching import Segment, make_batch, make_batches
from dragoman.run.flights import search_options


@pytest.mark.parametrize(("sentences", "tokens"), [(64, 2048), (256, 8192)], ids=["service", "translator"])
@pytest.mark.parametrize("beam_size", [1, 4])
def test_a_tiny_model_needs_four_megabytes(shared: Path, sentences: int, tokens: int, beam_size: int) -> None:
    """Decision 0015. Beams have more rows, and paths of every sentence."""
    case = Case("ende-tiny-ssru", "en", "de", int8=True, shortlist=True)
    model = model_of(shared, case)
    options = model.defaults.replace(beam_size=beam_size, alignment=None)
    segments = [Segment(model.pieces.finish(ids)) for ids in model.pieces.encode(case.lines(shared, 1000))]
    workspace = _native.Workspace(4096, 1 << 30)
    needs = []
    for numbers in make_batches([len(one.ids) for one in segments], max_sentences=sentences, max_tokens=tokens):
        batch = make_batch([segments[number] for number in numbers], options.max_length_factor)
        call = _native.Call(
            [(model.weights.ready().placed.native, 1.0)], model.placed_shortlist,
            batch.source, batch.offsets, batch.limits, None, None, native_options(search_options(model, options, 1)),
        )  # fmt: skip
        needs.append(call.need(workspace))
    assert max(needs) <= (4_000_000 if beam_size == 1 else 5_000_000)
