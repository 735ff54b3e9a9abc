"""Where tags come out: words of known translation in ``<b>``, in real sentences, by a real model.

    python benchmarks/placement.py MODEL WORDS.tsv en de SENTENCES [--show]

A tag is right if it holds an accepted word, and only that, where that word stands once in the translation. Pairs of two
words are judged alike: two tags beside each other, one in the other, and one link over both and what is between.
"""

from __future__ import annotations

import argparse
import html
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dragoman

BATCH = 256
NEAR = 25
"""Characters between two words that are marked together."""


@dataclass(frozen=True)
class Case:
    """A marked sentence.

    Attributes:
        kind: of the case.
        source: HTML.
        wanted: of each tag, in order, the pattern of what it should hold.
    """

    kind: str
    source: str
    wanted: tuple[str, ...]


def read_words(path: Path, source: str, target: str) -> dict[str, str]:
    """Words, and a pattern of their accepted translations."""
    header, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    ours, theirs = header.index(source), header.index(target)
    return {row[ours]: "|".join(word.strip() for word in row[theirs].split(",")) for row in rows}


def cases_of(sentence: str, words: Mapping[str, str]) -> Iterator[Case]:
    """The sentence with each of its known words marked, and with two of them."""
    found = []
    for word in words:
        places = [match.span() for match in re.finditer(rf"\b{re.escape(word)}\b", sentence, re.IGNORECASE)]
        if len(places) == 1:
            found.append((*places[0], word))
    for start, stop, word in found:
        yield Case("one word", _marked(sentence, [(start, stop, "b")]), (words[word],))
    for first, second in itertools.combinations(sorted(found), 2):
        (start, _, one), (_, stop, other) = first, second
        both = [(*first[:2], "b"), (*second[:2], "i")]
        patterns = (words[one], words[other])
        yield Case("two tags", _marked(sentence, both), patterns)
        if second[0] - first[1] <= NEAR:
            yield Case("nested", _marked(sentence, [(start, stop, "a"), *both]), ("", *patterns))


def _marked(sentence: str, spans: Sequence[tuple[int, int, str]]) -> str:
    edges = [(start, -stop, f"<{tag}>") for start, stop, tag in spans]
    edges += [(stop, 1 - start, f"</{tag}>") for start, stop, tag in spans]
    edges.sort(key=lambda edge: (edge[0], edge[2][1] != "/", edge[1]))
    pieces, place = [], 0
    for at, _, tag in edges:
        pieces += (html.escape(sentence[place:at], quote=False), tag)
        place = at
    return "".join(pieces) + html.escape(sentence[place:], quote=False)


def judge(case: Case, translation: str) -> bool | None:
    """Whether all tags are right; None if the words are not there, or more than once."""
    text = re.sub("<[^>]*>", "", translation)
    for pattern in filter(None, case.wanted):
        if len(re.findall(rf"\b(?:{pattern})\b", text, re.IGNORECASE)) != 1:
            return None
    tags = re.findall(r"<(\w+)>", case.source)
    for tag, pattern in zip(tags, case.wanted, strict=True):
        inner = re.search(rf"<{tag}>(.*?)</{tag}>", translation)
        if inner is None:
            return False
        held = re.sub("<[^>]*>", "", inner[1])
        if pattern and not re.fullmatch(pattern, held, re.IGNORECASE):
            return False
        if not pattern and not re.search(r"^<[bi]>.*</[bi]>$", inner[1]):  # the link ends with its two words
            return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("words", type=Path)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--show", action="store_true", help="print what is wrong")
    options = parser.parse_args()
    words = read_words(options.words, options.source, options.target)
    lines = options.sentences.read_text(encoding="utf-8").splitlines()
    cases = [case for line in lines for case in cases_of(line, words)]
    right: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    with dragoman.Translator(dragoman.load(options.model)) as translator:
        for start in range(0, len(cases), BATCH):
            batch = cases[start : start + BATCH]
            found = translator.translate([case.source for case in batch], format="html", source_language=options.source)
            for case, translation in zip(batch, found, strict=True):
                verdict = judge(case, translation.text)
                if verdict is None:
                    continue
                judged[case.kind] += 1
                right[case.kind] += verdict
                if options.show and not verdict:
                    print(case.kind, case.source, translation.text, sep="\n  ")
    for kind, count in judged.items():
        print(f"{kind}: {right[kind]} of {count} right, {right[kind] / count:.1%}")


if __name__ == "__main__":
    main()
