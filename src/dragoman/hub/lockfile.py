"""``models.lock``: which version of which model a store holds, to the byte. Written at every change, for people to keep
under version control; ``pull --lock FILE`` makes a store of it again.

    {"format": 1, "models": {name: record}, "check": sha256 of the rest}
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dragoman.catalogue.store import StoredModel, check_of, checked_text
from dragoman.errors import HubError
from dragoman.hub.offers import Offer, RemoteFile, safe_name
from dragoman.hub.values import Fields, parse_json

__all__ = ["LOCK_FILE", "lock_problem", "offers_of_lock", "pinned_records", "write_lock"]

LOCK_FILE = "models.lock"
_FORMAT = 1
_LIMIT = 64 << 20


def write_lock(store: Path, models: Sequence[StoredModel]) -> None:
    """Write what a store holds now. Raises OSError."""
    facts = {model.name: model.facts() for model in sorted(models, key=lambda one: one.name)}
    values: dict[str, object] = {"format": _FORMAT, "models": facts}
    temporary = store / f".{LOCK_FILE}.{os.getpid()}.tmp"
    temporary.write_bytes(checked_text(values))
    os.replace(temporary, store / LOCK_FILE)


def pinned_records(path: Path) -> dict[str, Fields]:
    """The records of a lock file by the models' names. Raises HubError where it is damaged or missing."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HubError(f"{path} cannot be read: {error.strerror or error}.") from None
    values = parse_json(data[:_LIMIT], str(path))
    if not isinstance(values, dict) or values.pop("check", None) != check_of(values) or values.get("format") != _FORMAT:
        raise HubError(f"{path} is no lock file of dragoman, or was changed by hand.")
    models = values.get("models")
    if not isinstance(models, dict):
        raise HubError(f"{path} lists no models.")
    return {name: Fields(one, f"{path}: {name}") for name, one in models.items()}


def lock_problem(path: Path) -> str | None:
    """What is wrong with a lock file that nobody but us should have touched; None: nothing is."""
    try:
        pinned_records(path)
        data = path.read_bytes()
        values = parse_json(data, str(path))
        del values["check"]
        return None if data == checked_text(values) else f"{path}: changed since it was written"
    except (HubError, OSError) as error:
        return str(error)


def offers_of_lock(path: Path) -> list[Offer]:
    """What a lock file pins, as offers of the same files from where they came from. Raises HubError."""
    offers = []
    for name, record in pinned_records(path).items():
        pair = record.raw("languages")
        layout = record.text("layout")
        remote = []
        for one in record.items("remote"):
            fields = Fields(one, f"{path}: {name}: a file")
            remote.append(
                RemoteFile(
                    name=safe_name(fields.text("name"), "a file"),
                    url=fields.text("url"),
                    size=fields.size("size"),
                    sha256=fields.digest("sha256"),
                    unpacked_size=fields.size("unpacked_size"),
                    unpacked_sha256=fields.digest("unpacked_sha256"),
                )
            )
        offers.append(
            Offer(
                name=safe_name(name, "a model"),
                source=record.text("source"),  # type: ignore[arg-type]
                languages=(str(pair[0]), str(pair[1])) if isinstance(pair, list) and len(pair) == 2 else None,
                architecture=record.text("architecture"),
                version=record.text("version"),
                licence=record.text("licence"),
                layout=layout,  # type: ignore[arg-type]
                files=tuple(remote),
                origin=record.text("origin"),
            )
        )
    return offers
