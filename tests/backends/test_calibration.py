"""Alphas: what is measured, and how one number comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backends.families import BEAM, SOURCES, compiled
from golden.golden_models import GoldenModel

from dragoman.backends.batch import Batch, SearchOptions
from dragoman.backends.reference import Workspace, run_plans
from dragoman.calibration import collect_alphas
from dragoman.errors import OptionsError
from dragoman.formats.model_file import read_parameters
from dragoman.formats.shortlist_binary import read_binary_shortlist
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind


def test_every_matrix_gets_an_alpha_and_equal_inputs_equal_ones() -> None:
    _, plan, file = compiled("transformer")
    alphas = collect_alphas(plan, bind(plan, file), SOURCES, options=BEAM)
    matrices = {name for name in file.parameters if ("_W" in name and "_ln_" not in name) or name == "Wemb"}
    assert set(alphas) == matrices | {"none"}
    assert alphas["none"] == alphas["Wemb"]
    for layer in ("encoder_l1_self", "encoder_l2_self", "decoder_l1_self"):
        assert alphas[f"{layer}_Wq"] == alphas[f"{layer}_Wk"] == alphas[f"{layer}_Wv"]
    assert alphas["decoder_l1_context_Wk"] == alphas["decoder_l2_context_Wv"]
    assert all(np.float32(alpha) == alpha for alpha in alphas.values())


def test_an_alpha_is_marians_formula_over_mini_batches() -> None:
    _, plan, file = compiled("ssru")
    slots, name = bind(plan, file), "encoder_l1_ffn_W2"
    maxima = []
    for batch in (SOURCES[:2], SOURCES[2:]):
        seen: list[float] = []

        def observe(weight: str, x: np.ndarray, seen: list[float] = seen) -> None:  # type: ignore[type-arg]
            if weight == name:
                seen.append(float(np.abs(x).max()))

        options = SearchOptions(group_tokens=1000)
        limits = [3 * len(ids) for ids in batch]
        run_plans([(plan, slots)], Workspace(), Batch.of(batch, limits), options, observer=observe)
        assert len(seen) == 1
        maxima += seen
    expected = 127 / (np.mean(maxima) + 1.1 * np.std(maxima))
    shuffled = [SOURCES[number] for number in (2, 0, 3, 1)]
    found = collect_alphas(plan, slots, shuffled, options=replace(BEAM, group_tokens=1), batch_size=2)
    assert found[name] == pytest.approx(expected, rel=1e-6)


def test_only_floats_are_measured_and_only_if_there_is_text() -> None:
    _, plan, file = compiled("ssru")
    with pytest.raises(OptionsError, match="sources"):
        collect_alphas(plan, bind(plan, file), [], options=BEAM)
    _, integers, file = compiled("ssru", Precision.INT8)
    with pytest.raises(OptionsError, match="precision"):
        collect_alphas(integers, bind(integers, file), SOURCES, options=BEAM)


def test_alphas_are_near_those_that_marian_stored(shared: Path) -> None:
    """Measured on other sentences of the same kind."""
    model = GoldenModel(shared / "models" / "ende-tiny-ssru", "model.npz", "en", "de")
    stored = read_parameters(model.folder / "model.intgemm.alphas.bin").alphas
    sources = model.encode(model.inputs(64))
    shortlist = read_binary_shortlist(model.folder / "lex.50.50.s2t.bin")
    size = model.vocabularies[1].size
    candidates = [shortlist.candidates(ids, shared_vocabulary=True, vocabulary_size=size) for ids in sources]
    found = collect_alphas(model.plan, model.slots, sources, options=SearchOptions(), candidates=candidates)
    assert set(found) == set(stored)
    ratios = np.array([found[name] / stored[name] for name in stored])
    assert ratios.min() > 0.85 and ratios.max() < 1.2 and abs(ratios.mean() - 1) < 0.1
