"""OPUS-MT's releases: an index of paths, of which those that end in ``.zip`` are models.

``en-de/opus-2020-02-26.zip``: the folder names the languages, several joined by ``+`` or a group; the newest date of a
folder and series counts.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urljoin, urlsplit

from dragoman.hub.offers import Offer, RemoteFile, safe_name
from dragoman.languages import languages_of_name

__all__ = ["is_index", "offer_of_archive", "offers_of_index"]

_ARCHIVE = re.compile(r"(?:[^\s/]+/)*([^\s/]+)/([^\s/]+)\.zip")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLAIN = re.compile(r"[^A-Za-z0-9+_-]+")
_LICENCE = "CC-BY-4.0"


def is_index(data: bytes) -> bool:
    """Whether a text is a list of paths, some of them archives."""
    lines = data[:1 << 16].decode("utf-8", "replace").splitlines()
    paths = [line.strip() for line in lines if line.strip()]
    if not paths or any(" " in path or "<" in path for path in paths):
        return False
    return any(_ARCHIVE.fullmatch(path) for path in paths)


def offers_of_index(text: str, origin: str) -> list[Offer]:
    """The newest model of each folder; archives of other names beside it ("opus+bt") are further models."""
    newest: dict[tuple[str, str], tuple[str, str]] = {}
    for line in text.splitlines():
        path = line.strip()
        match = _ARCHIVE.fullmatch(path)
        if match is None or len(path) > 500:
            continue
        series = _DATE.sub("", match[2]).strip("-_.")
        date = _DATE.search(match[2])
        place = (match[1], series)
        found = (date[0] if date else "", path)
        if place not in newest or found > newest[place]:
            newest[place] = found
    offers = []
    for (folder, series), (version, path) in newest.items():
        languages = _languages(folder)
        if languages is None:
            continue
        url = urljoin(origin, quote(path))
        offers.append(_offer(languages, series, version or "0", url, origin))
    return offers


def offer_of_archive(url: str, languages: tuple[str, str] | None, tag: str, size: int | None) -> Offer:
    """The model of one archive, by its address; ``languages`` where that says none."""
    parts = [unquote(part) for part in urlsplit(url).path.split("/")] or [""]
    stem = parts[-1].removesuffix(".zip")
    date = _DATE.search(stem)
    folder = _languages(parts[-2]) if len(parts) > 1 else None
    pair = languages or folder or languages_of_name(stem)
    series = _DATE.sub("", stem).strip("-_.")
    file = RemoteFile("archive.zip", url, size=size, tag=tag)
    return _offer(pair, series, date[0] if date else "0", url, url, file)


def _languages(folder: str) -> tuple[str, str] | None:
    """``en-de``, ``eng-deu``, ``fi+et-en`` (the first of several)."""
    first, dash, second = folder.partition("-")
    if dash and "-" not in second and first and second:
        return first.split("+")[0], second.split("+")[0]
    return languages_of_name(folder)


def _offer(
    languages: tuple[str, str] | None, series: str, version: str, url: str, origin: str, file: RemoteFile | None = None
) -> Offer:
    pair = "-".join(languages) if languages else "model"
    kind = "" if series in ("opus", "") else "." + _PLAIN.sub("-", series)[:40].strip("-")
    return Offer(
        name=safe_name(f"{pair}.opus-mt{kind}", "a model"),
        source="opus-mt",
        languages=languages,
        architecture="transformer",
        version=version,
        licence=_LICENCE,
        layout="archive",
        files=(file or RemoteFile("archive.zip", url),),
        origin=origin,
    )
