"""LibreTranslate's API: what its clients, plugins and scripts send, and what they read.

https://docs.libretranslate.com/api/operations/translate/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dragoman.documents.registry import FORMATS
from dragoman.result import Translation
from dragoman.server.bodies import read_body, upload_of
from dragoman.server.callers import Caller
from dragoman.server.engine import Engine
from dragoman.server.faults import RequestError, status_of
from dragoman.server.files import Stored, StoredFiles, safe_name, translate_upload

__all__ = ["LibreTranslate"]

_OUTSIDE = {"zh": "zh-Hans", "zt": "zh-Hant", "pb": "pt-BR"}
"""LibreTranslate's own codes."""


class LibreTranslate:
    """Routes of the API. Errors are ``{"error": message}``."""

    def __init__(self, engine: Engine, files: StoredFiles) -> None:
        self._engine, self._files = engine, files

    def routes(self) -> list[Route]:
        return [
            Route("/languages", self.languages),
            Route("/detect", self.guarded(self.detect), methods=["POST"]),
            Route("/translate_file", self.guarded(self.translate_file), methods=["POST"]),
            Route("/download_file/{name:path}", self.download_file),
            Route("/frontend/settings", self.frontend_settings),
            Route("/suggest", self.guarded(self.suggest), methods=["POST"]),
        ]

    @staticmethod
    def guarded(handler: Any) -> Any:
        """With errors in LibreTranslate's shape."""

        async def guard(request: Request) -> Response:
            try:
                return await handler(request, await read_body(request))  # type: ignore[no-any-return]
            except Exception as error:
                return LibreTranslate.refused(error)
            finally:
                await request.close()

        return guard

    @staticmethod
    def refused(error: Exception) -> Response:
        found = status_of(error)
        status = {456: 403, 413: 400, 501: 400}.get(found.status, found.status)
        headers = {"Retry-After": str(found.retry_after)} if found.retry_after else None
        return JSONResponse({"error": found.message}, status, headers)

    async def translate(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """POST /translate with ``q``."""
        caller = self._caller(request, fields)
        q, source, target = fields.get("q"), _code(fields.get("source")), _code(fields.get("target"))
        for name, value in (("q", q), ("source", source), ("target", target)):
            if not value and not (name == "q" and value == ""):
                raise RequestError(400, f"Invalid request: missing {name} parameter")
        texts: list[Any] = q if isinstance(q, list) else [q]
        if not all(isinstance(text, str) for text in texts):
            raise RequestError(400, "Invalid request: q must be a text or a list of texts")
        limit = self._engine.settings.batch_limit
        if limit and len(texts) > limit:
            raise RequestError(400, f"Invalid request: request ({len(texts)}) exceeds text limit ({limit})")
        shape: Any = fields.get("format") or "text"
        if shape not in ("text", "html"):
            raise RequestError(400, "Invalid request: format must be text or html")
        wanted = _number(fields.get("alternatives"))
        wanted = min(wanted, self._engine.settings.alternatives_limit)
        options: dict[str, Any] = {"beam_size": wanted + 1, "n_best": wanted + 1} if wanted else {}
        asked = await self._engine.translate(request, caller, texts, source, target, format=shape, **options)
        many = isinstance(q, list)
        answer: dict[str, Any] = {"translatedText": _one([one.text for one in asked.translations], many)}
        if source == "auto":
            both = zip(asked.languages, asked.confidence, strict=True)
            found = [{"confidence": _percent(sure), "language": code} for code, sure in both]
            answer["detectedLanguage"] = _one(found, many)
        if wanted:
            answer["alternatives"] = _one([_alternatives(one) for one in asked.translations], many)
        return JSONResponse(answer)

    async def languages(self, request: Request) -> Response:
        """GET /languages."""
        pairs = self._engine.pairs()
        return JSONResponse(
            [{"code": code, "name": pairs.name(code), "targets": list(pairs.targets[code])} for code in pairs.sources]
        )

    async def detect(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """POST /detect."""
        self._caller(request, fields)
        q = fields.get("q")
        if not isinstance(q, str) or not q:
            raise RequestError(400, "Invalid request: missing q parameter")
        found = await self._engine.detect(q)
        return JSONResponse([{"confidence": _percent(found.probability), "language": found.language or "en"}])

    async def translate_file(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """POST /translate_file."""
        caller = self._caller(request, fields)
        upload = upload_of(fields, "file")
        source, target = _code(fields.get("source")), _code(fields.get("target"))
        data = await upload.read()
        pairs = self._engine.pairs()
        known = await self._engine.language_of(data) if source == "auto" else pairs.source(source or "")
        goal = pairs.target(known or "", target or "")
        if known is None or goal is None:
            raise RequestError(400, f"{source if known is None else target} is not supported")
        service, charge = self._engine.service, self._engine.callers.charge
        name = upload.filename or "file"
        translated, size = await translate_upload(
            service, data, name, known, goal, caller.name, lambda count: charge(caller, count)
        )
        stored = Stored(safe_name(name, goal), caller.name, data=translated, characters=size)
        number = self._files.keep(stored)
        return JSONResponse({"translatedFileUrl": self._address(request, f"/download_file/{number}/{stored.name}")})

    async def download_file(self, request: Request) -> Response:
        """GET /download_file/ID/NAME."""
        stored = self._files.find(request.path_params["name"].partition("/")[0])
        if stored is None or stored.data is None:
            return JSONResponse({"error": "Invalid filename"}, 400)
        headers = {
            "Content-Disposition": f'attachment; filename="{stored.name.encode("ascii", "replace").decode()}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
        }
        return Response(stored.data, media_type="application/octet-stream", headers=headers)

    async def frontend_settings(self, request: Request) -> Response:
        """GET /frontend/settings."""
        settings, pairs = self._engine.settings, self._engine.pairs()
        sources = pairs.sources
        source = "en" if "en" in sources else sources[0] if sources else "en"
        targets = pairs.targets.get(source, ())
        languages = {
            "source": {"code": "auto", "name": "Auto Detect"},
            "target": {"code": targets[0], "name": pairs.name(targets[0])} if targets else {"code": "", "name": ""},
        }
        return JSONResponse(
            {
                "charLimit": settings.char_limit or -1,
                "frontendTimeout": 500,
                "apiKeys": self._engine.callers.keys_needed,
                "keyRequired": self._engine.callers.keys_needed,
                "suggestions": False,
                "filesTranslation": True,
                "supportedFilesFormat": sorted({suffix for one in FORMATS for suffix in one.suffixes}),
                "language": languages,
            }
        )

    async def suggest(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """POST /suggest: off, as by default there."""
        raise RequestError(403, "Suggestions are disabled on this server.")

    def _caller(self, request: Request, fields: Mapping[str, Any]) -> Caller:
        stated = fields.get("api_key") or fields.get("secret") or ""
        return self._engine.callers.identify(request, str(stated), missing=400)

    def _address(self, request: Request, path: str) -> str:
        """Absolute, as the client reaches this server."""
        scheme, host, prefix = request.url.scheme, request.headers.get("host", ""), self._engine.settings.url_prefix
        if self._engine.callers.is_trusted(request):
            scheme = request.headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
            host = request.headers.get("x-forwarded-host", host).split(",")[0].strip()
            prefix = request.headers.get("x-forwarded-prefix", "").rstrip("/") + prefix
        return f"{scheme}://{host}{prefix}{path}"


def _code(value: object) -> str:
    found = value if isinstance(value, str) else ""
    return _OUTSIDE.get(found.lower(), found)


def _number(value: object) -> int:
    try:
        number = int(value or 0)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise RequestError(400, "Invalid request: alternatives must be a number") from None
    if number < 0:
        raise RequestError(400, "Invalid request: alternatives must not be below 0")
    return int(number)


def _percent(probability: float) -> int:
    return round(100 * probability)


def _one(values: Sequence[Any], many: bool) -> Any:
    return list(values) if many else values[0]


def _alternatives(translation: Translation) -> list[str]:
    others = dict.fromkeys(hypothesis.text for hypothesis in translation.n_best[1:])
    return [text for text in others if text != translation.text]
