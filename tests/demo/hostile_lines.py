"""Lines that no demo model was made for: other languages and scripts, code, noise."""

from __future__ import annotations

import random
from pathlib import Path

_FOREIGN = Path(__file__).with_name("foreign.txt").read_text(encoding="utf-8").splitlines()
_CODE = Path(__file__).with_name("code.txt").read_text(encoding="utf-8").splitlines()


def _between(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


_ALPHABETS = (
    _between(0x61, 0x7A),
    _between(0x41, 0x5A),
    _between(0x30, 0x39),
    _between(0x21, 0x2F) + _between(0x3A, 0x40) + _between(0x5B, 0x60) + _between(0x7B, 0x7E),
    _between(0xC0, 0xFF),
    _between(0x3B1, 0x3C9),
    _between(0x430, 0x44F),
    _between(0x5D0, 0x5EA),
    _between(0x627, 0x64A),
    _between(0x905, 0x939),
    _between(0x3041, 0x3093),
    _between(0x4E00, 0x4FFF),
    _between(0x1F600, 0x1F64F) + "\u200d\ufe0f",
    _between(0x300, 0x310) + "\u200d\u200b\u00ad\ufeffaeo",
)


def lines(count: int, seed: int) -> list[str]:
    """So many lines, the same for the same seed; none empty, none with a line break."""
    chance = random.Random(seed)
    makers = (_foreign, _code, _noise, _noise, _repeated, _shuffled)
    return [chance.choice(makers)(chance) for _ in range(count)]


def _foreign(chance: random.Random) -> str:
    words = chance.choice(_FOREIGN).split()
    first = chance.randrange(len(words))
    return chance.choice((" ".join(words), " ".join(words[first:]), " ".join(words).upper()))


def _code(chance: random.Random) -> str:
    line = chance.choice(_CODE)
    return line if chance.random() < 0.5 else line[chance.randrange(len(line)) :].strip() or line


def _noise(chance: random.Random) -> str:
    alphabet = chance.choice(_ALPHABETS) + chance.choice(("", "", chance.choice(_ALPHABETS)))
    return " ".join("".join(chance.choices(alphabet, k=chance.randint(1, 12))) for _ in range(chance.randint(1, 8)))


def _repeated(chance: random.Random) -> str:
    unit = chance.choice(("a", "ha", "no ", "!", "?!", "=-", "ich ", "OK ", "1", "la la ", "la, ", "(", "test "))
    return (unit * chance.randint(2, 40)).strip()


def _shuffled(chance: random.Random) -> str:
    words = " ".join(chance.sample(_FOREIGN + _CODE, 2)).split()
    chance.shuffle(words)
    return " ".join(words[: chance.randint(2, 10)])
