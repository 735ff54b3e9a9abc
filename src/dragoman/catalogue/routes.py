"""From language to language through a fleet's models: a pure function."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from itertools import count, pairwise

from dragoman.errors import OptionsError
from dragoman.languages import language_distance

__all__ = ["find_route"]


def find_route(stops: Sequence[str], languages: Mapping[str, tuple[str, str] | None]) -> tuple[str, ...]:
    """The models to apply one after the other.

    Args:
        stops: names of models, or two or more languages, spelled in any way (`dragoman.languages`).
        languages: source and target language of each model by its name, or None. Of several models for one
            pair the first is taken.

    Raises:
        OptionsError: there is no way, or ``stops`` are too few.
    """
    names = tuple(stops) if isinstance(stops, (tuple, list)) else ()
    if not names or not all(isinstance(stop, str) for stop in names):
        raise OptionsError("route", stops, 'a sequence of names of models or languages, such as ("de", "en")')
    if all(name in languages for name in names):
        return names
    if len(names) < 2:
        raise OptionsError("route", names, "names of models, or at least two languages")
    found: list[str] = []
    for source, target in pairwise(names):
        leg = _shortest(source, target, languages)
        if leg is None:
            pairs = sorted({"-".join(pair) for pair in languages.values() if pair})
            raise OptionsError("route", f"{source}-{target}", f"made of {', '.join(pairs) or 'models with languages'}")
        found += leg
    return tuple(found)


def _shortest(source: str, target: str, languages: Mapping[str, tuple[str, str] | None]) -> tuple[str, ...] | None:
    """Fewest models from one language to another; of equally many, those of the nearest languages. None: no way."""
    if language_distance(source, target) == 0:
        return None
    order = count()
    ways: list[tuple[int, int, int, str, tuple[str, ...]]] = [(0, 0, next(order), source, ())]
    passed: set[str] = set()
    while ways:
        legs, steps, _, here, way = heapq.heappop(ways)
        if here in passed:
            continue
        passed.add(here)
        if way and here == target:
            return way
        if way and (distance := language_distance(here, target)) is not None:
            heapq.heappush(ways, (legs, steps + distance, next(order), target, way))
        for name, pair in languages.items():
            if pair is None or pair[1] in passed:
                continue
            if (distance := language_distance(here, pair[0])) is not None:
                heapq.heappush(ways, (legs + 1, steps + distance, next(order), pair[1], (*way, name)))
    return None
