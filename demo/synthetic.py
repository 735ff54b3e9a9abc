"""More training pairs: English sentences that have no translation here, translated by an earlier model.

About half of the English sentences of each language pair are not in the other. Into English this is
back-translation (the target side is real), out of English self-training. The end of the
training sees the real pairs alone.
"""

from __future__ import annotations

from pathlib import Path

from data import LANGUAGES, Direction, Pairs, read
from evaluate import Search, translate

_SEARCH = Search(4, 0.6)


def english_without_translation(folder: Path, language: str) -> list[str]:
    """English sentences of the other pairs, in a fixed order, but for all that any dev or test set contains.

    The sets of one language pair are disjoint, those of two are not: without the second condition, test
    sentences would come in through the other pair.
    """
    known = set(read(folder, Direction("en", language), "train").sources)
    for other in LANGUAGES:
        for split in ("dev", "test"):
            known.update(read(folder, Direction("en", other), split).sources)
    found: dict[str, None] = {}
    for other in LANGUAGES:
        if other != language:
            found.update(dict.fromkeys(read(folder, Direction("en", other), "train").sources))
    return [sentence for sentence in found if sentence not in known]


def make(folder: Path, direction: Direction, model: Path, vocabulary: Path) -> Pairs:
    """Pairs for this direction, made by ``model``, which translates from English."""
    english = english_without_translation(folder, direction.other)
    translations = translate(model, vocabulary, english, _SEARCH)
    return Pairs(english, translations) if direction.source == "en" else Pairs(translations, english)
