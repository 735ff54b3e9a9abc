"""A real model, ready for the reference back end, and Marian's own output for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dragoman.architectures import Compatibility
from dragoman.architectures.build import build_graph, check_parameters
from dragoman.architectures.config import read_config
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions, target_limit
from dragoman.backends.reference import Workspace, run_plans
from dragoman.backends.slots import BoundSlot
from dragoman.formats.model_file import read_parameters
from dragoman.formats.parameters import ParameterFile
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.vocabulary import SentencePieceVocabulary, read_vocabulary
from dragoman.planning.lowering.lower import Precisions, compile_graph
from dragoman.planning.plan import Plan
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind

MAX_LENGTH_FACTOR = 2.5
"""That of the references (COMMANDS.txt)."""


@dataclass(frozen=True)
class GoldenModel:
    """One model file of ``../shared/models``, computed in one precision.

    ``source``, ``target``: languages, the suffixes of the files in ``ref``.
    """

    folder: Path
    file: str
    source: str
    target: str
    precision: Precision = Precision.FLOAT32
    compat: Compatibility = "browsermt"

    @cached_property
    def parameters(self) -> ParameterFile:
        return read_parameters(self.folder / self.file)

    @cached_property
    def plan(self) -> Plan:
        shapes = {name: parameter.shape for name, parameter in self.parameters.parameters.items()}
        config = read_config(self.parameters.options, shapes, compat=self.compat)
        graph = build_graph(config)
        check_parameters(graph, shapes, config)
        alphas = {name: str(alpha) for name, alpha in self.parameters.alphas.items()}
        return compile_graph(graph, Precisions(self.precision, alphas=alphas))

    @cached_property
    def slots(self) -> tuple[BoundSlot, ...]:
        return bind(self.plan, self.parameters)

    @cached_property
    def vocabularies(self) -> tuple[SentencePieceVocabulary, SentencePieceVocabulary]:
        joint = list(self.folder.glob(f"vocab.{self.source}{self.target}.spm"))
        paths = joint * 2 or [self.folder / f"vocab.{side}.spm" for side in (self.source, self.target)]
        source, target = (read_vocabulary(path) for path in paths)
        assert isinstance(source, SentencePieceVocabulary) and isinstance(target, SentencePieceVocabulary)
        return source, target

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        vocabulary = self.vocabularies[0]
        return [[*ids, vocabulary.eos_id] for ids in vocabulary.processor.encode(list(lines))]

    def decode(self, ids: NDArray[np.int32]) -> str:
        return str(self.vocabularies[1].processor.decode(ids.tolist()))

    def inputs(self, count: int) -> list[str]:
        """The first lines of the test set."""
        return self.reference(f"test1000.{self.source}")[:count]

    def reference(self, name: str) -> list[str]:
        return (self.folder / "ref" / name).read_text(encoding="utf-8").splitlines()

    def translate(
        self,
        lines: Sequence[str],
        options: SearchOptions,
        *,
        shortlist: Shortlist | None = None,
        batch_size: int = 32,
    ) -> list[list[RawHypothesis]]:
        """Hypotheses of each line, in the order of the lines."""
        results: dict[int, list[RawHypothesis]] = {}
        workspace = Workspace()
        options = replace(options, eos_id=self.vocabularies[1].eos_id, unk_id=self.vocabularies[1].unk_id)
        for numbers, batch in self.batches(lines, shortlist, batch_size):
            found = run_plans([(self.plan, self.slots)], workspace, batch, options)
            results.update(zip(numbers, found, strict=True))
        return [results[number] for number in range(len(lines))]

    def batches(
        self, lines: Sequence[str], shortlist: Shortlist | None = None, batch_size: int = 32
    ) -> Iterator[tuple[list[int], Batch]]:
        """Batches of lines, longest first, and which lines they hold."""
        sources = self.encode(lines)
        order = sorted(range(len(lines)), key=lambda number: -len(sources[number]))
        for start in range(0, len(lines), batch_size):
            numbers = order[start : start + batch_size]
            own = [sources[number] for number in numbers]
            limits = [target_limit(len(ids), MAX_LENGTH_FACTOR) for ids in own]
            candidates = None
            if shortlist is not None:
                size = self.vocabularies[1].size
                shared = self.vocabularies[0] == self.vocabularies[1]
                candidates = [
                    shortlist.candidates(ids, shared_vocabulary=shared, vocabulary_size=size) for ids in own
                ]
            yield numbers, Batch.of(own, limits, candidates=candidates)
