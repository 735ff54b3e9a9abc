"""Folders to list, on this machine or by a web server's own index pages."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from dragoman.errors import DownloadError, HubError
from dragoman.hub.web import Web

__all__ = ["LocalPlace", "Place", "WebPlace"]

_LINK = re.compile(r"<a\s[^>]{0,400}?href\s*=\s*(?:\"([^\"]{1,400})\"|'([^']{1,400})')", re.IGNORECASE)
_MAX_ENTRIES = 5000


class Place(Protocol):
    """A folder somewhere. Names do not begin with a dot."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> str: ...

    def entries(self) -> tuple[list[str], list[str]]:
        """Names of files and of folders, sorted. Raises HubError."""

    def read(self, name: str, limit: int) -> bytes:
        """A file. Raises HubError."""

    def url(self, name: str) -> str:
        """The address of a file."""

    def inner(self, name: str) -> Place:
        """A folder in it."""


@dataclass(frozen=True)
class LocalPlace:
    """A folder of this machine."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def address(self) -> str:
        return str(self.path)

    def entries(self) -> tuple[list[str], list[str]]:
        files: list[str] = []
        folders: list[str] = []
        try:
            for entry in sorted(self.path.iterdir())[:_MAX_ENTRIES]:
                if not entry.name.startswith("."):
                    (folders if entry.is_dir() else files).append(entry.name)
        except OSError as error:
            raise HubError(f"{self.path} cannot be read: {error.strerror or error}.") from None
        return files, folders

    def read(self, name: str, limit: int) -> bytes:
        try:
            with (self.path / name).open("rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            raise HubError(f"{self.path / name} cannot be read: {error.strerror or error}.") from None
        if len(data) > limit:
            raise HubError(f"{self.path / name} has more than {limit:,} bytes.")
        return data

    def url(self, name: str) -> str:
        return str((self.path / name).resolve())

    def inner(self, name: str) -> LocalPlace:
        return LocalPlace(self.path / name)


@dataclass(frozen=True)
class WebPlace:
    """A folder of a web server that shows its contents as a page of links, as most do.

    Attributes:
        address: ends in a slash.
        page: its page, if that is known already.
    """

    web: Web
    address: str
    page: str | None = None

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.address).path.rstrip("/").rsplit("/", 1)[-1]) or "models"

    def entries(self) -> tuple[list[str], list[str]]:
        page = self.page if self.page is not None else self.web.get(self.address).body.decode("utf-8", "replace")
        here = urlsplit(self.address)
        names: set[str] = set()
        for match in _LINK.finditer(page):
            target = urlsplit(urljoin(self.address, html.unescape(match[1] or match[2])))
            if (target.scheme, target.netloc) != (here.scheme, here.netloc) or target.query:
                continue
            name = target.path.removeprefix(here.path) if target.path.startswith(here.path) else ""
            name = unquote(name)
            if name and "/" not in name.rstrip("/") and not name.startswith("."):
                names.add(name)
        ordered = sorted(names)[:_MAX_ENTRIES]
        return [one for one in ordered if "/" not in one], [one.rstrip("/") for one in ordered if one.endswith("/")]

    def read(self, name: str, limit: int) -> bytes:
        return self.web.get(self.url(name), limit=limit).body

    def url(self, name: str) -> str:
        return urljoin(self.address, quote(name))

    def inner(self, name: str) -> WebPlace:
        return WebPlace(self.web, urljoin(self.address, quote(name) + "/"))

    def has(self, name: str) -> bool:
        """Whether there is such a file, listed or not."""
        try:
            response, _ = self.web.open(self.url(name), {}, "HEAD")
        except DownloadError:
            return False
        response.close()
        return response.status < 300
