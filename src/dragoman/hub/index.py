"""What sources offered when they were last asked, kept in the store: for ``--offline``, and to ask only for changes."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dragoman.hub.offers import Offer, RemoteFile

__all__ = ["Listing", "recall_listing", "remember_listing"]

_FORMAT = 1
_FOLDER = ".index"


@dataclass(frozen=True)
class Listing:
    """The offers of one source. ``tag``: the document's ETag, or empty."""

    offers: tuple[Offer, ...]
    tag: str = ""


def recall_listing(store: Path, source: str) -> Listing | None:
    """What is remembered of a source; None if nothing is, or it is damaged."""
    try:
        values = json.loads(_path(store, source).read_text(encoding="utf-8"))
        if values["format"] != _FORMAT or values["source"] != source:
            return None
        return Listing(tuple(_offer(one) for one in values["offers"]), str(values["tag"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_listing(store: Path, source: str, listing: Listing) -> None:
    """Keep a listing; where that is not possible nothing happens."""
    offers = [asdict(one) for one in listing.offers]
    values = {"format": _FORMAT, "source": source, "tag": listing.tag, "offers": offers}
    path = _path(store, source)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(values), encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _path(store: Path, source: str) -> Path:
    return store / _FOLDER / (hashlib.sha256(source.encode()).hexdigest()[:24] + ".json")


def _offer(values: dict[str, Any]) -> Offer:
    pair = values["languages"]
    files = tuple(RemoteFile(**one) for one in values["files"])
    return Offer(**(values | {"files": files, "languages": None if pair is None else (str(pair[0]), str(pair[1]))}))
