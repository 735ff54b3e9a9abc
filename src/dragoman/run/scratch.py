"""One worker's scratch memory: a workspace for each back end it has run, and the flag that stops its flights."""

from __future__ import annotations

from dragoman.backends.protocol import Backend, Workspace
from dragoman.host import stop_flag

__all__ = ["Scratch"]

_FIRST = 1 << 20


class Scratch:
    """Belongs to one worker; any model runs on it next.

    Args:
        limit: most bytes of each workspace, which grows as batches need it, between batches.

    Attributes:
        stop: raised by anybody, it ends the flight at hand within a step.
    """

    def __init__(self, limit: int) -> None:
        self._first, self._limit = min(_FIRST, limit), limit
        self._workspaces: dict[str, Workspace] = {}
        self.stop = stop_flag()

    def of(self, backend: Backend) -> Workspace:
        """The workspace for a flight on this back end, made when it is needed first."""
        found = self._workspaces.get(backend.name)
        if found is None:
            found = self._workspaces[backend.name] = backend.workspace(self._first, self._limit)
        return found

    @property
    def size(self) -> int:
        """Bytes, of all."""
        return sum(workspace.size for workspace in list(self._workspaces.values()))

    @property
    def grown(self) -> bool:
        """Whether a workspace has more than it began with."""
        return any(workspace.size > self._first for workspace in list(self._workspaces.values()))

    def free(self) -> None:
        """Give everything back. Only between flights; the next one begins anew."""
        self._workspaces.clear()
