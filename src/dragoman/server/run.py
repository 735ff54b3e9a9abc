"""A server as a process: sockets, signals, the catalogue read again, and a quiet end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from dragoman.catalogue.catalogue import Catalogue, read_directory
from dragoman.catalogue.known import known_catalogue
from dragoman.catalogue.store import models_folder
from dragoman.errors import DragomanError
from dragoman.fleet.fleet import Fleet
from dragoman.server.app import create_app
from dragoman.server.patience import patient_protocol
from dragoman.server.settings import Settings
from dragoman.service.service import Service

__all__ = ["serve"]

_log = logging.getLogger("dragoman.server")
_WATCH_S = 5.0
_HEADERS_BYTES = 64 << 10


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status.

    Raises:
        DragomanError: there are no models, or keys cannot be read.
        OSError: the address is taken.
    """
    with Fleet(weights_budget=settings.weights_budget) as fleet:
        _renew(fleet, settings)
        if not len(fleet):
            raise DragomanError("no models to serve: `dragoman models pull` fetches some, --models names a folder.")
        if not settings.api_keys and not _is_loopback(settings.host):
            _log.warning("anyone who reaches %s may use this server: --api-keys FILE asks for keys", settings.host)
        with Service(fleet, workers=settings.workers) as service:
            return asyncio.run(_run(service, fleet, settings))


async def _run(service: Service, fleet: Fleet, settings: Settings) -> int:
    config = uvicorn.Config(
        create_app(service, settings), host=settings.host, port=settings.port, log_config=None, access_log=False,
        timeout_keep_alive=int(settings.idle_timeout) or 1, timeout_graceful_shutdown=int(settings.drain_timeout) or 1,
        server_header=False, h11_max_incomplete_event_size=_HEADERS_BYTES, proxy_headers=False,
        http=patient_protocol(settings.idle_timeout),
    )  # fmt: skip
    server = _Server(config, settings)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, AttributeError):
        loop.add_signal_handler(signal.SIGHUP, _renew, fleet, settings)
    watching = loop.create_task(_watch(fleet, settings))
    try:
        await server.serve()
    finally:
        watching.cancel()
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Says where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A server that was asked to end has ended well: the signal is not raised once more."""
        loop = asyncio.get_running_loop()
        for wanted in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(wanted, self.handle_exit, wanted, None)
        try:
            yield
        finally:
            for wanted in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(wanted)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        for listening in self.servers:
            for socket in listening.sockets:
                host, port = socket.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                print(f"http://{shown}:{port}{self._settings.url_prefix}", file=sys.stderr, flush=True)


async def _watch(fleet: Fleet, settings: Settings) -> None:
    """Reads the catalogue again when the folder of models changes."""
    before = _stamp(settings)
    while True:
        await asyncio.sleep(_WATCH_S)
        now = await asyncio.to_thread(_stamp, settings)
        if now != before:
            before = now
            await asyncio.to_thread(_renew, fleet, settings)


def _folder(settings: Settings) -> Path:
    """Of the models; the store of pulled ones where nothing is said, or just that is (DRAGOMAN_MODELS)."""
    return Path(settings.models).expanduser() if settings.models else models_folder()


def _stamp(settings: Settings) -> tuple[tuple[str, int], ...]:
    try:
        found = [_folder(settings), *_folder(settings).iterdir()]
        return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in found))
    except OSError:
        return ()


def _renew(fleet: Fleet, settings: Settings) -> None:
    """The fleet as the catalogue is now: new models are added, those that are gone are removed, others go on."""
    try:
        folder = _folder(settings)
        catalogue: Catalogue = known_catalogue() if folder == models_folder() else read_directory(folder)
    except DragomanError as error:
        if not len(fleet):
            raise
        _log.warning("the catalogue stays as it was: %s", error)
        return
    wanted = {model.name: model for model in catalogue.models}
    for name in fleet.names():
        if name not in wanted:
            fleet.remove(name)
    for name, model in wanted.items():
        if name not in fleet:
            fleet.add(name, model.path, pinned=model.pinned, languages=model.languages, **model.options)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
