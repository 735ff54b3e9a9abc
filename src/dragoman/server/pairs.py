"""Which languages a server translates between, and how clients write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dragoman.fleet.fleet import Fleet
from dragoman.languages import canonical_code, closest_language, language_name

__all__ = ["Pairs", "pairs_of"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Direct pairs, and what one language between them makes of them.

    Attributes:
        targets: of each source language its target languages, sorted.
    """

    targets: dict[str, tuple[str, ...]]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(sorted(self.targets))

    @property
    def all_targets(self) -> tuple[str, ...]:
        return tuple(sorted({target for targets in self.targets.values() for target in targets}))

    def source(self, wanted: str) -> str | None:
        """The closest source language, however it is spelled; None if there is none."""
        return closest_language(wanted, self.sources)

    def target(self, source: str, wanted: str) -> str | None:
        """The closest language that ``source`` can be translated into."""
        return closest_language(wanted, self.targets.get(source, ()))

    def name(self, language: str) -> str:
        """For people, in English."""
        return language_name(language)


def pairs_of(fleet: Fleet) -> Pairs:
    """Of the models that a fleet has now."""
    direct = _direct(fleet.pairs())
    found: dict[str, set[str]] = {}
    for source, targets in direct.items():
        reached = set(targets)
        for between in targets:
            reached |= direct.get(between, set())
        found[source] = reached - {source}
    return Pairs({source: tuple(sorted(targets)) for source, targets in found.items() if targets})


def _direct(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for source, target in pairs:
        found.setdefault(canonical_code(source), set()).add(canonical_code(target))
    return found
