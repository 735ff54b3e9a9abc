"""The application: all APIs on one port, over a service that somebody else owns."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from dragoman.errors import UnavailableError
from dragoman.server.bodies import read_body
from dragoman.server.callers import Callers
from dragoman.server.deepl import DeepL
from dragoman.server.engine import Engine
from dragoman.server.faults import RequestError
from dragoman.server.files import StoredFiles
from dragoman.server.guard import Guard, Measured
from dragoman.server.keys import KeyStore
from dragoman.server.libretranslate import LibreTranslate
from dragoman.server.mtran import MTran
from dragoman.server.native import NativeApi
from dragoman.server.settings import Settings
from dragoman.service.service import Service

__all__ = ["create_app"]

_PAGE = Path(__file__).with_name("page")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {"app.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}


def create_app(service: Service, settings: Settings | None = None) -> ASGIApp:
    """An ASGI application, to be run or mounted.

    Args:
        service: translates; it is not closed with the application.
        settings: None: the defaults.

    Raises:
        DragomanError: the file of keys cannot be used.
    """
    settings = settings or Settings()
    keys = KeyStore(settings.api_keys) if settings.api_keys else None
    callers = Callers(settings, keys)
    engine = Engine(service, settings, callers)
    files = StoredFiles(settings.file_lifetime)
    libre, mtran, measured = LibreTranslate(engine, files), MTran(engine), Measured()
    operation = _Operation(engine, measured)

    async def translate(request: Request) -> Response:
        """LibreTranslate's with ``q``, MTranServer's with ``text``."""
        try:
            fields = await read_body(request)
        except RequestError as error:
            return LibreTranslate.refused(error)
        handler = mtran.translate if "text" in fields and "q" not in fields else libre.translate
        try:
            return await handler(request, fields)
        except Exception as error:
            return LibreTranslate.refused(error)
        finally:
            await request.close()

    routes: list[BaseRoute] = [
        Route("/translate", translate, methods=["POST"]),
        *libre.routes(),
        *DeepL(engine, files).routes(),
        *mtran.routes(),
        *NativeApi(engine).routes(),
        *operation.routes(),
    ]
    if settings.web:
        routes += [Route("/", _page), Route("/{name}", _page_file)]
    fixed = [route.path for route in routes if isinstance(route, Route) and "{" not in route.path]
    paths = frozenset(settings.url_prefix + path for path in fixed)
    if settings.url_prefix:
        routes = [Mount(settings.url_prefix, routes=routes)]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        if keys is not None:
            keys.close()

    inner: ASGIApp = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _missing, 405: _missing})
    if settings.cors:
        origins = [origin.strip() for origin in settings.cors.split(",")]
        inner = CORSMiddleware(inner, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    return Guard(inner, settings, measured, paths)


class _Operation:
    """Health and figures."""

    def __init__(self, engine: Engine, measured: Measured) -> None:
        self._engine, self._measured = engine, measured

    def routes(self) -> list[Route]:
        return [
            Route("/health", self.health), Route("/healthz", self.health), Route("/readyz", self.ready),
            Route("/metrics", self.metrics),
        ]  # fmt: skip

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Whether there is anything to translate with."""
        found = bool(self._engine.pairs().targets)
        return JSONResponse({"status": "ok" if found else "no models"}, 200 if found else 503)

    async def metrics(self, request: Request) -> Response:
        callers = self._engine.callers
        if callers.keys_needed and not self._engine.settings.metrics_open and not callers.is_local(request):
            try:
                callers.identify(request, request.headers.get("authorization", "").removeprefix("Bearer "), missing=401)
            except RequestError as error:
                return JSONResponse({"error": error.message}, error.status)
        try:
            figures = self._engine.service.prometheus()
        except UnavailableError:
            figures = ""
        return PlainTextResponse(figures + self._measured.text(), media_type="text/plain; version=0.0.4")


async def _missing(request: Request, error: Any) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code)


async def _page(request: Request) -> Response:
    return FileResponse(_PAGE / "index.html", headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})


async def _page_file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        return JSONResponse({"error": "Not Found"}, 404)
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return FileResponse(_PAGE / name, media_type=_FILES[name], headers=headers)
