"""One service for whoever wants a translation and no objects: over the models at hand, made on first use."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Unpack, overload

from dragoman.catalogue.known import known_catalogue, pull_advice, route_between
from dragoman.errors import ModelNotFoundError
from dragoman.fleet.fleet import Fleet
from dragoman.options import DecodingOptions
from dragoman.result import Translation
from dragoman.service.calls import Call
from dragoman.service.service import Service

__all__ = ["close_shared", "shared_service", "translate"]

_lock = threading.Lock()
_services: dict[int, Service] = {}
"""By process: a child that was forked makes its own."""


def shared_service() -> Service:
    """The process's one service, with as many workers as it has processors."""
    with _lock:
        service = _services.get(os.getpid())
        if service is None:
            service = _services[os.getpid()] = Service(Fleet(), workers=len(os.sched_getaffinity(0)))
        known = {model.name: model for model in known_catalogue().models}
        for name in known.keys() - set(service.fleet.names()):
            model = known[name]
            service.fleet.add(name, model.path, languages=model.languages, **model.options)
        return service


def close_shared() -> None:
    """End the process's service and its threads, and forget the models. The next use makes it anew."""
    with _lock:
        service = _services.pop(os.getpid(), None)
    if service is not None:
        service.close()
        service.fleet.close()


@overload
def translate(  # type: ignore[overload-overlap]  # a str is an iterable of str too: the first one holds
    texts: str, options: DecodingOptions | None = None, *, source: str, target: str, **call: Unpack[Call]
) -> Translation: ...
@overload
def translate(
    texts: Iterable[str], options: DecodingOptions | None = None, *, source: str, target: str, **call: Unpack[Call]
) -> list[Translation]: ...
def translate(
    texts: str | Iterable[str],
    options: DecodingOptions | None = None,
    *,
    source: str,
    target: str,
    **call: Unpack[Call],
) -> Translation | list[Translation]:
    """Translate with the models that were pulled and those that come along; they are loaded once. Thread-safe.

    Args:
        texts: one text, or several.
        source, target: languages, spelled in any way.
        options, **call: as for `Service.translate`.

    Raises:
        ModelNotFoundError: no model goes from one to the other, not even over a third language.
        others: as `Service.translate`.
    """
    if route_between(source, target) is None:
        advice = pull_advice(source, target)
        raise ModelNotFoundError(f"{source}-{target}", f"there is no model for these languages: {advice}")
    call["route"] = (source, target)
    service = shared_service()
    if isinstance(texts, str):  # what comes back differs
        return service.translate(texts, options, **call)
    return service.translate(texts, options, **call)
