"""Build one demo model: ``python demo/build.py en-de --data FOLDER --out FOLDER``. What is there already is kept.

Steps, each with its file in ``--out``: vocabulary, lexical tables, training (a checkpoint every epoch, so that it goes
on where it was stopped), shortlist, int8 model, scores. ``make -C demo`` does it for all directions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import align
import data
import dictionaries
import evaluate
import lexicon
import lists
import network
import start
import torch
import train
import vocabulary
import yaml
from batches import Batches
from card import write_card
from mixture import Sources
from sentencepiece import SentencePieceProcessor

_log = logging.getLogger("demo")
_DECODER = """\
relative-paths: true
models: [model.bin]
vocabs: [vocab.spm, vocab.spm]
shortlist: [lex.bin, false]
beam-size: 2
normalize: 0.6
word-penalty: 0
# Trained on sentences of at most 60 pieces: longer lines are cut.
max-length-break: 60
max-length-factor: 2.5
gemm-precision: int8shiftAlphaAll
"""


def main() -> None:
    """Run all steps that are still to be done."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    recipe = yaml.safe_load(Path(__file__).with_name("train.yml").read_text(encoding="utf-8"))
    Build(arguments.direction, arguments.data, arguments.out, recipe).run(arguments.start, arguments.minutes)


class Build:
    """One direction's folder on its way to a model."""

    def __init__(self, direction: data.Direction, corpus: Path, out: Path, recipe: dict[str, Any]) -> None:
        self._direction, self._corpus, self._out, self._recipe = direction, corpus, out, recipe
        out.mkdir(parents=True, exist_ok=True)
        self._sources = Sources.read(corpus, direction, recipe["mixture"])

    def run(self, earlier: Path | None, minutes: float | None) -> None:
        """All steps.

        Args:
            earlier: folder of a model to begin with (``model.npz`` or ``model.bin``, and its ``*.spm``).
            minutes: most minutes of training in all.
        """
        spm = self._vocabulary(earlier)
        self._train(spm, earlier, minutes)
        self._shortlist(spm)
        self._convert()
        self._evaluate()

    def _file(self, name: str) -> Path:
        return self._out / name

    def _reverse(self, name: str) -> Path:
        """A file of the other direction of the pair, in the folder beside: what was made first serves both."""
        return self._out.with_name(str(self._direction.reverse)) / name

    def _vocabulary(self, earlier: Path | None) -> SentencePieceProcessor:
        """One for both directions of a pair."""
        path = self._file("vocab.spm")
        if not path.exists():
            reverse = self._reverse("vocab.spm")
            if reverse.exists():
                shutil.copyfile(reverse, path)
            else:
                self._grow(earlier, path)
        return SentencePieceProcessor(str(path))

    def _grow(self, earlier: Path | None, path: Path) -> None:
        pairs = data.read(self._corpus, data.Direction("en", self._direction.other), "train")
        sentences = pairs.sources + pairs.targets
        options = self._recipe["vocabulary"]
        if earlier:
            old = _vocabulary_of(earlier)
        else:
            old = self._file("first.spm")
            data.train_vocabulary(pairs, old, pieces=options["first"])
        if self._direction.other == "de":
            sentences += [side for pair in dictionaries.ding_sentences() for side in pair]
        entries = self._sources.entries + Sources.read(self._corpus, self._direction.reverse, {}).entries
        words = vocabulary.wanted_words(entries, lists.names(self._direction.other), lists.everyday(), sentences)
        vocabulary.grow(old, sentences, words, path, pieces=options["pieces"])

    def _train(self, spm: SentencePieceProcessor, earlier: Path | None, minutes: float | None) -> None:
        options = {**self._recipe["training"], **self._recipe["directions"][str(self._direction)]}
        size = options.pop("batch_words"), options.pop("max_length")
        dropout = options.pop("dropout")
        plan = train.Recipe(**{**options, "betas": tuple(options["betas"])})
        torch.manual_seed(plan.seed)
        student = network.Network(self._recipe["model"], spm.get_piece_size(), dropout)
        if earlier:
            shapes = {name: tuple(tensor.shape) for name, tensor in student.named_parameters()}
            weights = start.read(start.model_of(earlier))
            old = SentencePieceProcessor(str(_vocabulary_of(earlier)))
            parameters = start.carry_over(weights, shapes, old, spm)
            if self._reverse("model.npz").exists():
                parameters = start.borrow(parameters, start.read(self._reverse("model.npz"))["Wemb"], old, spm)
            student.load_state_dict(parameters)
        dev = list(Batches(spm, *size, None).of(data.read(self._corpus, self._direction, "dev"), seed=0))
        training = train.Training(student, plan, self._file("checkpoint.pt"))
        batches = Batches(spm, *size, align.Guide.of(*self._lexicons(spm), spm.get_piece_size()))
        training.run(self._sources, batches, dev, self._file("model.npz"), minutes=minutes)

    def _lexicons(self, spm: SentencePieceProcessor) -> tuple[lexicon.Lexicon, lexicon.Lexicon]:
        """p(target | source) and p(source | target), of all sentences and a few epochs of the rest."""
        names = "lexicon.npz", "lexicon.back.npz"
        ours, theirs = [self._file(name) for name in names], [self._reverse(name) for name in reversed(names)]
        if not all(path.exists() for path in ours):
            if all(path.exists() for path in theirs):
                for path, found in zip(ours, theirs, strict=True):
                    shutil.copyfile(found, path)
            else:
                pairs = self._sources.everything(seed=0)
                sides = spm.encode(pairs.sources), spm.encode(pairs.targets)
                options = self._recipe["lexicon"]
                for path, (one, other) in zip(ours, (sides, sides[::-1]), strict=True):
                    table = lexicon.train(
                        one, other, vocabulary_size=spm.get_piece_size(), iterations=options["iterations"]
                    )
                    lexicon.save(table.pruned(options["best"], options["threshold"]), path)
        forward, back = map(lexicon.load, ours)
        return forward, back

    def _shortlist(self, spm: SentencePieceProcessor) -> None:
        path, options = self._file("lex.s2t"), self._recipe["shortlist"]
        table = self._lexicons(spm)[0].pruned(options["best"], options["threshold"])
        lexicon.write(table, spm, path)
        dev = data.read(self._corpus, self._direction, "dev")
        share = lexicon.coverage(table, spm.encode(dev.sources), spm.encode(dev.targets), first=options["first"])
        _log.info("shortlist: %.1f %% of the dev set's target pieces", 100 * share)

    def _convert(self) -> None:
        """Make the int8 model and the binary shortlist with the package's own writers."""
        calibration = self._file("calibration.txt")
        dev = data.read(self._corpus, self._direction, "dev")
        others = self._sources.epoch(0).sources[::200]
        calibration.write_text("\n".join([*dev.sources[:200], *others]) + "\n", encoding="utf-8")
        vocabularies = ["--vocabs", str(self._file("vocab.spm")), str(self._file("vocab.spm"))]
        convert = [sys.executable, "-m", "dragoman", "convert"]
        _run(convert, self._file("model.npz"), self._file("model.bin"), "--calibrate", calibration, *vocabularies)
        options = self._recipe["shortlist"]
        sizes = ["--first", str(options["first"]), "--best", str(options["best"])]
        _run(convert, self._file("lex.s2t"), self._file("lex.bin"), *vocabularies, *sizes)
        self._file("decoder.yml").write_text(_DECODER, encoding="utf-8")

    def _evaluate(self) -> None:
        results = evaluate.report(self._out, self._direction, evaluate.test_sets(self._corpus, self._direction))
        record = {
            "direction": str(self._direction),
            "scores": [asdict(result) for result in results],
            "sha256": {name: _hash(path) for name, path in self._inputs().items()},
        }
        self._file("scores.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        shipped = [result for result in results if result.setting == "as shipped"]
        write_card(self._file("model_card.toml"), self._direction, self._sources.described(), shipped)

    def _inputs(self) -> dict[str, Path]:
        """Everything that the model learnt from, for the record."""
        corpus = f"{data.LANGUAGES[self._direction.other]}-eng.train.tsv.xz"
        folder = Path(__file__).parent
        found = {corpus: self._corpus / corpus, "train.yml": folder / "train.yml"}
        if self._direction.other == "de":
            found["trans-de-en"] = dictionaries.DING
        else:
            found |= {path.name: path for path in sorted(dictionaries.FREEDICT.glob("freedict-*fra*.dict.dz"))}
        return found | {path.name: path for path in sorted((folder / "lists").iterdir())}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _vocabulary_of(folder: Path) -> Path:
    return next(iter(sorted(folder.glob("*.spm"))))


def _run(command: list[str], *arguments: str | Path) -> None:
    subprocess.run([*command, *map(str, arguments)], check=True, env=os.environ)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("direction", type=data.Direction.parse, help="en-de, de-en, en-fr or fr-en")
    parser.add_argument("--data", type=Path, required=True, help="folder of the tatoeba pairs")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--start", type=Path, help="folder of an earlier model of the direction, to begin with")
    parser.add_argument("--minutes", type=float, help="most minutes of training")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    return parser.parse_args()


if __name__ == "__main__":
    main()
