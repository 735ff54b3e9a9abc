"""Word lists of Debian packages: Ding (trans-de-en) and FreeDict (dict-freedict-eng-fra, dict-freedict-fra-eng).

Both are under the GPL, version 2 or later. A dictionary says what a word *can* mean; ``best`` keeps what it mostly
means, judged by how often the two words stand in the same sentence pair.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from data import Pairs

DING = Path("/usr/share/trans/de-en")
FREEDICT = Path("/usr/share/dictd")

_NOTE = re.compile(r"\{[^}]*\}|\[[^]]*\]|\([^)]*\)|<[^>]*>|/[^/]*/")
_LISTS = re.compile(r"[\[({<][^\])}>]*[;|][^\])}>]*[\])}>]")  # notes that hold a separator
_GENDER = re.compile(r"\{([mfn])\}")
_HEADWORD = re.compile(r"^(\S.*?) /[^/]+/(.*)$")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")


@dataclass(frozen=True)
class Entry:
    """An English expression, one in the other language, and the gender of that if it is a noun's."""

    english: str
    other: str
    gender: str = ""


def ding(path: Path = DING) -> Iterator[Entry]:
    """German entries: ``Hund {m}; Köter {m} | Hunde {pl} :: dog; mutt | dogs``. Only first and second synonyms."""
    for line in _lines(path):
        german, _, english = line.partition(" :: ")
        # The first group is the headword; the others are its forms and examples of its use.
        for place, (left, right) in enumerate(zip(german.split(" | "), english.split(" | "), strict=False)):
            if place and "{" not in left:
                continue
            for other in left.split(";")[:2]:
                gender = _GENDER.search(other)
                for translation in right.split(";")[:2]:
                    yield Entry(_cleaned(translation), _cleaned(other), gender[1] if gender else "")


def ding_sentences(path: Path = DING) -> Iterator[tuple[str, str]]:
    """English and German of the examples that are whole sentences."""
    for line in _lines(path):
        german, _, english = line.partition(" :: ")
        left, right = german.split(" | "), english.split(" | ")
        if len(left) != len(right):
            continue
        for one, other in zip(left, right, strict=True):
            pair = (_cleaned(other.partition(";")[0]), _cleaned(one.partition(";")[0]))
            if all(re.fullmatch(r"\w[^/…~|\[\]]*[.!?]", side) and " " in side for side in pair):
                yield pair


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if " :: " in line and not line.startswith("#"):
            yield _LISTS.sub("", line)


def freedict(folder: Path = FREEDICT) -> Iterator[Entry]:
    """French entries, from the lists of both directions."""
    for name, english_first in (("freedict-eng-fra", True), ("freedict-fra-eng", False)):
        text = gzip.decompress((folder / f"{name}.dict.dz").read_bytes()).decode("utf-8")
        headword = gender = ""
        for line in text.splitlines():
            if match := _HEADWORD.match(line):
                headword, rest = _cleaned(match[1]), match[2]
                gender = next((one for one in ("masc", "fem") if f", {one}" in rest), "")[:1]
            elif headword and line.strip():
                for translation in re.sub(r"^\s*\d+\.", "", line).split(","):
                    pair = (headword, _cleaned(translation))
                    yield Entry(*(pair if english_first else pair[::-1]), gender)


def best(entries: Iterable[Entry], pairs: Pairs, *, english_is_source: bool, words: int) -> list[Entry]:
    """For each source expression its likeliest translation; only expressions of words that the pairs know.

    Args:
        entries: of any order and quality.
        pairs: sentence pairs, source side first, which say what is usual.
        english_is_source: the direction.
        words: the longest expression that is kept.
    """
    sources = [set(map(str.lower, _WORD.findall(line))) for line in pairs.sources]
    targets = [set(map(str.lower, _WORD.findall(line))) for line in pairs.targets]
    often_source = Counter(word for line in sources for word in line)
    often_target = Counter(word for line in targets for word in line)
    lines: dict[str, set[int]] = defaultdict(set)
    lines_target: dict[str, set[int]] = defaultdict(set)
    for k, (left, right) in enumerate(zip(sources, targets, strict=True)):
        for word in left:
            lines[word].add(k)
        for word in right:
            lines_target[word].add(k)

    def worth(source: str, target: str) -> float:
        """Dice's coefficient of the rarest words of both, and a little for a usual target."""
        key = min(_WORD.findall(source.lower()), key=lambda word: often_source[word])
        value = min(_WORD.findall(target.lower()), key=lambda word: often_target[word])
        together = len(lines[key] & lines_target[value])
        total = often_source[key] + often_target[value]
        return (2 * together / total if total else 0.0) + 1e-5 * min(often_target[value], 100)

    chosen: dict[str, tuple[float, Entry]] = {}
    for entry in entries:
        source, target = (entry.english, entry.other) if english_is_source else (entry.other, entry.english)
        left, right = _WORD.findall(source.lower()), _WORD.findall(target.lower())
        if not left or not right or max(len(left), len(right)) > words:
            continue
        if not all(often_source[word] for word in left):
            continue
        if len(left) > 1 and not all(often_target[word] for word in right):
            continue
        score = worth(source, target)
        if source not in chosen or score > chosen[source][0]:
            chosen[source] = (score, entry)
    return [entry for _, entry in chosen.values()]


def _cleaned(text: str) -> str:
    return " ".join(_NOTE.sub(" ", text).replace("\u2019", "'").split()).strip(" ,;")
