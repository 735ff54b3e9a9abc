"""Translated files waiting to be fetched: in memory, under names that cannot be guessed, for a limited time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath

from dragoman.documents.translate import translate_bytes
from dragoman.documents.unit import Settings
from dragoman.errors import DragomanError
from dragoman.service.service import Service

__all__ = ["Stored", "StoredFiles", "translate_upload"]

_MOST_BYTES = 512 << 20


@dataclass(slots=True)
class Stored:
    """One file. ``owner``: who may fetch it, where keys are used; ``error``: why it could not be made."""

    name: str
    owner: str
    made: float = field(default_factory=time.monotonic)
    data: bytes | None = None
    error: str = ""
    characters: int = 0
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    task: asyncio.Task[None] | None = None


class StoredFiles:
    """Used from the event loop only. ``lifetime``: seconds that a file is kept."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._files: dict[str, Stored] = {}

    def keep(self, stored: Stored) -> str:
        """Returns an id that nobody can guess."""
        self._forget()
        number = secrets.token_urlsafe(24)
        self._files[number] = stored
        return number

    def find(self, number: str) -> Stored | None:
        self._forget()
        return self._files.get(number)

    def drop(self, number: str) -> None:
        self._files.pop(number, None)

    def _forget(self) -> None:
        """The old ones; and the oldest while all take too much memory."""
        now = time.monotonic()
        for number, stored in list(self._files.items()):
            if now - stored.made > self._lifetime:
                self._end(number, stored)
        while sum(len(stored.data or b"") for stored in self._files.values()) > _MOST_BYTES:
            number = next(iter(self._files))
            self._end(number, self._files[number])

    def _end(self, number: str, stored: Stored) -> None:
        if stored.task is not None:
            stored.task.cancel()
        del self._files[number]


def safe_name(name: str, target: str) -> str:
    """A file name with the language before its suffix, and nothing that leads elsewhere."""
    last = PurePath(name.replace("\\", "/")).name
    plain = "".join(letter for letter in last if letter.isprintable() and letter not in '"/:')
    path = PurePath(plain[-120:] or "file")
    return f"{path.stem}.{target}{path.suffix}"


async def translate_upload(
    service: Service, data: bytes, name: str, source: str, target: str, caller: str, charge: Callable[[int], None]
) -> tuple[bytes, int]:
    """The translated file, and its characters. On a thread; the service takes its portions in turn with others.

    Raises: as `dragoman.translate_file`, and what ``charge`` raises.
    """

    def work() -> tuple[bytes, int]:
        size = 0

        def translate(texts: list[str], **settings: object) -> object:
            nonlocal size
            characters = sum(map(len, texts))
            size += characters
            charge(characters)
            return service.translate(texts, route=(source, target), caller=caller, **settings)  # type: ignore[call-overload]

        found = translate_bytes(data, name, translate, settings=Settings(source=source, target=target))  # type: ignore[arg-type]
        return found.data, size

    return await asyncio.to_thread(work)


def error_text(error: Exception) -> str:
    """For whoever sent the file."""
    return str(error) if isinstance(error, DragomanError) else "An error within the server."
