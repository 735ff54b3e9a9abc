"""The same text gives the same translation, bit by bit: alone, in any batch and order, on any number of workers, in a
workspace that another architecture used before, on every instruction set."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from native_models import Case, model_of, run_model

from dragoman import _native
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions, target_limit
from dragoman.model import Model, load
from dragoman.run.translator import Translator

FLOAT32 = [
    Case("ende-tiny-ssru", "en", "de"),
    Case("deen-tiny-ssru", "de", "en", shortlist=True),
    Case("enfr-selfattn", "en", "fr"),
    Case("enfr-s2s", "en", "fr"),
    Case("csen-untied", "cs", "en"),
]
INT8 = [
    Case("ende-tiny-ssru", "en", "de", int8=True),
    Case("deen-tiny-ssru", "de", "en", int8=True, shortlist=True),
]
OPTIONS = [SearchOptions(normalize=1.0), SearchOptions(beam_size=3, n_best=3, normalize=0.6, alignment=True)]
Result = list[RawHypothesis]


def quantised_at_load(shared: Path, case: Case) -> Model:
    """A float model with its products in int8, each activation row by its own maximum."""
    return load(model_of(shared, case).files.model, precision="int8")


def digest(result: Result) -> str:
    """All bits of a sentence's hypotheses."""
    content = hashlib.sha256()
    for raw in result:
        content.update(raw.ids.tobytes() + np.array([raw.path_score, raw.score], np.float64).tobytes())
        content.update(b"" if raw.alignment is None else raw.alignment.tobytes())
    return content.hexdigest()


def run(model: Model, workspace: object, sources: list[list[int]], options: SearchOptions) -> list[Result]:
    """Translate one batch, given in any order, in a workspace full of garbage."""
    order = sorted(range(len(sources)), key=lambda number: -len(sources[number]))
    limits = [target_limit(len(sources[number]), 2.0) for number in order]
    batch = Batch.of([sources[number] for number in order], limits)
    workspace.poison()  # type: ignore[attr-defined]
    found = run_model(model, workspace, batch, options)
    by_number = dict(zip(order, found, strict=True))
    return [by_number[number] for number in range(len(sources))]


def sources_of(shared: Path, model: Model, case: Case, count: int) -> list[list[int]]:
    lines = case.lines(shared, 1000)[:count]
    return [model.pieces.finish(ids) for ids in model.pieces.encode(lines)]


@pytest.mark.parametrize("options", OPTIONS, ids=["greedy", "beam"])
@pytest.mark.parametrize("case", FLOAT32 + INT8, ids=str)
def test_alone_and_in_random_batches(shared: Path, case: Case, options: SearchOptions) -> None:
    check_batches(shared, model_of(shared, case), case, options)


@pytest.mark.parametrize("case", [FLOAT32[2], FLOAT32[3], FLOAT32[4]], ids=str)
def test_quantised_at_load(shared: Path, case: Case) -> None:
    check_batches(shared, quantised_at_load(shared, case), case, OPTIONS[0])


def check_batches(shared: Path, model: Model, case: Case, options: SearchOptions) -> None:
    count = 96 if options.beam_size == 1 else 40
    sources = sources_of(shared, model, case, count)
    workspace = _native.Workspace(1 << 20, 1 << 32)
    alone = [digest(run(model, workspace, [source], options)[0]) for source in sources]
    rng = np.random.default_rng(11)
    for _ in range(3):
        order = rng.permutation(count).tolist()
        while order:
            size = int(rng.integers(2, 65))
            taken, order = order[:size], order[size:]
            results = run(model, workspace, [sources[number] for number in taken], options)
            for number, result in zip(taken, results, strict=True):
                assert digest(result) == alone[number], f"line {number} in a batch of {len(taken)}"


@pytest.mark.slow
@pytest.mark.parametrize("case", FLOAT32 + INT8, ids=str)
def test_large_batches(shared: Path, case: Case) -> None:
    model = model_of(shared, case)
    sources = sources_of(shared, model, case, 600)
    workspace = _native.Workspace(1 << 20, 1 << 32)
    alone = [digest(run(model, workspace, [source], OPTIONS[0])[0]) for source in sources]
    rng = np.random.default_rng(12)
    for size in (2, 7, 64, 200, 256):
        taken = rng.choice(600, size, replace=False).tolist()
        for number, result in zip(
            taken, run(model, workspace, [sources[n] for n in taken], OPTIONS[0]), strict=True
        ):
            assert digest(result) == alone[number], f"line {number} in a batch of {size}"


@pytest.mark.parametrize("case", [FLOAT32[0], INT8[1]], ids=str)
def test_any_number_of_workers(shared: Path, case: Case) -> None:
    model = model_of(shared, case)
    lines = case.lines(shared, 1000)[:150]
    found = []
    for threads in (1, 2, 5):
        with Translator(model, threads=threads) as translator:
            found.append([(t.text, t.score) for t in translator.translate(lines)])
    assert found[0] == found[1] == found[2]


def alternate(shared: Path, rounds: int) -> None:
    """Two architectures take turns on one workspace; each batch is what it is on a workspace of its own."""
    cases = (FLOAT32[2], INT8[1], FLOAT32[3])
    models = [model_of(shared, case) for case in cases]
    sources = [sources_of(shared, model, case, 60) for model, case in zip(models, cases, strict=True)]
    rng = np.random.default_rng(13)
    batches = [[rng.choice(60, 5, replace=False).tolist() for _ in range(8)] for _ in cases]
    expected = [
        [
            [
                digest(result)
                for result in run(model, _native.Workspace(1 << 20, 1 << 30), [own[n] for n in b], OPTIONS[0])
            ]
            for b in mine
        ]
        for model, own, mine in zip(models, sources, batches, strict=True)
    ]
    common = _native.Workspace(1 << 20, 1 << 30)
    for turn in range(rounds):
        which, number = turn % len(cases), turn // len(cases) % 8
        chosen = [sources[which][n] for n in batches[which][number]]
        found = run(models[which], common, chosen, OPTIONS[0])
        assert [digest(result) for result in found] == expected[which][number], f"turn {turn}"


def test_architectures_alternate_on_one_workspace(shared: Path) -> None:
    alternate(shared, 96)


@pytest.mark.slow
def test_architectures_alternate_a_thousand_times(shared: Path) -> None:
    alternate(shared, 1000)


OTHER_TARGET = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from native_models import Case, model_of, run_model
from test_invariance import FLOAT32, INT8, OPTIONS, digest, run, sources_of
from dragoman import _native
shared = Path({shared!r})
for case in FLOAT32 + INT8:
    model = model_of(shared, case)
    workspace = _native.Workspace(1 << 20, 1 << 30)
    for result in run(model, workspace, sources_of(shared, model, case, 6), OPTIONS[1]):
        print(digest(result))
"""


def test_every_instruction_set_gives_the_same_bits(shared: Path) -> None:
    code = OTHER_TARGET.format(paths=[path for path in sys.path if path], shared=str(shared))
    found = {}
    for target in _native.kernels.available():
        environment = {**os.environ, "DRAGOMAN_CPU": target}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{target}: {done.stderr}"
        found[target] = done.stdout
    first = next(iter(found.values()))
    assert first.count("\n") == 6 * len(FLOAT32 + INT8)
    assert all(digests == first for digests in found.values()), list(found)
