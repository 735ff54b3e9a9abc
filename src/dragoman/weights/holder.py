"""What a model holds: weights that never change, and the way to make them again should their file be damaged."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dragoman.backends.protocol import PlacedWeights
from dragoman.errors import WeightsError
from dragoman.formats.prepared import decode_head
from dragoman.formats.prepared_facts import PreparedFacts
from dragoman.host import Region

__all__ = ["FileStamp", "Loaded", "WeightsHolder"]

_IN_MEMORY = Path("prepared weights")


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Which file lies at a path, and when anything about it changed last."""

    device: int
    inode: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        return cls(status.st_dev, status.st_ino, status.st_ctime_ns)

    def changed(self, path: Path | None) -> bool:
        """Whether the file is still there, and was changed. One removed or replaced by rename is nobody's any more."""
        try:
            now = FileStamp.of(os.stat(path)) if path is not None else self
        except OSError:
            return False
        return (now.device, now.inode) == (self.device, self.inode) and now.changed_ns != self.changed_ns


@dataclass(frozen=True, slots=True)
class Loaded:
    """One model's weights where its back end reads them.

    Attributes:
        placed: the weights.
        facts: what the prepared file says of the model.
        region: that they lie in; None for a back end that keeps nothing in files.
        path: the file that the region is mapped from, or None.
        stamp: of that file when it was mapped; None: not looked at again.
        details: of the model's options and shapes, where no region keeps them.
    """

    placed: PlacedWeights
    facts: PreparedFacts
    region: Region | None = None
    path: Path | None = None
    details: str = ""
    stamp: FileStamp | None = None

    @property
    def damaged(self) -> bool:
        """Whether the file was written to or cut short since. Also by somebody who put its times back: a write leaves
        another time of status (ctime), which cannot be set."""
        if self.region is None:
            return False
        return self.region.damaged or (self.stamp is not None and self.stamp.changed(self.path))


class WeightsHolder:
    """Hands out a model's weights, and renews them.

    A mapped file that somebody shortens or writes to cannot kill the process, but what was computed meanwhile is wrong.
    So a flight goes ``ready``, run, ``check``. Each `Loaded` is immutable; only which one is held changes.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._held = loaded
        self._lock = threading.Lock()
        self._renew: Callable[[], Loaded] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the weights."""
        return self._held.placed.nbytes

    @property
    def vocabulary(self) -> int:
        """Rows of the output layer."""
        return self._held.placed.vocabulary

    @property
    def facts(self) -> PreparedFacts:
        """What the prepared file says of the model."""
        return self._held.facts

    @property
    def path(self) -> Path | None:
        """The mapped file, or None."""
        return self._held.path

    @property
    def file_backed(self) -> bool:
        """Whether the weights lie in a mapped file, which all processes share."""
        return self._held.path is not None

    def details(self) -> Mapping[str, object]:
        """The model's ``options`` and ``shapes``, read again from the region. Errors: `ready`."""
        held = self.ready()
        text = held.details
        if held.region is not None:
            text = decode_head(memoryview(held.region), held.path or _IN_MEMORY, verify_payload=False).details
        details: Mapping[str, object] = json.loads(text)
        return details

    def renew_with(self, renew: Callable[[], Loaded]) -> None:
        """How to make the same weights again, should their file be damaged. May raise ModelError."""
        self._renew = renew

    def ready(self) -> Loaded:
        """Undamaged weights: made again before, where the file was damaged. Raises ModelError if that fails."""
        held = self._held
        return self._renewed(held) if held.damaged else held

    def check(self, used: Loaded) -> None:
        """After a flight on ``used``.

        Raises:
            WeightsError: the file was damaged meanwhile; the next flight finds the weights made again.
        """
        held = self._held
        if held is used and not held.damaged:
            return
        self._renewed(used)
        raise WeightsError(
            "all",
            f"the file of prepared weights {self.path} was changed or cut short while it was in use. The weights"
            " were prepared again: repeat the request.",
        )

    def _renewed(self, damaged: Loaded) -> Loaded:
        with self._lock:
            if self._held is damaged:
                if self._renew is None:
                    raise WeightsError("all", f"the file of prepared weights {self.path} is damaged: load again.")
                self._held = self._renew()
            return self._held
