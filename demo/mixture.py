"""What one epoch is made of: all sentence pairs, a fresh sample of everything else."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

import data
import dictionaries
import lists
import noise
import phrases
import slots
from data import Direction, Pairs


@dataclass(frozen=True)
class Sources:
    """Everything a direction learns from, as (source, target)."""

    direction: Direction
    sentences: list[noise.Pair]
    examples: list[noise.Pair]
    entries: list[dictionaries.Entry]
    counts: dict[str, int]

    @classmethod
    def read(cls, folder: Path, direction: Direction, counts: dict[str, int]) -> Sources:
        """Read the corpora. ``counts`` says how many lines of each kind an epoch has."""
        pairs = data.read(folder, direction, "train")
        german = direction.other == "de"
        entries = dictionaries.best(
            dictionaries.ding() if german else dictionaries.freedict(),
            pairs,
            english_is_source=direction.source == "en",
            words=2,
        )
        examples = sorted(set(dictionaries.ding_sentences())) if german else []
        turned = [pair if direction.source == "en" else pair[::-1] for pair in examples]
        sentences = [pair for pair in zip(pairs.sources, pairs.targets, strict=True) if _is_wanted(pair, direction)]
        return cls(direction, sentences, turned, entries, counts)

    def epoch(self, seed: int) -> Pairs:
        """The pairs of one epoch; the same for the same seed."""
        chance = random.Random(seed)
        some = chance.sample(self.sentences, min(self.counts["sentences"], len(self.sentences)))
        lines = [noise.spoiled(_renamed(pair, chance), chance) for pair in some]
        lines += self._sample(self.examples, "examples", chance)
        lines += [self._word(chance.choice(self.entries), chance) for _ in range(self.counts["entries"])]
        lines += [self._phrase(chance) for _ in range(self.counts["phrases"])]
        lines += [self._single(chance) for _ in range(self.counts["words"])]
        lines += [self._template(chance) for _ in range(self.counts["templates"])]
        lines += [self._place(chance) for _ in range(self.counts["places"])]
        lines += [_nonsense(chance) for _ in range(self.counts["nonsense"])]
        lines += [self._two(chance) for _ in range(self.counts["two_sentences"])]
        lines = [(left.strip(), right.strip()) for left, right in lines]
        lines = [pair for pair in lines if all(pair)]
        return Pairs([left for left, _ in lines], [right for _, right in lines])

    def described(self) -> list[tuple[str, str, int]]:
        """Name, licence and lines of each source, for the model card."""
        words = "Ding (trans-de-en)" if self.direction.other == "de" else "FreeDict eng-fra and fra-eng"
        own = len(phrases.phrases()) + len(phrases.words()) + len(phrases.nouns()) + len(phrases.templates())
        found = [
            ("sentence pairs of tatoeba.org by www.manythings.org/anki", "CC BY 2.0 FR", len(self.sentences)),
            (f"{words}, entries", "GPL 2 or later", len(self.entries)),
            (f"{words}, sentences", "GPL 2 or later", len(self.examples)),
            ("CLDR names of countries, languages, months, days (babel)", "Unicode 3.0", len(lists.all_territories())),
            ("phrases, nouns and templates written for these models", "MIT", own),
        ]
        return [one for one in found if one[2]]

    def everything(self, seed: int) -> Pairs:
        """All sentences and examples and eight epochs' worth of the rest, for what counts words."""
        every = replace(self, counts={**self.counts, "sentences": 0, "examples": 0})
        rest = [every.epoch(seed + k) for k in range(8)]
        plain = self.sentences + self.examples
        return Pairs(
            [left for left, _ in plain] + [line for pairs in rest for line in pairs.sources],
            [right for _, right in plain] + [line for pairs in rest for line in pairs.targets],
        )

    def _sample(self, lines: list[noise.Pair], name: str, chance: random.Random) -> list[noise.Pair]:
        if not lines:
            return []
        return [noise.spoiled(chance.choice(lines), chance) for _ in range(self.counts[name])]

    def _word(self, entry: dictionaries.Entry, chance: random.Random) -> noise.Pair:
        """A dictionary entry, sometimes capitalised, in capitals, or with an article or a full stop."""
        english, other = entry.english, entry.other
        draw = chance.random()
        articles = _ARTICLES[self.direction.other].get(entry.gender)
        if articles and draw < 0.25 and not english.endswith("s"):
            which = chance.randrange(2)
            vowel = english[:1].lower() in "aeiou"
            english = (("an " if vowel else "a ") if which else "the ") + english
            article = articles[which]
            if article in ("le ", "la ") and other[:1].lower() in "aeiouéèêhâîôœ":
                article = "l'"
            other = article + other
        pair = self._turned((english, other))
        return _dressed(pair, chance)

    def _phrase(self, chance: random.Random) -> noise.Pair:
        """An everyday phrase, more often without its end or in capitals than a sentence."""
        pair = self._versions(chance.choice(phrases.phrases()), chance)
        draw = chance.random()
        if draw < 0.18:
            return noise.upper(pair)
        if draw < 0.28:
            return noise.no_end(pair)
        if draw < 0.34:
            return noise.lower_source(pair)
        return noise.typographic(pair) if draw < 0.38 else pair

    def _single(self, chance: random.Random) -> noise.Pair:
        line = phrases.noun(chance) if chance.random() < 0.75 else chance.choice(phrases.words())
        return _dressed(self._versions(line, chance), chance)

    def _template(self, chance: random.Random) -> noise.Pair:
        line = phrases.filled(chance)
        pair = line[self.direction.source], line[self.direction.target]
        draw = chance.random()
        if draw < 0.06:
            return noise.no_end(pair)
        return noise.typographic(pair) if draw < 0.1 else pair

    def _place(self, chance: random.Random) -> noise.Pair:
        """The name of a country, a city or a language alone."""
        name = chance.choice(chance.choice((lists.all_territories, lists.cities, lists.languages))())
        return _dressed((name.in_(self.direction.source), name.in_(self.direction.target)), chance)

    def _versions(self, line: phrases.Line, chance: random.Random) -> noise.Pair:
        """Any version of the source, mostly the first of the target: one answer is easier to learn than many."""
        sources, targets = line.in_(self.direction.source), line.in_(self.direction.target)
        return chance.choice(sources), targets[0] if chance.random() < 0.8 else chance.choice(targets)

    def _turned(self, pair: noise.Pair) -> noise.Pair:
        return pair if self.direction.source == "en" else pair[::-1]

    def _two(self, chance: random.Random) -> noise.Pair:
        """Two short sentences on one line."""
        first, second = chance.choice(self.sentences), chance.choice(self.sentences)
        if chance.random() < 0.4:
            first = self._versions(chance.choice(phrases.phrases()), chance)
        if first[0][-1:] not in ".!?" or first[1][-1:] not in ".!?":
            first = (first[0] + ".", first[1] + ".")
        return f"{first[0]} {second[0]}", f"{first[1]} {second[1]}"


_ARTICLES = {
    "de": {"m": ("der ", "ein "), "f": ("die ", "eine "), "n": ("das ", "ein ")},
    "fr": {"m": ("le ", "un "), "f": ("la ", "une ")},
}


_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_BOOKISH = re.compile(r"[âîû](?:mes|tes)\b")
"""French first and second persons that nobody says: nous allâmes, vous fîtes."""


def _is_wanted(pair: noise.Pair, direction: Direction) -> bool:
    """Numbers stay digits, or stay words; and nobody is answered in the simple past of novels."""
    left, right = (sorted(re.sub(r"\D", "", one) for one in _NUMBER.findall(side)) for side in pair)
    return left == right and not (direction.target == "fr" and _BOOKISH.search(pair[1]))


_TOM = re.compile(r"\bTom\b")
_MARY = re.compile(r"\b(?:Mary|Maria|Marie)\b")


def _renamed(pair: noise.Pair, chance: random.Random) -> noise.Pair:
    """Tatoeba's Tom and Mary under other names, half of the time: a name must be copied, not known."""
    for pattern in (_TOM, _MARY):
        found = len(pattern.findall(pair[0]))
        if found and found == len(pattern.findall(pair[1])) and chance.random() < 0.5:
            name = slots.FILLERS[chance.choice("ppx")](chance)["en"]
            if chance.random() < 0.2:
                name += " " + chance.choice(lists.families()).en
            pair = (pattern.sub(name, pair[0]), pattern.sub(name, pair[1]))
    return pair


def _dressed(pair: noise.Pair, chance: random.Random) -> noise.Pair:
    """A word as people type it: capitalised, in capitals, with a full stop, or as it is."""
    draw = chance.random()
    if draw < 0.30:
        pair = (_capital(pair[0]), _capital(pair[1]))
    elif draw < 0.41:
        pair = noise.upper(pair)
    return (pair[0] + ".", pair[1] + ".") if chance.random() < 0.15 else pair


_BLOCKS = ("az", "AZ", "09", "\u03b1\u03c9", "\u0430\u044f", "\u05d0\u05ea", "\u0627\u064a", "\u0905\u0939")
_BLOCKS += ("\u3041\u3093", "\u4e00\u4eff", "\uac00\uacff", "\U0001f600\U0001f64f")
"""First and last character of scripts: Latin, digits, Greek, Cyrillic, ..., Hangul, emoji."""
_ALPHABETS = (
    "asdfghjkl",
    "+-*/=<>#~^|_;:",
    *("".join(map(chr, range(ord(block[0]), ord(block[1]) + 1))) for block in _BLOCKS),
)


def _nonsense(chance: random.Random) -> noise.Pair:
    """What is no language, and is best left alone: codes, numbers, foreign scripts, keyboards under cats."""
    draw = chance.random()
    if draw < 0.35:
        alphabet = chance.choice(_ALPHABETS)
        text = " ".join("".join(chance.choices(alphabet, k=chance.randint(1, 8))) for _ in range(chance.randint(1, 5)))
    else:
        kind = chance.choice("xxnNryttuuaahjjssso")
        text = slots.FILLERS[kind](chance)["en"]
        if kind in "Nr":
            text = text.replace(",", "")
        if chance.random() < 0.3:
            text += chance.choice((" ", ", ", " / ", " - ")) + slots.FILLERS[chance.choice("xnusj")](chance)["en"]
    return text, text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
