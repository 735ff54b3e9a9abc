"""The everyday inputs and when a translation of one is acceptable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sacrebleu.metrics import CHRF

LANGUAGES = ("en", "de", "fr")

_LEAST_CHRF = 70.0
_CHRF = CHRF()
_END = re.compile(r"[\s.!?…:,;]+$")
_NUMBER = re.compile(r"\d+(?:[.,: ]\d+)*")
_SEPARATORS = re.compile(r"(?<=\d)[.,: \u00a0\u202f](?=\d)")


@dataclass(frozen=True)
class Everyday:
    """One input in three languages.

    Attributes:
        kind: what it is an example of.
        held: nothing like it was written into the training data on purpose (sentences of the corpus aside).
        kept: what must stand in an answer; of each entry one version.
        versions: by language; the first is the input, all of them are good answers.
    """

    kind: str
    held: bool
    kept: tuple[tuple[str, ...], ...]
    versions: dict[str, tuple[str, ...]]

    def source(self, language: str) -> str:
        """The input in this language."""
        return self.versions[language][0]

    def accepts(self, answer: str, source: str, target: str) -> bool:
        """Whether this is an acceptable translation from one language to the other.

        Without case and final punctuation it must equal one of the answers or reach chrF 70 against the best, and
        hold every number (separators aside), name, address, placeholder and emoji of the input.
        """
        if not all(any(version in answer for version in versions) for versions in self.kept):
            return False
        plain = _SEPARATORS.sub("", answer)
        if not all(_SEPARATORS.sub("", number) in plain for number in _NUMBER.findall(self.source(source))):
            return False
        return best_score(answer, self.versions[target]) >= _LEAST_CHRF


def best_score(answer: str, references: tuple[str, ...]) -> float:
    """chrF (0 to 100) against the nearest reference, without case and final punctuation."""
    answer, others = _bare(answer), [_bare(one) for one in references]
    if answer in others:
        return 100.0
    return max(_CHRF.sentence_score(answer, [one]).score for one in others)


def _bare(text: str) -> str:
    return _END.sub("", text.lower())


def read() -> list[Everyday]:
    """All inputs, from everyday.tsv."""
    inputs = []
    for row in Path(__file__).with_name("everyday.tsv").read_text(encoding="utf-8").splitlines():
        if row.startswith("#"):
            continue
        kind, kept, *cells = row.split("\t")
        versions = dict(zip(LANGUAGES, (tuple(cell.split(" | ")) for cell in cells), strict=True))
        must = tuple(tuple(one.split("|")) for one in kept.split(";") if one)
        inputs.append(Everyday(kind.removesuffix(" held"), kind.endswith(" held"), must, versions))
    return inputs
