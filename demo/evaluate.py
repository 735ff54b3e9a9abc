"""Translate test sets and the everyday inputs with dragoman, and score the translations."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import data
import sacrebleu
from data import Direction, Pairs

import dragoman
from dragoman import DecodingOptions

_EVERYDAY = Path(__file__).parents[1] / "tests" / "demo"


@dataclass(frozen=True)
class Setting:
    """How a model is run. ``precision`` and ``shortlist`` as for `dragoman.load`."""

    name: str
    precision: str
    shortlist: str
    options: DecodingOptions


_GREEDY = DecodingOptions(beam_size=1, normalize=1.0)
SETTINGS = (
    Setting("float32, greedy", "float32", "none", _GREEDY),
    Setting("int8, greedy", "auto", "none", _GREEDY),
    Setting("int8, shortlist, greedy", "auto", "auto", _GREEDY),
    Setting("as shipped", "auto", "auto", DecodingOptions()),
    Setting("int8, shortlist, beam 4", "auto", "auto", DecodingOptions(beam_size=4, normalize=0.6)),
)
"""As shipped: int8, shortlist, and the search of decoder.yml."""


@dataclass(frozen=True)
class Result:
    """One figure: of a test set, in a setting."""

    test: str
    setting: str
    metric: str
    value: float


def report(folder: Path, direction: Direction, tests: dict[str, Pairs]) -> list[Result]:
    """BLEU and chrF of every test set in every setting, and the share of acceptable everyday answers."""
    results = []
    for setting in SETTINGS:
        loaded = dragoman.load(folder, precision=setting.precision, shortlist=setting.shortlist)  # type: ignore[arg-type]
        with dragoman.Translator(loaded) as translator:
            for name, pairs in tests.items():
                answers = [found.text for found in translator.translate(pairs.sources, options=setting.options)]
                bleu = sacrebleu.corpus_bleu(answers, [pairs.targets]).score
                chrf = sacrebleu.corpus_chrf(answers, [pairs.targets]).score
                results += [Result(name, setting.name, "BLEU", bleu), Result(name, setting.name, "chrF", chrf)]
            results += _everyday(translator, direction, setting)
    return results


def _everyday(translator: dragoman.Translator, direction: Direction, setting: Setting) -> list[Result]:
    """By the rule of the tests, where the list lies."""
    sys.path.append(str(_EVERYDAY))
    import everyday

    inputs = everyday.read()
    lines = [one.source(direction.source) for one in inputs]
    answers = [found.text for found in translator.translate(lines, options=setting.options)]
    good = [
        one.accepts(answer, direction.source, direction.target) for one, answer in zip(inputs, answers, strict=True)
    ]
    held = [fine for one, fine in zip(inputs, good, strict=True) if one.held]
    return [_share("everyday inputs", setting, good), _share("everyday inputs, held out", setting, held)]


def _share(name: str, setting: Setting, good: Sequence[bool]) -> Result:
    return Result(f"{len(good)} {name}", setting.name, "acceptable, %", 100 * sum(good) / len(good))


def test_sets(folder: Path, direction: Direction) -> dict[str, Pairs]:
    """The held out pairs of tatoeba.org; and Multi30k's image captions, if they lie one folder above, which are out of
    the domain."""
    tests = {"tatoeba.org, 1000 pairs": data.read(folder, direction, "test")}
    source, target = (folder.parent / f"test_2016_flickr.{code}" for code in (direction.source, direction.target))
    if source.exists() and target.exists():
        tests["Multi30k 2016, out of domain"] = Pairs(
            source.read_text(encoding="utf-8").splitlines(), target.read_text(encoding="utf-8").splitlines()
        )
    return tests
