"""Build one demo model from the tatoeba pairs: ``python demo/build.py en-de --data FOLDER --out FOLDER``."""

from __future__ import annotations

import argparse
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import data
import evaluate
import lexicon
import network
import torch
import train
import yaml
from sentencepiece import SentencePieceProcessor


def main() -> None:
    """Run all steps: vocabulary, training, shortlist, evaluation, and the files that the package carries."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    recipe = yaml.safe_load(Path(__file__).with_name("train.yml").read_text(encoding="utf-8"))
    direction: data.Direction = arguments.direction
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    pairs, dev, test = (data.read(arguments.data, direction, split) for split in ("train", "dev", "test"))

    vocabulary_path = out / "vocab.spm"
    if arguments.vocabulary:
        shutil.copyfile(arguments.vocabulary, vocabulary_path)
    else:
        data.train_vocabulary(pairs, vocabulary_path, **recipe["vocabulary"])
    vocabulary = SentencePieceProcessor(str(vocabulary_path))

    model_path = out / "model.npz"
    _train(recipe, direction, pairs, dev, vocabulary, arguments.start, model_path)
    text_shortlist = out / "lex.s2t"
    _make_shortlist(recipe["shortlist"], pairs, dev, vocabulary, text_shortlist)
    (out / "bleu.txt").write_text(evaluate.report(model_path, vocabulary_path, test), encoding="utf-8")
    _convert(recipe["shortlist"], dev, out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("direction", type=data.Direction.parse, help="en-de, de-en, en-fr or fr-en")
    parser.add_argument("--data", type=Path, required=True, help="folder of the tatoeba pairs")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--start", type=Path, help="model.npz to go on from; either direction of the pair")
    parser.add_argument("--vocabulary", type=Path, help="the pair's .spm; trained if not given")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    arguments = parser.parse_args()
    if arguments.start and not arguments.vocabulary:
        parser.error("a model is of use with its own vocabulary only: give --vocabulary too")
    return arguments


def _train(
    recipe: dict[str, Any],
    direction: data.Direction,
    pairs: data.Pairs,
    dev: data.Pairs,
    vocabulary: SentencePieceProcessor,
    start: Path | None,
    path: Path,
) -> None:
    options = {**recipe["training"], **recipe["directions"][str(direction)]}
    plan = train.Recipe(**{**options, "betas": tuple(options["betas"])})
    torch.manual_seed(plan.seed)
    student = network.Network(recipe["model"], vocabulary.get_piece_size(), plan.dropout)
    if start:
        network.load(student, start)
    batches = train.Batches(pairs, vocabulary, plan)
    train.train(student, batches, train.Batches(dev, vocabulary, plan), plan, path)


def _make_shortlist(
    options: dict[str, Any],
    pairs: data.Pairs,
    dev: data.Pairs,
    vocabulary: SentencePieceProcessor,
    path: Path,
) -> None:
    table = lexicon.train(
        vocabulary.encode(pairs.sources),
        vocabulary.encode(pairs.targets),
        vocabulary_size=vocabulary.get_piece_size(),
        iterations=options["iterations"],
    ).pruned(options["best"], options["threshold"])
    lexicon.write(table, vocabulary, path)
    share = lexicon.coverage(
        table, vocabulary.encode(dev.sources), vocabulary.encode(dev.targets), first=options["first"]
    )
    logging.getLogger("demo").info("shortlist: %.1f %% of the dev set's target pieces", 100 * share)


def _convert(options: dict[str, Any], dev: data.Pairs, out: Path) -> None:
    """Make the int8 model and the binary shortlist with the package's own writers."""
    calibration = out / "calibration.txt"
    calibration.write_text("\n".join(dev.sources) + "\n", encoding="utf-8")
    vocabularies = ["--vocabs", str(out / "vocab.spm"), str(out / "vocab.spm")]
    convert = [sys.executable, "-m", "dragoman", "convert"]
    subprocess.run(
        [*convert, out / "model.npz", out / "model.bin", "--calibrate", calibration, *vocabularies],
        check=True,
    )
    sizes = ["--first", str(options["first"]), "--best", str(options["best"])]
    subprocess.run([*convert, out / "lex.s2t", out / "lex.bin", *vocabularies, *sizes], check=True)


if __name__ == "__main__":
    main()
