"""The engines: each a function that opens a model and returns one that translates lines, on one thread.

What an engine needs done once before it can open a model (converting, filling a cache) is in ``PREPARE``. No engine
splits sentences, and each has batches of the size that its makers chose or that it is fastest with. None is asked for
scores: greedy search then needs no log-probabilities (Marian's ``skip-cost``, which Firefox's configurations state).
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Translate = Callable[[Sequence[str]], tuple[list[str], int | None]]
"""Translations, and their pieces in all, EOS included, where the engine tells."""


@dataclass(frozen=True)
class Setup:
    """What is to be opened: a model's folder, "int8" or "float32", and a place for converted files."""

    folder: Path
    precision: str
    beam: int
    place: Path

    @property
    def model(self) -> Path:
        """The model as int8, if there is one and that is wanted, else as floats."""
        stored = sorted(self.folder.glob("model*.bin")) if self.precision == "int8" else []
        return stored[0] if stored else self.folder / "model.npz"

    @property
    def vocabulary(self) -> Path:
        return next(self.folder.glob("vocab*.spm"))

    @property
    def shortlist(self) -> Path | None:
        return next(self.folder.glob("lex*.bin"), None) if self.precision == "int8" else None


def dragoman(setup: Setup) -> Translate:
    import dragoman

    model = dragoman.load(setup.folder, precision=setup.precision)
    translator = dragoman.Translator(model)

    def translate(lines: Sequence[str]) -> tuple[list[str], int]:
        found = translator.translate(lines, split="none", beam_size=setup.beam, skip_cost=setup.beam == 1)
        return [one.text for one in found], sum(len(one.n_best[0].tokens) for one in found)

    return translate


def prepare_dragoman(setup: Setup) -> None:
    """Fills the cache of prepared weights."""
    dragoman(setup)


def bergamot(setup: Setup) -> Translate:
    """Marian as Firefox had it in WebAssembly, here native. Its wheel ends with Python 3.10, and importing the package
    asks a server for models, so only its extension is loaded."""
    found = importlib.util.find_spec("bergamot")
    extension = next(Path(found.submodule_search_locations[0]).glob("_bergamot*.so"))
    spec = importlib.util.spec_from_file_location("_bergamot", extension)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings: dict[str, Any] = {
        "models": [str(setup.model)],
        "vocabs": [str(setup.vocabulary)] * 2,
        "beam-size": setup.beam,
        "normalize": 1.0,
        "max-length-break": 128,
        "max-length-factor": 3.0,
        "mini-batch-words": 1024,
        "workspace": 128,
        "skip-cost": True,
        "gemm-precision": "int8shiftAlphaAll",
        "ssplit-mode": "sentence",
        "cpu-threads": 1,
        "quiet": True,
        "quiet-translation": True,
    }
    if setup.shortlist:
        settings["shortlist"] = [str(setup.shortlist), False]
    service = module.Service(module.ServiceConfig(numWorkers=1, cacheSize=0, logLevel="off"))
    model = service.modelFromConfig(json.dumps(settings))  # JSON is YAML
    options = module.ResponseOptions(qualityScores=False, alignment=False, HTML=False)

    def translate(lines: Sequence[str]) -> tuple[list[str], int]:
        answers = [answer.target for answer in service.translate(model, module.VectorString(lines), options)]
        pieces = sum(one.numWords(place) for one in answers for place in range(one.numSentences()))
        return [one.text for one in answers], pieces

    return translate


def fxtranslate(setup: Setup) -> Translate:
    """The Rust port of Firefox's engine. It has no batches; a translation has at most 2 n + 4 pieces."""
    import fxtranslate

    vocabulary = setup.vocabulary.read_bytes()
    shortlist = setup.shortlist.read_bytes() if setup.shortlist else None
    translator = fxtranslate.Translator(setup.model.read_bytes(), vocabulary, vocabulary, shortlist)
    return lambda lines: ([translator.translate(line) for line in lines], None)


def pymarian(setup: Setup) -> Translate:
    """Marian itself, which has no int8 with multipliers."""
    import pymarian

    translator = pymarian.Translator(
        models=str(setup.model),
        vocabs=[str(setup.vocabulary)] * 2,
        beam_size=setup.beam,
        normalize=1.0,
        max_length_factor=3,
        skip_cost=setup.beam == 1,
        mini_batch=64,
        maxi_batch=100,
        maxi_batch_sort="src",
        workspace=256,
        cpu_threads=1,
        quiet=True,
        quiet_translation=True,
    )
    return lambda lines: (translator.translate(list(lines)), None)


def ctranslate2(setup: Setup) -> Translate:
    import ctranslate2
    import sentencepiece

    spm = sentencepiece.SentencePieceProcessor(model_file=str(setup.vocabulary))
    translator = ctranslate2.Translator(
        str(setup.place / "ctranslate2"), compute_type=setup.precision, inter_threads=1, intra_threads=1
    )

    def translate(lines: Sequence[str]) -> tuple[list[str], int]:
        # Its sorted batches of 64 sentences are what dragoman makes too.
        tokens = [[*pieces, "</s>"] for pieces in spm.encode(list(lines), out_type=str)]
        found = translator.translate_batch(
            tokens, beam_size=setup.beam, max_batch_size=64, batch_type="examples", max_decoding_length=250
        )
        best = [result.hypotheses[0] for result in found]
        return spm.decode(best), sum(len(pieces) + 1 for pieces in best)

    return translate


def prepare_ctranslate2(setup: Setup) -> None:
    """Marian's model converted by its own converter. It needs two things mended: a NUL at the end of the embedded
    settings, and a vocabulary as a map."""
    import ctranslate2
    import numpy as np
    import sentencepiece
    import yaml

    spm = sentencepiece.SentencePieceProcessor(model_file=str(setup.vocabulary))
    arrays = dict(np.load(setup.folder / "model.npz"))
    settings = arrays["special:model.yml"].tobytes().rstrip(b"\0")
    arrays["special:model.yml"] = np.frombuffer(settings, np.int8)
    model, vocabulary = setup.place / "model.npz", setup.place / "vocab.yml"
    np.savez(model, **arrays)
    pieces = {spm.id_to_piece(number): number for number in range(spm.get_piece_size())}
    vocabulary.write_text(yaml.safe_dump(pieces, allow_unicode=True), encoding="utf-8")
    converter = ctranslate2.converters.MarianConverter(str(model), [str(vocabulary)] * 2)
    quantization = "int8" if setup.precision == "int8" else None
    converter.convert(str(setup.place / "ctranslate2"), quantization=quantization, force=True)


ENGINES = {
    "dragoman": dragoman,
    "bergamot": bergamot,
    "fxtranslate": fxtranslate,
    "ctranslate2": ctranslate2,
    "pymarian": pymarian,
}
PREPARE = {"dragoman": prepare_dragoman, "ctranslate2": prepare_ctranslate2}
BATCHES = ENGINES.keys() - {"fxtranslate"}
