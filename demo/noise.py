"""What people do to a sentence without changing what it says: both sides of a pair get the same treatment."""

from __future__ import annotations

import random
import re

Pair = tuple[str, str]

_END = re.compile(r"\s*[.!?…]+$")


def upper(pair: Pair) -> Pair:
    """ALL CAPITALS; German ß stays legible as SS."""
    return pair[0].upper(), pair[1].upper()


def lower_source(pair: Pair) -> Pair:
    """The reader gets proper spelling back for a line without capitals."""
    return pair[0].lower(), pair[1]


def title(pair: Pair) -> Pair:
    """Each Word With A Capital."""
    return tuple(re.sub(r"(?<![\w'\u2019])\w", lambda one: one[0].upper(), side) for side in pair)  # type: ignore[return-value]


def no_end(pair: Pair) -> Pair:
    """No final punctuation."""
    return _END.sub("", pair[0]), _END.sub("", pair[1])


def small_start(pair: Pair) -> Pair:
    """No capital at the beginning, no final punctuation; German nouns of one word keep theirs."""
    left, right = no_end(pair)
    return left[:1].lower() + left[1:], right[:1].lower() + right[1:]


def typographic(pair: Pair) -> Pair:
    """Curly apostrophes at the source."""
    return pair[0].replace("'", "\u2019"), pair[1]


def doubled_end(pair: Pair) -> Pair:
    """More than one exclamation or question mark."""
    mark = pair[0][-1:]
    return (pair[0] + mark * 2, pair[1] + mark * 2) if mark in ("!", "?") else pair


def spoiled(pair: Pair, chance: random.Random) -> Pair:
    """Most pairs stay as they are."""
    draw = chance.random()
    for limit, change in _CHANGES:
        if draw < limit:
            return change(pair)
        draw -= limit
    return pair


_CHANGES = (
    (0.050, upper),
    (0.030, lower_source),
    (0.010, title),
    (0.050, no_end),
    (0.015, small_start),
    (0.040, typographic),
    (0.010, doubled_end),
)
