"""Model folders of every family in every storage, and what the reference back end makes of their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from random_models import FAMILIES, make_model, save_model

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions, target_limit
from dragoman.backends.reference import Workspace, run_plans
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.model_file import read_parameters
from dragoman.formats.parameters import Parameter, ParameterFile, freeze
from dragoman.formats.quantize import quantize
from dragoman.formats.vocabulary_text import write_vocabulary
from dragoman.planning.lowering.lower import Precisions, compile_graph
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind

STORAGES = ("npz", "npz-float16", "bin", "bin-float16", "bin-int8", "bin-int8-alphas", "bin-int16")
"""File format and what the matrices are stored as."""

WORDS = 37
PIECES = 64
LINES = ("abc de fghi", "éß bad", "", "a")
"""Short: random recurrent models are chaotic, and roundings grow with each step."""
TIED = ("tied-embeddings-all", "tied-embeddings-src")


@dataclass(frozen=True)
class Folder:
    """A model of a family as a folder. Untied models have a target vocabulary of words, in YAML."""

    path: Path
    model: Path
    vocabularies: tuple[Path, Path]

    @property
    def shared(self) -> bool:
        return self.vocabularies[0] == self.vocabularies[1]


def make_folder(path: Path, family: str, storage: str, spm: bytes) -> Folder:
    """Write the files as Marian would: its names, its special items, a decoder.yml."""
    path.mkdir(parents=True)
    shared = any(FAMILIES[family].get(name) for name in TIED)
    options, arrays = make_model(FAMILIES[family], PIECES if shared else (PIECES, WORDS), seed=3)
    suffix, _, kind = storage.partition("-")
    model = path / f"model.{suffix}"
    if storage == "npz":
        save_model(model, options, arrays)
    elif storage == "npz-float16":
        save_model(model, options, {name: array.astype(np.float16) for name, array in arrays.items()})
    else:
        write_bin(_stored(options, arrays, kind), model)
    (path / "vocab.spm").write_bytes(spm)
    vocabularies = [path / "vocab.spm"] * 2
    if not shared:
        words = ["</s>", "<unk>", *(f"w{number}" for number in range(2, WORDS))]
        write_vocabulary({word: number for number, word in enumerate(words)}, path / "vocab.yml")
        vocabularies[1] = path / "vocab.yml"
    (path / "decoder.yml").write_text(
        f"relative-paths: true\nmodels: [{model.name}]\nvocabs: [{', '.join(file.name for file in vocabularies)}]\n"
        "beam-size: 2\nnormalize: 0.6\nmax-length-factor: 1\nallow-special: true\n"
    )
    return Folder(path, model, (vocabularies[0], vocabularies[1]))


def _stored(options: dict[str, object], arrays: dict[str, np.ndarray], kind: str) -> ParameterFile:
    kept = {
        name: Parameter(name, array.shape, array.astype(np.float16) if kind == "float16" else array)
        for name, array in arrays.items()
    }
    alphas = {name: 20.0 for name in [*kept, "none"]} if kind == "int8-alphas" else {}
    file = freeze(Path("made-up"), kept, options, alphas)
    empty = {name: kept.pop(name) for name in list(kept) if not kept[name].data.size}
    file = freeze(Path("made-up"), kept, options, alphas)
    if kind.startswith("int"):
        file = quantize(file, bits=16 if kind == "int16" else 8)
    return freeze(Path("made-up"), {**file.parameters, **empty}, options, file.alphas)


def reference(
    folder: Folder, sources: Sequence[Sequence[int]], precision: str, options: SearchOptions, factor: float,
    prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[RawHypothesis]]:
    """Hypotheses of each source, straight from the folder's model file; in the order of the sources.

    ``prefixes``: target ids that must come out; then nothing else does.
    """
    file = read_parameters(folder.model)
    shapes = {name: parameter.shape for name, parameter in file.parameters.items()}
    graph = build_graph(read_config(file.options, shapes, compat="trained"))
    floats = frozenset(name for name, parameter in file.parameters.items() if parameter.multiplier is None)
    alphas = {name: str(alpha) for name, alpha in file.alphas.items()}
    forms = {
        "float32": Precisions(Precision.FLOAT32),
        "int8": Precisions(Precision.INT8, floats=floats, alphas=alphas),
        "int8-rows": Precisions(Precision.INT8_ROWS, floats=floats),
    }
    plan = compile_graph(graph, forms[precision])
    order = sorted(range(len(sources)), key=lambda number: -len(sources[number]))
    limits = [target_limit(len(source), factor) for source in sources]
    if prefixes is not None:
        limits = [len(prefix) for prefix in prefixes]
    batch = Batch.of(
        [sources[number] for number in order],
        [limits[number] for number in order],
        prefixes=None if prefixes is None else [prefixes[number] for number in order],
    )
    found = run_plans([(plan, bind(plan, file))], Workspace(), batch, options)
    return [hypotheses for _, hypotheses in sorted(zip(order, found, strict=True), key=lambda pair: pair[0])]
