"""Which models are in memory, and which leave for others: a pure data structure, without threads or clocks.

`dragoman.fleet.fleet` keeps its models by it, and `dragoman.fleet.simulate` replays traces through it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["POLICIES", "Residency", "Resident"]

_Key = TypeVar("_Key", bound=Hashable)


@dataclass
class Resident(Generic[_Key]):
    """A model in memory, or on its way there.

    Attributes:
        size: bytes.
        since, used: when it came and when it was last used, on the caller's clock.
        uses: how often it was used, ever.
    """

    key: _Key
    size: int
    since: float
    used: float
    uses: int = 0


POLICIES: dict[str, Callable[[Resident[object]], tuple[float, ...]]] = {
    "lru": lambda one: (one.used,),
    "lfu": lambda one: (one.uses, one.used),
    "fifo": lambda one: (one.since,),
    "largest-first": lambda one: (-one.size, one.used),
}
"""Who leaves first: the model of the least value."""


class Residency(Generic[_Key]):
    """Models in memory under a budget of bytes.

    Args:
        budget: most bytes, or None: all that are used stay.
        policy: a name in `POLICIES`.
    """

    def __init__(self, budget: int | None, policy: str = "lru") -> None:
        self.budget, self.policy = budget, policy
        self._value: Callable[[Resident[_Key]], tuple[float, ...]] = POLICIES[policy]  # type: ignore[assignment]
        self._residents: dict[_Key, Resident[_Key]] = {}
        self._uses: dict[_Key, int] = {}
        self.total = 0

    def __contains__(self, key: _Key) -> bool:
        return key in self._residents

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._residents)

    def get(self, key: _Key) -> Resident[_Key] | None:
        return self._residents.get(key)

    def add(self, key: _Key, size: int, now: float) -> None:
        """A model comes in; may exceed the budget, if the caller found no `victims` for it."""
        assert key not in self._residents
        self._residents[key] = Resident(key, size, now, now, self._uses.get(key, 0))
        self.total += size

    def resize(self, key: _Key, size: int) -> None:
        """Its size is known better now."""
        resident = self._residents[key]
        self.total += size - resident.size
        resident.size = size

    def use(self, key: _Key, now: float) -> None:
        resident = self._residents[key]
        resident.used = max(resident.used, now)
        resident.uses += 1
        self._uses[key] = resident.uses

    def remove(self, key: _Key) -> None:
        self.total -= self._residents.pop(key).size

    def forget(self, key: _Key) -> None:
        """The model will not come back: its uses need not be remembered."""
        self._uses.pop(key, None)

    def victims(self, wanted: int, may_leave: Callable[[_Key], bool]) -> list[_Key] | None:
        """Who must leave so that ``wanted`` more bytes fit, in that order; None if not enough may leave."""
        if self.budget is None or self.total + wanted <= self.budget:
            return []
        excess = self.total + wanted - self.budget
        found: list[_Key] = []
        for resident in sorted(self._residents.values(), key=self._value):
            if excess <= 0:
                break
            if may_leave(resident.key):
                found.append(resident.key)
                excess -= resident.size
        return found if excess <= 0 else None

    def idle(self, before: float) -> list[_Key]:
        """Those not used since ``before``."""
        return [key for key, resident in self._residents.items() if resident.used < before]
