"""Sentence boundaries against treebanks: `python benchmarks/sentences.py FOLDER [--part test]`.

FOLDER holds ``*.conllu`` files of Universal Dependencies, such as ``de_gsd-ud-test.conllu``, from
https://github.com/UniversalDependencies. Thirty sentences in a row are joined to a paragraph (by a blank; by nothing in
Chinese and Japanese) and split again. Beside dragoman: sentencex alone, pysbd and syntok (where installed), and rules
as of ssplit (Moses) with the same abbreviations. "plain": only boundaries that end in a mark: no rule sees others.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from dragoman.tables import format_table
from dragoman.text.abbreviations import ends_abbreviation
from dragoman.text.boundaries import sentence_ends

Splitter = Callable[[str, str], list[int]]
_MARKS = tuple('.!?…。！？।॥؟"”»)\']')
_WITHOUT_BLANKS = ("zh", "ja")


def paragraphs(path: Path, most: int) -> list[list[str]]:
    sentences = [
        line[9:].strip() for line in path.read_text("utf-8").splitlines() if line.startswith("# text = ") and line[9:]
    ][:most]
    return [sentences[first : first + 30] for first in range(0, len(sentences), 30)]


def of_sentencex(text: str, language: str) -> list[int]:
    import sentencex

    found = sentencex.get_sentence_boundaries(language, text)
    return [len(text[: entry["end_index"]].rstrip()) for entry in found]


def of_pysbd(text: str, language: str) -> list[int]:
    import pysbd

    try:
        spans = pysbd.Segmenter(language=language, clean=False, char_span=True).segment(text)
    except ValueError:  # a language that it does not know
        return []
    return [len(text[: span.end].rstrip()) for span in spans]


def of_syntok(text: str, language: str) -> list[int]:
    from syntok import segmenter

    found = [sentence for paragraph in segmenter.analyze(text) for sentence in paragraph]
    return [sentence[-1].offset + len(sentence[-1].value) for sentence in found if sentence]


def of_rules(text: str, language: str) -> list[int]:
    """Moses' and ssplit's: a mark, white space, and what does not begin with a small letter."""
    ends = []
    for match in re.finditer(r"[.?!]+[\'\")\]’”]*(?=\s+[^\w\s]?(\w+))", text):
        following = match[1]
        if following[0].islower() or (match[0] == "." and ends_abbreviation(text, match.end(), following, language)):
            continue
        ends.append(match.end())
    return ends


def boundaries(paragraph: Sequence[str], glue: str) -> Iterator[tuple[int, bool]]:
    at = 0
    for sentence in paragraph[:-1]:
        at += len(sentence)
        yield at, sentence.endswith(_MARKS)
        at += len(glue)


def measure(split: Splitter, found: Sequence[Sequence[str]], language: str) -> tuple[float, float, float]:
    """F1, F1 of boundaries with a mark, and MB a second."""
    glue = "" if language in _WITHOUT_BLANKS else " "
    right = wrong = missed = missed_marks = size = 0
    begun = time.perf_counter()
    splits = [set(split(glue.join(paragraph), language)) for paragraph in found]
    seconds = time.perf_counter() - begun
    for paragraph, ends in zip(found, splits, strict=True):
        text = glue.join(paragraph)
        known = dict(boundaries(paragraph, glue))
        size += len(text.encode())
        right += len(known.keys() & ends)
        wrong += len(ends - known.keys() - {len(text)})
        missed += len(known.keys() - ends)
        missed_marks += sum(marked for end, marked in known.items() if end not in ends)

    def f1(missing: int) -> float:
        return 2 * right / max(1, 2 * right + wrong + missing)

    return f1(missed), f1(missed_marks), size / seconds / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", default="test")
    parser.add_argument("--most", type=int, default=1500, help="sentences of a language")
    arguments = parser.parse_args()
    splitters: dict[str, Splitter] = {
        "dragoman": sentence_ends,
        "sentencex": of_sentencex,
        "rules": of_rules,
    }
    splitters |= {name: one for name, one in (("pysbd", of_pysbd), ("syntok", of_syntok)) if find_spec(name)}
    rows, sums = [], [0.0] * (3 * len(splitters))
    files = [path for path in sorted(arguments.folder.glob(f"*-ud-{arguments.part}.conllu")) if path.stat().st_size]
    for path in files:
        language = path.name.partition("_")[0]
        found = paragraphs(path, arguments.most)
        figures = [figure for split in splitters.values() for figure in measure(split, found, language)]
        sums = [total + figure for total, figure in zip(sums, figures, strict=True)]
        rows.append((path.name.partition("-")[0], str(sum(map(len, found))), *map(_shown, figures)))
    rows.append(("mean", "", *(_shown(total / len(files)) for total in sums)))
    heads = [head for name in splitters for head in (f"{name} F1", "plain", "MB/s")]
    print(format_table(("treebank", "sentences", *heads), rows))


def _shown(figure: float) -> str:
    return f"{figure:.3f}" if figure <= 1 else f"{figure:.1f}"


if __name__ == "__main__":
    main()
