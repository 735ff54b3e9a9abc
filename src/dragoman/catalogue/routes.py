"""From language to language through a fleet's models: a pure function."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise

from dragoman.errors import OptionsError

__all__ = ["find_route"]


def find_route(stops: Sequence[str], languages: Mapping[str, tuple[str, str] | None]) -> tuple[str, ...]:
    """The models to apply one after the other.

    Args:
        stops: names of models, or two or more languages; case of languages does not matter.
        languages: source and target language of each model by its name, or None. Of several models for one
            pair the first is taken.

    Raises:
        OptionsError: there is no way, or ``stops`` are too few.
    """
    names = tuple(stops)
    if isinstance(stops, str) or not names or not all(isinstance(stop, str) for stop in names):
        raise OptionsError("route", stops, 'a sequence of names of models or languages, such as ("de", "en")')
    if all(name in languages for name in names):
        return names
    if len(names) < 2:
        raise OptionsError("route", names, "names of models, or at least two languages")
    found: list[str] = []
    for source, target in pairwise(name.lower() for name in names):
        leg = _shortest(source, target, languages)
        if leg is None:
            pairs = sorted({"-".join(pair) for pair in languages.values() if pair})
            raise OptionsError(
                "route", f"{source}-{target}", f"made of {', '.join(pairs) or 'models with languages'}"
            )
        found += leg
    return tuple(found)


def _shortest(source: str, target: str, languages: Mapping[str, tuple[str, str] | None]) -> list[str] | None:
    """Fewest models from one language to another; None: there is no way."""
    edges: dict[str, dict[str, str]] = {}
    for name, pair in languages.items():
        if pair is not None:
            edges.setdefault(pair[0].lower(), {}).setdefault(pair[1].lower(), name)
    ways: dict[str, list[str]] = {source: []}
    queue = deque([source])
    while queue and target not in ways:
        here = queue.popleft()
        for there, name in edges.get(here, {}).items():
            if there not in ways:
                ways[there] = [*ways[here], name]
                queue.append(there)
    return ways.get(target) if source != target else None
