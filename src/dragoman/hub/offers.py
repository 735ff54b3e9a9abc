"""What a source offers: models, and the files they are made of. Facts of a catalogue; nothing here is fetched."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import unquote, urlsplit

from dragoman.errors import HubError
from dragoman.hub.endpoints import SourceKind

__all__ = ["Layout", "Offer", "RemoteFile", "file_name", "safe_name"]

Layout = Literal["files", "archive", "huggingface"]
"""How the files of an offer become a model: as they are, one archive that holds them, or by conversion."""

_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10))})
_NAME_BYTES = 120


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch.

    Attributes:
        name: in the model's folder, unpacked.
        url: address, or the path of a local file.
        size, sha256: of the bytes that travel; None where the catalogue does not say.
        unpacked_size, unpacked_sha256: after decompression; None where it does not say.
        git_blob: git's hash of the bytes that travel (sha1 over "blob SIZE NUL" and them), or None.
        tag: what a server said of a file without a hash (ETag, or time and size); only tells versions apart.
    """

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None
    unpacked_size: int | None = None
    unpacked_sha256: str | None = None
    git_blob: str | None = None
    tag: str = ""


@dataclass(frozen=True)
class Offer:
    """One model of one source.

    Attributes:
        name: of its folder in the store, such as "en-cs.firefox.base-memory".
        source: the kind of catalogue.
        languages: source and target code, or None where nothing says.
        architecture: "tiny", "base", "base-memory", "transformer", ...
        version: as the source counts.
        licence: SPDX identifier, or "unknown".
        layout, files: what to fetch, and how that becomes a model.
        origin: address of the catalogue.
        status: "release", or "android", "nightly", "development" for what Firefox does not give to everyone.
    """

    name: str
    source: SourceKind
    languages: tuple[str, str] | None
    architecture: str
    version: str
    licence: str
    layout: Layout
    files: tuple[RemoteFile, ...]
    origin: str
    status: str = "release"

    @property
    def pair(self) -> str:
        """Such as "en-cs"; "?" where unknown."""
        return "-".join(self.languages) if self.languages else "?"

    @property
    def size(self) -> int | None:
        """Bytes to fetch; None if the catalogue does not say for every file."""
        sizes = [one.size or one.unpacked_size for one in self.files]
        return None if any(size is None for size in sizes) else sum(size for size in sizes if size is not None)

    @cached_property
    def pin(self) -> str:
        """Digest of what the catalogue says about the contents. Equal pins are equal models, from whatever mirror."""
        facts = [
            (one.name, one.sha256 or one.git_blob, one.unpacked_sha256, one.unpacked_size or one.size, one.tag)
            for one in self.files
        ]
        text = json.dumps([self.source, self.languages, self.architecture, self.version, self.layout, facts])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def safe_name(text: str, what: str) -> str:
    """``text`` if it can be the name of a file in a folder anywhere; else raises HubError."""
    stem = text.split(".")[0].lower()
    if not text or text[0] == "." or text[-1] in ". " or _UNSAFE.search(text) or stem in _RESERVED:
        raise HubError(f"{what} has the name {text[:80]!r}, which no file here may have: the catalogue is damaged.")
    if len(text.encode()) > _NAME_BYTES:
        raise HubError(f"{what} has a name of {len(text.encode())} bytes, at most {_NAME_BYTES} are allowed.")
    return text


def file_name(url: str) -> str:
    """The last part of an address, unquoted, without a suffix of compression."""
    name = unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1]
    for suffix in (".gz", ".zst"):
        name = name.removesuffix(suffix)
    return name
