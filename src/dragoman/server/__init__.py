"""HTTP for the clients that people have: LibreTranslate's, DeepL's, MTranServer's and our own, on one port."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragoman.server.app import create_app
    from dragoman.server.settings import Settings

__all__ = ["Settings", "create_app"]

_HOMES = {"create_app": "dragoman.server.app", "Settings": "dragoman.server.settings"}


def __getattr__(name: str) -> object:
    """Imported on first use: settings need no library of the extra ``dragoman[server]``."""
    if name not in _HOMES:
        raise AttributeError(f"module 'dragoman.server' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
