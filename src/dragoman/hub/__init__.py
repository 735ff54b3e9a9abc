"""Get models: search catalogues, pull models into the store, keep them right. The only part that uses the network.

    path = dragoman.hub.pull("en-cs")
    model = dragoman.load("en-cs")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dragoman.catalogue.store import StoredModel, models_folder, stored_models
    from dragoman.hub.hub import find_offer, pull, pull_all, remove, search, update, verify
    from dragoman.hub.offers import Offer, RemoteFile
    from dragoman.hub.pulling import Progress

_HOMES = {
    "dragoman.catalogue.store": ("StoredModel", "models_folder", "stored_models"),
    "dragoman.hub.hub": ("find_offer", "pull", "pull_all", "remove", "search", "update", "verify"),
    "dragoman.hub.offers": ("Offer", "RemoteFile"),
    "dragoman.hub.pulling": ("Progress",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Offer",
    "Progress",
    "RemoteFile",
    "StoredModel",
    "find_offer",
    "models_folder",
    "pull",
    "pull_all",
    "remove",
    "search",
    "stored_models",
    "update",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'dragoman.hub' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
