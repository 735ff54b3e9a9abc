"""Back ends by name: imported when they are asked for."""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

from dragoman.backends.protocol import Backend
from dragoman.errors import OptionsError

__all__ = ["BackendName", "find_backend"]

BackendName = Literal["native", "reference"]


@cache
def find_backend(name: str) -> Backend:
    """One object for a process. Raises OptionsError if there is none of that name."""
    if name == "native":
        from dragoman.backends.native import NativeBackend

        return NativeBackend()
    if name == "reference":
        from dragoman.backends.reference import ReferenceBackend

        return ReferenceBackend()
    raise OptionsError("backend", name, "one of " + ", ".join(get_args(BackendName)))
