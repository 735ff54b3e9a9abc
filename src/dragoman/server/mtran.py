"""MTranServer's API, and what browser plugins ask by it: Immersive Translate, KISS, HCFY, DeepLX, Google."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import dragoman
from dragoman.options import TextFormat
from dragoman.server.bodies import read_body
from dragoman.server.callers import Caller
from dragoman.server.engine import Asked, Engine
from dragoman.server.faults import RequestError, status_of

__all__ = ["MTran"]

_CHINESE = {
    "zh": "zh-Hans", "zh-cn": "zh-Hans", "zh-chs": "zh-Hans",
    "zh-tw": "zh-Hant", "zh-hk": "zh-Hant", "zh-cht": "zh-Hant",
}  # fmt: skip
_NAMES = {
    "中文(简体)": "zh-Hans", "中文(繁体)": "zh-Hant", "英语": "en", "日语": "ja", "韩语": "ko", "法语": "fr",
    "德语": "de", "西班牙语": "es", "俄语": "ru", "意大利语": "it", "葡萄牙语": "pt",
}  # fmt: skip
"""What HCFY writes for languages."""


class MTran:
    """Routes. Errors are ``{"error": message}``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def routes(self) -> list[Route]:
        def post(path: str, handler: Any) -> Route:
            return Route(path, self.guarded(handler), methods=["POST", "GET"] if "google" in path else ["POST"])

        return [
            post("/translate/batch", self.batch),
            post("/imme", self.immersive),
            post("/kiss", self.kiss),
            post("/hcfy", self.hcfy),
            post("/deepl", self.deepl),
            post("/deeplx", self.deeplx),
            post("/google/language/translate/v2", self.google),
            post("/google/translate_a/single", self.google_single),
            Route("/version", self.version),
            Route("/__heartbeat__", self.heartbeat),
            Route("/__lbheartbeat__", self.heartbeat),
        ]

    @staticmethod
    def guarded(handler: Any) -> Any:
        async def guard(request: Request) -> Response:
            try:
                return await handler(request, await read_body(request))  # type: ignore[no-any-return]
            except Exception as error:
                found = status_of(error)
                headers = {"Retry-After": str(found.retry_after)} if found.retry_after else None
                return JSONResponse({"error": found.message}, found.status, headers)
            finally:
                await request.close()

        return guard

    async def translate(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """POST /translate with ``text``."""
        asked = await self._ask(request, fields, _texts(fields, "text"), fields.get("from"), fields.get("to"))
        return JSONResponse({"result": asked.translations[0].text})

    async def batch(self, request: Request, fields: Mapping[str, Any]) -> Response:
        asked = await self._ask(request, fields, _texts(fields, "texts"), fields.get("from"), fields.get("to"))
        return JSONResponse({"results": [one.text for one in asked.translations]})

    async def immersive(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """The plugin sends wrong source languages: they are found, whatever it says."""
        asked = await self._ask(request, fields, _texts(fields, "text_list"), "auto", fields.get("target_lang"))
        return JSONResponse({"translations": _rows(asked, "detected_source_lang")})

    async def kiss(self, request: Request, fields: Mapping[str, Any]) -> Response:
        if "texts" in fields:
            asked = await self._ask(request, fields, _texts(fields, "texts"), fields.get("from"), fields.get("to"))
            return JSONResponse({"translations": _rows(asked, "src")})
        asked = await self._ask(request, fields, _texts(fields, "text"), fields.get("from"), fields.get("to"))
        return JSONResponse({"text": asked.translations[0].text, "from": asked.languages[0], "to": fields.get("to")})

    async def hcfy(self, request: Request, fields: Mapping[str, Any]) -> Response:
        targets = fields.get("destination") or []
        source = _NAMES.get(str(fields.get("source") or ""), fields.get("source") or "auto")
        wanted = [_NAMES.get(str(one), str(one)) for one in (targets if isinstance(targets, list) else [targets])]
        texts = _texts(fields, "text")
        if not wanted:
            raise RequestError(400, "destination is missing")
        asked = await self._ask(request, fields, texts, source, wanted[0])
        if asked.languages[0] == wanted[0] and len(wanted) > 1:
            asked = await self._ask(request, fields, texts, source, wanted[1])
        shown = {code: name for name, code in _NAMES.items()}
        return JSONResponse(
            {
                "text": texts[0],
                "from": shown.get(asked.languages[0], asked.languages[0]),
                "to": targets[0] if isinstance(targets, list) else targets,
                "result": [line for one in asked.translations for line in one.text.split("\n")],
            }
        )

    async def deepl(self, request: Request, fields: Mapping[str, Any]) -> Response:
        texts = _texts(fields, "text")
        asked = await self._ask(request, fields, texts, fields.get("source_lang") or "auto", fields.get("target_lang"))
        rows = _rows(asked, "detected_source_language")
        for row, text in zip(rows, texts, strict=True):
            row["detected_source_language"] = str(row["detected_source_language"]).upper()
            row["billed_characters"] = len(text)
        return JSONResponse({"translations": rows})

    async def deeplx(self, request: Request, fields: Mapping[str, Any]) -> Response:
        asked = await self._ask(
            request, fields, _texts(fields, "text"), fields.get("source_lang") or "auto", fields.get("target_lang")
        )
        return JSONResponse(
            {
                "code": 200, "id": secrets.randbelow(1 << 31), "data": asked.translations[0].text, "alternatives": [],
                "source_lang": asked.languages[0].upper(), "target_lang": str(fields.get("target_lang")).upper(),
                "method": "Free",
            }
        )  # fmt: skip

    async def google(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """https://cloud.google.com/translate/docs/reference/rest/v2/translate"""
        shape: TextFormat = "text" if fields.get("format") == "text" else "html"
        asked = await self._ask(
            request, fields, _texts(fields, "q"), fields.get("source") or "auto", fields.get("target"), shape=shape
        )
        rows = [{"translatedText": one.text, "detectedSourceLanguage": code}
                for one, code in zip(asked.translations, asked.languages, strict=True)]  # fmt: skip
        return JSONResponse({"data": {"translations": rows}})

    async def google_single(self, request: Request, fields: Mapping[str, Any]) -> Response:
        """What the page of Google's translator asks: a list of sentences with their sources."""
        texts = _texts(fields, "q")
        asked = await self._ask(request, fields, texts, fields.get("sl") or "auto", fields.get("tl"))
        rows = [[one.target, one.source, None, None, 1] for one in asked.translations[0].sentences]
        rows = rows or [[asked.translations[0].text, texts[0], None, None, 1]]
        return JSONResponse([rows, None, asked.languages[0]])

    async def version(self, request: Request) -> Response:
        return JSONResponse({"version": dragoman.__version__})

    async def heartbeat(self, request: Request) -> Response:
        return PlainTextResponse("Ready")

    async def _ask(
        self, request: Request, fields: Mapping[str, Any], texts: list[str], source: object, target: object,
        *, shape: TextFormat | None = None,
    ) -> Asked:  # fmt: skip
        caller = self._caller(request, fields)
        chosen = shape or ("html" if fields.get("html") in (True, "true", "1", 1) else "text")
        known = _code(source) or "auto"
        return await self._engine.translate(request, caller, texts, known, _code(target), format=chosen)

    def _caller(self, request: Request, fields: Mapping[str, Any]) -> Caller:
        header = request.headers.get("authorization", "")
        stated = header.removeprefix("Bearer ").removeprefix("DeepL-Auth-Key ").strip()
        stated = stated or str(fields.get("token") or fields.get("key") or request.headers.get("key", ""))
        return self._engine.callers.identify(request, stated, missing=401)


def _texts(fields: Mapping[str, Any], name: str) -> list[str]:
    found = fields.get(name)
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise RequestError(400, f"{name} is missing")
    return texts


def _code(value: object) -> str:
    found = str(value or "")
    return _CHINESE.get(found.lower(), found)


def _rows(asked: Asked, language: str) -> list[dict[str, object]]:
    return [
        {language: code, "text": one.text} for one, code in zip(asked.translations, asked.languages, strict=True)
    ]
