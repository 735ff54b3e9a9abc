"""Languages that an archive states in its own files, where no catalogue does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from dragoman.errors import DragomanError
from dragoman.formats.yaml_text import parse_mapping

__all__ = ["languages_inside"]

_LIMIT = 1 << 20


def languages_inside(folder: Path) -> tuple[str, str] | None:
    """From translateLocally's ``model_info.json``, or OPUS-MT's release description (``source-languages``)."""
    stated = _of_model_info(folder / "model_info.json")
    return stated or next(filter(None, map(_of_release, _descriptions(folder))), None)


def _of_model_info(path: Path) -> tuple[str, str] | None:
    try:
        values = json.loads(_text(path))
        tags, target = values.get("srcTags"), values.get("trgTag")
        parts = str(values.get("shortName", "")).split("-")
        source = next(iter(tags)) if isinstance(tags, Mapping) and tags else parts[0]
        target = target or (parts[1] if len(parts) > 1 else "")
        return (str(source), str(target)) if source and target else None
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _descriptions(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yml") if "vocab" not in path.name and path.name != "decoder.yml")


def _of_release(path: Path) -> tuple[str, str] | None:
    try:
        values = parse_mapping(_text(path), path)
    except (OSError, ValueError, DragomanError):
        return None
    pair = [values.get(key) for key in ("source-languages", "target-languages")]
    if all(isinstance(side, list) and side and isinstance(side[0], str) for side in pair):
        return str(pair[0][0]), str(pair[1][0])  # type: ignore[index]
    return None


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise ValueError("too long")
    return data.decode("utf-8")
