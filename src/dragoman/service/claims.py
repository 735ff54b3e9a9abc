"""What the fleet was asked to load for each key of the queues, until it was used or nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dragoman.errors import DragomanError
from dragoman.fleet.entries import Claim
from dragoman.fleet.fleet import Fleet
from dragoman.model import Model
from dragoman.service.requests import Work

__all__ = ["Claims"]


class Claims:
    """At most one claim for a key. All but the release is done under the service's lock.

    Args:
        fleet: of the models.
        arrived: told on a thread of the fleet's that the models of a key are in memory, or why not.
    """

    def __init__(self, fleet: Fleet, arrived: Callable[[Work, DragomanError | None], None]) -> None:
        self._fleet, self._arrived = fleet, arrived
        self._claims: dict[Work, Claim] = {}

    def acquire(self, work: Work) -> tuple[Model, ...] | None:
        """The models of a batch; None if they are not in memory: then they will arrive.

        Raises:
            ServiceClosedError: the fleet was closed.
            UnavailableError: no thread can be started that would load them.
        """
        claim = self._claims.get(work)
        found = self._fleet.acquire(work.entries, claimed=claim is not None)
        if found is None:
            if claim is None:
                self._claims[work] = self._fleet.claim(work.entries, lambda error: self._arrived(work, error))
        elif claim is not None:
            del self._claims[work]
            self._fleet.release_claim(claim)
        return found

    def take(self, works: Iterable[Work]) -> list[tuple[Work, Claim]]:
        """Claims of these keys; to be released by who takes them, without the lock."""
        return [(work, self._claims.pop(work)) for work in works if work in self._claims]

    def take_all(self) -> list[tuple[Work, Claim]]:
        return self.take(list(self._claims))

    def release(self, taken: Iterable[tuple[Work, Claim]]) -> None:
        for _, claim in taken:
            self._fleet.release_claim(claim)
