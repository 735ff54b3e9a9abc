"""Another back end under the same callers: the reference translates where the native one does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_tools import TEXTS

from dragoman import DecodingOptions, Fleet, OptionsError, Service, Translation, Translator, WorkspaceError, load
from dragoman.run.profiling import profile

MODELS = ("m0", "m1", "m2")


@pytest.fixture(scope="module")
def both(folders: Path) -> Iterator[Service]:
    """Each model twice, by both back ends, on two workers."""
    with Fleet() as fleet:
        for name in MODELS:
            for backend in ("native", "reference"):
                fleet.add(f"{name}-{backend}", folders / name, backend=backend)
        with Service(fleet, workers=2) as service:
            yield service


def test_the_same_translations_side_by_side(both: Service) -> None:
    asked = {
        (name, backend): both.submit(TEXTS[:12], model=f"{name}-{backend}")
        for name in MODELS
        for backend in ("native", "reference")
    }
    for name in MODELS:
        native, reference = (asked[name, backend].result(60) for backend in ("native", "reference"))
        assert [one.text for one in native] == [one.text for one in reference]
        for one, other in zip(native, reference, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-3)


def test_beams_alignments_and_routes(both: Service) -> None:
    options = {"beam_size": 3, "n_best": 2, "alignment": "soft", "word_scores": True}
    found = [
        both.translate(TEXTS[0], model=f"m0-{backend}", **options)  # type: ignore[arg-type]
        for backend in ("native", "reference")
    ]
    first, second = found
    assert [one.tokens for one in first.n_best] == [one.tokens for one in second.n_best]
    assert first.word_scores == pytest.approx(second.word_scores, abs=1e-3)
    mixed = both.translate(TEXTS[:4], route=("m0-native", "m1-reference"))
    plain = both.translate(TEXTS[:4], route=("m0-native", "m1-native"))
    assert [one.text for one in mixed] == [one.text for one in plain]


def test_memory_and_ends_are_the_same(both: Service) -> None:
    both.translate(TEXTS[:2], model="m0-reference")
    rows = {model.name: model for model in both.memory().models}
    assert rows["m0-reference"].resident_bytes > 0
    waiting = both.submit(TEXTS * 40, model="m2-reference")
    waiting.cancel()
    assert both.drain(30)


def test_a_translator_and_its_limits(folders: Path) -> None:
    reference, native = load(folders / "m0", backend="reference"), load(folders / "m0")
    with Translator(reference) as translator, Translator(native) as other:
        found, expected = translator.translate(TEXTS[:6]), other.translate(TEXTS[:6])
        assert [one.text for one in found] == [one.text for one in expected]
        assert isinstance(found[0], Translation)
    with Translator(reference, workspace_limit=4096) as translator, pytest.raises(WorkspaceError, match="4096"):
        translator.translate(TEXTS[0])
    with pytest.raises(OptionsError, match="model"):
        Translator([reference, native])
    with pytest.raises(OptionsError, match="native, reference"):
        load(folders / "m0", backend="cuda")  # type: ignore[arg-type]


def test_measured_alike(folders: Path) -> None:
    costs = {
        backend: profile(load(folders / "m0", backend=backend), TEXTS[:4], batch_sentences=4, options=DecodingOptions())
        for backend in ("native", "reference")
    }
    native, reference = costs["native"].costs, costs["reference"].costs
    assert [one.name for one in native] == [one.name for one in reference]
    products = [(one.rows, other.rows) for one, other in zip(native, reference, strict=True) if one.operations]
    assert products and all(one > 0 and other > 0 for one, other in products)
    assert costs["reference"].seconds > 0 and costs["reference"].peak_float > 0
