"""Real models on the native back end, loaded once for all tests, and what Marian made of their test sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from marian_batches import marian_limits

from dragoman import _native
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions
from dragoman.backends.protocol import Member, Workspace
from dragoman.formats.bundle import ModelFiles
from dragoman.model import Model, load
from dragoman.run.batching import make_batches

MARIAN_MINI_BATCH = 32
MARIAN_LENGTH_FACTOR = 2.5
"""Those of the references (COMMANDS.txt)."""


@dataclass(frozen=True)
class Case:
    """A model folder and its languages; which of its files is used."""

    folder: str
    source: str
    target: str
    int8: bool = False
    shortlist: bool = False
    compat: str = "trained"

    def __str__(self) -> str:
        return f"{self.folder}-{'int8' if self.int8 else 'f32'}{'-shortlist' if self.shortlist else ''}"

    def lines(self, shared: Path, count: int) -> list[str]:
        name = f"test{count}.{self.source}" if count in (20, 200, 1000) else f"test1000.{self.source}"
        text = (shared / "models" / self.folder / "ref" / name).read_text(encoding="utf-8")
        return text.split("\n")[:-1][:count]

    def reference(self, shared: Path, name: str) -> list[str]:
        path = shared / "models" / self.folder / "ref" / f"{name}.{self.target}"
        return path.read_text(encoding="utf-8").split("\n")[:-1]


@cache
def model_of(shared: Path, case: Case) -> Model:
    folder = shared / "models" / case.folder
    joint = folder / f"vocab.{case.source}{case.target}.spm"
    sides = (
        [joint, joint]
        if joint.exists()
        else [folder / f"vocab.{side}.spm" for side in (case.source, case.target)]
    )
    files = ModelFiles(
        model=folder / ("model.intgemm.alphas.bin" if case.int8 else "model.npz"),
        vocabularies=(sides[0], sides[1]),
        shortlist=folder / "lex.50.50.s2t.bin" if case.shortlist else None,
    )
    return load(files, compat=case.compat)  # type: ignore[arg-type]


def run_model(
    model: Model, workspace: Workspace, batch: Batch, options: SearchOptions, *, scores: bool = True
) -> list[list[RawHypothesis]]:
    """A flight of one model."""
    members = [Member(model.weights.ready().placed)]
    shortlist = model.placed_shortlist
    found = model.backend.run(members, workspace, batch, options, shortlist=shortlist, scores=scores)
    assert found is not None
    return found


def translate_as_marian(
    model: Model, lines: list[str], options: SearchOptions, *, mini_batch: int = MARIAN_MINI_BATCH
) -> list[list[RawHypothesis]]:
    """Hypotheses of each line, with the length limits that Marian's batches would give. Garbage fills the workspace
    before every batch."""
    ids = [model.pieces.finish(own) for own in model.pieces.encode(lines)]
    limits = marian_limits([len(own) for own in ids], mini_batch, MARIAN_LENGTH_FACTOR)
    target = model.vocabularies[1]
    options = replace(options, eos_id=target.eos_id, unk_id=target.unk_id)
    workspace = _native.Workspace(1 << 20, 1 << 32)
    found: dict[int, list[RawHypothesis]] = {}
    for numbers in make_batches([len(own) for own in ids]):
        batch = Batch.of([ids[number] for number in numbers], [limits[number] for number in numbers])
        workspace.poison()
        results = run_model(model, workspace, batch, options)
        found.update(zip(numbers, results, strict=True))
    return [found[number] for number in range(len(lines))]
