"""What stands in the slots of a template: names, numbers, dates, money, addresses, in each language's own writing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import lists
from babel import Locale
from babel.dates import get_day_names, get_month_names
from babel.numbers import format_decimal

Filling = dict[str, str]
"""The same thing by language."""

LANGUAGES = ("en", "de", "fr")
_CURRENCIES = (
    ("€", ("euros", "Euro", "euros")),
    ("$", ("dollars", "Dollar", "dollars")),
    ("£", ("pounds", "Pfund", "livres")),
)


def _same(text: str) -> Filling:
    return dict.fromkeys(LANGUAGES, text)


def _named(names: Callable[[], list[lists.Name]]) -> Callable[[random.Random], Filling]:
    def draw(chance: random.Random) -> Filling:
        name = chance.choice(names())
        return {language: name.in_(language) for language in LANGUAGES}

    return draw


def _rare(chance: random.Random) -> Filling:
    """A name that nobody has, as firms, products and people from far away have them."""
    word = "".join(chance.choices(lists.fillers("syllables"), k=chance.choice((2, 2, 3, 3, 4)))).capitalize()
    draw = chance.random()
    if draw < 0.1:
        word = word.upper()
    elif draw < 0.2:
        word = f"{word}-{chance.randrange(1, 1000)}"
    elif draw < 0.3:
        word += " " + "".join(chance.choices(lists.fillers("syllables"), k=2)).capitalize()
    elif draw < 0.4:
        word = chance.choice(lists.people()).en
    return _same(word)


def _formatted(number: float, digits: str) -> Filling:
    return {
        language: format_decimal(number, digits, locale=Locale(language)).replace("\u202f", " ").replace("\xa0", " ")
        for language in LANGUAGES
    }


def _whole(chance: random.Random) -> Filling:
    return _same(str(chance.choice((chance.randint(2, 12), chance.randint(2, 99), chance.randint(10, 999)))))


def _large(chance: random.Random) -> Filling:
    return _formatted(chance.choice((chance.randint(1000, 99999), 1000 * chance.randint(1, 999))), "#,##0")


def _decimal(chance: random.Random) -> Filling:
    if chance.random() < 0.5:
        return _formatted(chance.randint(2, 99) / 10, "0.0")
    return _formatted(chance.randint(101, 9999) / 100, "0.00")


def _time(chance: random.Random) -> Filling:
    hour, minute = chance.randint(6, 23), chance.choice((0, 15, 30, 45, chance.randint(0, 59)))
    text = f"{hour}:{minute:02}"
    return _same(text) if chance.random() < 0.7 else {"en": text, "de": text, "fr": f"{hour}h{minute:02}"}


def _money(chance: random.Random) -> Filling:
    number = _whole(chance) if chance.random() < 0.6 else _formatted(chance.randint(100, 99999) / 100, "#,##0.00")
    sign, words = chance.choice(_CURRENCIES)
    if chance.random() < 0.5:
        return {language: f"{number[language]} {word}" for language, word in zip(LANGUAGES, words, strict=True)}
    return {"en": sign + number["en"], "de": f"{number['de']} {sign}", "fr": f"{number['fr']} {sign}"}


def _web(chance: random.Random) -> Filling:
    start = chance.choice(("https://", "https://", "https://www.", "http://", "www.", ""))
    return _same(start + chance.choice(lists.fillers("domains")) + chance.choice(["", *lists.fillers("paths")]))


def _mail(chance: random.Random) -> Filling:
    return _same(chance.choice(lists.fillers("mailboxes")) + "@" + chance.choice(lists.fillers("domains")))


def _code(chance: random.Random) -> Filling:
    letters = "".join(chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=chance.randint(1, 3)))
    number = chance.randint(10, 99999)
    name = "".join(chance.choices(lists.fillers("syllables"), k=2))
    forms = (f"{letters}{number}", f"{letters}-{number}", f"{name}.txt", f"{name}.pdf", f"{name}_{number}")
    return _same(chance.choice(forms))


def _calendar(names: Callable[..., Mapping[Any, str]], first: int, last: int) -> Callable[[random.Random], Filling]:
    tables = {language: names("wide", locale=Locale(language)) for language in LANGUAGES}

    def draw(chance: random.Random) -> Filling:
        which = chance.randint(first, last)
        return {language: tables[language][which] for language in LANGUAGES}

    return draw


FILLERS: dict[str, Callable[[random.Random], Filling]] = {
    "p": _named(lists.people),
    "q": _named(lists.people),
    "f": _named(lists.families),
    "g": _named(lists.families),
    "x": _rare,
    "c": _named(lists.cities),
    "d": _named(lists.cities),
    "l": _named(lists.languages),
    "n": _whole,
    "k": _whole,
    "N": _large,
    "r": _decimal,
    "o": lambda chance: _same(str(chance.randint(1, 31))),
    "m": _calendar(get_month_names, 1, 12),
    "w": _calendar(get_day_names, 0, 6),
    "y": lambda chance: _same(str(chance.choice((chance.randint(1600, 2035), chance.randint(1900, 2035))))),
    "t": _time,
    "e": _money,
    "u": _web,
    "a": _mail,
    "h": lambda chance: _same(chance.choice(lists.fillers("placeholders"))),
    "j": lambda chance: _same(chance.choice(lists.fillers("emoji"))),
    "s": _code,
}
