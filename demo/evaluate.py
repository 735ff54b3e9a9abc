"""Translate a test set with Marian itself (pymarian) and score it with sacreBLEU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sacrebleu
from data import Pairs


@dataclass(frozen=True)
class Search:
    """How Marian searches."""

    beam_size: int
    normalize: float

    def __str__(self) -> str:
        return f"beam {self.beam_size} normalize {self.normalize:g}"


SEARCHES = (Search(1, 1.0), Search(4, 0.6))


def translate(model: Path, vocabulary: Path, sentences: list[str], search: Search) -> list[str]:
    """Translate with Marian, in float32, on one thread."""
    import _pymarian  # type: ignore[import-not-found]  # 1 GB; only this step needs it

    options = (
        f"--models {model} --vocabs {vocabulary} {vocabulary} --beam-size {search.beam_size} "
        f"--normalize {search.normalize} --max-length-factor 2 --mini-batch 32 --maxi-batch 100 "
        "--maxi-batch-sort src --cpu-threads 1 --workspace 500 --quiet --quiet-translation"
    )
    translations: list[str] = _pymarian.Translator(options).translate("\n".join(sentences)).split("\n")
    if len(translations) != len(sentences):
        raise RuntimeError(f"Marian gave {len(translations)} lines for {len(sentences)} sentences")
    return translations


def report(model: Path, vocabulary: Path, test: Pairs) -> str:
    """One line of BLEU for each way to search."""
    lines = []
    for search in SEARCHES:
        translations = translate(model, vocabulary, test.sources, search)
        score = sacrebleu.corpus_bleu(translations, [test.targets]).score
        lines.append(f"f32 {search}, tatoeba test ({len(test.sources)} lines): BLEU {score:.1f}\n")
    return "".join(lines)
