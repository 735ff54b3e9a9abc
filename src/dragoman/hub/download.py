"""One file from its address to a whole, checked file: resumed where it broke off, tried again where that may help.

Beside ``<name>.part`` stands ``<name>.part.json`` with what the server said the file was (ETag or time). A range is
asked for only together with that (``If-Range``), or where the catalogue's sha256 will tell.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import urllib3

from dragoman.errors import DownloadError, HubError
from dragoman.hub.offers import RemoteFile
from dragoman.hub.unpack import digest_of, git_blob_of, unpack_file
from dragoman.hub.web import Web, is_web, shown

__all__ = ["Told", "download"]

Told = Callable[[int, int | None], None]
"""Told how many bytes of a file are there, and of how many (None: unknown). May raise to stop everything."""

_CHUNK = 1 << 16
_ATTEMPTS = 4
"""In a row without a further byte."""
_LONGEST_PAUSE_S = 20.0
_LIMIT_BYTES = 16 << 30
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


def download(web: Web, file: RemoteFile, part: Path, tell: Told, pause: Callable[[float], object] = time.sleep) -> None:
    """Fetch a file into ``part`` and check it as it travels. A part that is there already is continued.

    Args:
        pause: waits so many seconds between attempts; may raise to stop.

    Raises:
        DownloadError: it does not come. The part stays for the next time, unless it cannot be right.
        HubError: it is not what the catalogue says.
        OSError: the part cannot be written.
    """
    if not is_web(file.url):
        _copy(Path(file.url.removeprefix("file://")), part, tell)
        _check(file, part)
        return
    for last in (False, True):
        _fetch(web, file, part, tell, pause)
        try:
            _check(file, part)
            return
        except HubError:
            # Perhaps two versions were joined, or a byte turned on the way: once more from the start.
            _discard(part)
            if last:
                raise


def _copy(source: Path, part: Path, tell: Told) -> None:
    try:
        size = source.stat().st_size
        shutil.copyfile(source, part)
    except OSError as error:
        raise HubError(f"{source} cannot be copied: {error.strerror or error}.") from None
    tell(size, size)


def _fetch(web: Web, file: RemoteFile, part: Path, tell: Told, pause: Callable[[float], object]) -> None:
    failures = 0
    while True:
        before = _size(part)
        try:
            _attempt(web, file, part, tell)
            return
        except DownloadError as error:
            if not error.temporary or web.offline:
                raise
            failures = 1 if _size(part) > before else failures + 1
            if failures >= _ATTEMPTS:
                raise
        pause(min(0.5 * 3 ** (failures - 1), _LONGEST_PAUSE_S))


def _attempt(web: Web, file: RemoteFile, part: Path, tell: Told) -> None:
    """One request, as far as it gets."""
    done = _size(part)
    known = _recall(part)
    if file.size is not None and done > file.size:
        _discard(part)
        done, known = 0, ""
    if file.size is not None and done == file.size > 0:
        return
    headers: dict[str, str] = {}
    if done and (known or file.sha256):
        headers["Range"] = f"bytes={done}-"
        if known:
            headers["If-Range"] = known
    response, _ = web.open(file.url, headers)
    try:
        if response.status == 416:
            if _whole(response) == done and known:
                return
            _discard(part)
            raise DownloadError(shown(file.url), "the server has less of the file than is here", temporary=True)
        if response.status >= 400:
            raise web.refusal(file.url, response.status)
        start, total = _extent(response)
        if response.status == 206 and start != done:
            _discard(part)
            raise DownloadError(shown(file.url), "the server sent another part than was asked for", temporary=True)
        if response.status != 206:
            done = 0
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        if file.size is not None and total is not None and total != file.size and not encoded:
            reason = f"the server has {total:,} bytes, the catalogue says {file.size:,}"
            raise DownloadError(shown(file.url), reason)
        _remember(part, response)
        limit = _LIMIT_BYTES
        if file.size is not None and not encoded:  # the catalogue knows what a server may not say
            limit = total = file.size
        _receive(web, file.url, response, part, (done, total, limit), tell)
    finally:
        response.close()


def _receive(
    web: Web,
    url: str,
    response: urllib3.BaseHTTPResponse,
    part: Path,
    extent: tuple[int, int | None, int],
    tell: Told,
) -> None:
    """Add a body to a part. ``extent``: bytes that are there, bytes of the whole (None: unknown), most to accept."""
    done, total, limit = extent
    with part.open("r+b" if done else "wb") as out:
        out.seek(done)
        tell(done, total)
        while piece := web.read(response, url, _CHUNK):
            done += len(piece)
            if done > limit:
                raise DownloadError(shown(url), f"more than {limit:,} bytes come")
            out.write(piece)
            tell(done, total)
    if total is not None and done < total:
        raise DownloadError(shown(url), "the connection ended before the file did", temporary=True)


def _extent(response: urllib3.BaseHTTPResponse) -> tuple[int, int | None]:
    """First byte and size of the whole, as the headers say."""
    if response.status == 206:
        match = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
        if match is None:
            return -1, None
        return int(match[1]), None if match[3] == "*" else int(match[3])
    length = response.headers.get("content-length", "")
    return 0, int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None


def _whole(response: urllib3.BaseHTTPResponse) -> int | None:
    """How long the whole is, as a server says that has nothing left to send."""
    size = response.headers.get("content-range", "").strip().removeprefix("bytes */")
    return int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None


def _check(file: RemoteFile, part: Path) -> None:
    """The bytes that travelled, against the catalogue. Raises HubError."""
    where = shown(file.url)
    size = _size(part)
    if file.sha256 is not None:
        found = digest_of(part)
        if found != file.sha256:
            if _without_transport(file, part):
                return
            raise HubError(f"{where} has the sha256 {found}, the catalogue says {file.sha256}: the file is damaged.")
    elif file.size is not None and size != file.size:
        raise HubError(f"{where} has {size:,} bytes, the catalogue says {file.size:,}: the file is damaged.")
    if file.git_blob is not None and git_blob_of(part) != file.git_blob:
        raise HubError(f"{where} is not the file that the catalogue names: it is damaged.")


def _without_transport(file: RemoteFile, part: Path) -> bool:
    """Some servers compress once more what they send: whether the part was that. Then it becomes what was meant."""
    with part.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return False
    inner = part.with_name(part.name + ".inner")
    try:
        unpack_file(part, inner, size=file.size, sha256=file.sha256, what=shown(file.url), layers=1)
        os.replace(inner, part)
    except HubError:
        inner.unlink(missing_ok=True)
        return False
    return True


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _recall(part: Path) -> str:
    """What the server called the version that the part belongs to."""
    try:
        values = json.loads(part.with_name(part.name + ".json").read_text(encoding="utf-8"))
        return str(values["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _remember(part: Path, response: urllib3.BaseHTTPResponse) -> None:
    tag = response.headers.get("etag", "")
    version = tag if tag and not tag.startswith("W/") else response.headers.get("last-modified", "")
    part.with_name(part.name + ".json").write_text(json.dumps({"version": version[:500]}), encoding="utf-8")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".json").unlink(missing_ok=True)
