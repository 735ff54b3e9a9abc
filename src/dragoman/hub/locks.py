"""A lock between processes: one of them at a time changes a model or the lock file. Released when its process ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["exclusive"]

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def exclusive(path: Path, pause: Callable[[float], Any]) -> Iterator[None]:
    """Hold a lock on a file, which is made where it is not. ``pause`` waits so many seconds, and may raise.

    Raises OSError where the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                _try(descriptor)
                break
            except OSError:
                pause(0.05)
        yield
    finally:
        os.close(descriptor)
