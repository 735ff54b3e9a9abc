"""Our own API, ``/v1``: spans, alignments, quality, glossaries, sentence by sentence where it is wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import dragoman
from dragoman.result import Sentence, Span, Translation
from dragoman.server.callers import Caller
from dragoman.server.engine import Engine
from dragoman.server.faults import RequestError, status_of
from dragoman.text.glossary import Glossary

__all__ = ["NativeApi"]

_MOST_BEAM = 16


class TranslateRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Texts to be translated."""

    text: str | list[str]
    target: str
    source: str = "auto"
    format: Literal["text", "html", "xml", "markdown"] = "text"
    split: Literal["paragraph", "sentence", "wrapped_text", "none"] = "paragraph"
    glossary: dict[str, str] = {}
    keep: list[str] = []
    n_best: Annotated[int, msgspec.Meta(ge=1, le=_MOST_BEAM)] = 1
    beam_size: Annotated[int, msgspec.Meta(ge=1, le=_MOST_BEAM)] = 1
    details: bool = False
    priority: Annotated[int, msgspec.Meta(ge=-100, le=0)] = 0
    timeout: Annotated[float, msgspec.Meta(gt=0, le=3600)] | None = None


class WordShape(msgspec.Struct):
    """A word of the translation; ``span`` in its text."""

    text: str
    span: tuple[int, int]
    quality: float | None


class SentenceShape(msgspec.Struct):
    """A sentence; spans are characters of the source and of the translation."""

    source: str
    target: str
    source_span: tuple[int, int]
    target_span: tuple[int, int]
    quality: float | None
    words: list[WordShape]
    alignment: list[tuple[tuple[int, int], tuple[int, int]]] | None
    alternatives: list[str]


class TranslationShape(msgspec.Struct):
    """One translated text."""

    text: str
    source: str
    confidence: float
    alternatives: list[str]
    sentences: list[SentenceShape] | None
    warnings: list[str]


class TranslateAnswer(msgspec.Struct):
    """In the order of the texts."""

    translations: list[TranslationShape]


class ErrorShape(msgspec.Struct):
    """What is wrong."""

    error: str


class NativeApi:
    """Routes. Errors are ``{"error": message}``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def routes(self) -> list[Route]:
        return [
            Route("/v1/translate", self._guarded(self.translate), methods=["POST"]),
            Route("/v1/translate/stream", self._guarded(self.stream), methods=["POST"]),
            Route("/v1/languages", self._guarded(self.languages)),
            Route("/v1/models", self._guarded(self.models)),
            Route("/v1/memory", self._guarded(self.memory)),
            Route("/spec", self.spec),
            Route("/openapi.json", self.spec),
        ]

    def _guarded(self, handler: Any) -> Any:
        async def guard(request: Request) -> Response:
            try:
                stated = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
                caller = self._engine.callers.identify(request, stated, missing=401)
                return await handler(request, caller)  # type: ignore[no-any-return]
            except Exception as error:
                found = status_of(error)
                headers = {"Retry-After": str(found.retry_after)} if found.retry_after else None
                return JSONResponse({"error": found.message}, found.status, headers)

        return guard

    async def translate(self, request: Request, caller: Caller) -> Response:
        """POST /v1/translate."""
        wanted = await _decoded(request)
        texts = [wanted.text] if isinstance(wanted.text, str) else wanted.text
        asked = await self._engine.translate(
            request, caller, texts, wanted.source, wanted.target, format=wanted.format, glossary=_glossary(wanted),
            limit_status=413, **_options(wanted),
        )  # fmt: skip
        shapes = [
            _shape(one, code, sure, wanted.details)
            for one, code, sure in zip(asked.translations, asked.languages, asked.confidence, strict=True)
        ]
        return Response(msgspec.json.encode(TranslateAnswer(shapes)), media_type="application/json")

    async def stream(self, request: Request, caller: Caller) -> Response:
        """POST /v1/translate/stream: one server-sent event a text, as they are done, then ``done``."""
        wanted = await _decoded(request)
        texts = [wanted.text] if isinstance(wanted.text, str) else wanted.text
        options = {"format": wanted.format, "glossary": _glossary(wanted), "limit_status": 413, **_options(wanted)}

        async def events() -> AsyncIterator[bytes]:
            try:
                source, target = wanted.source, wanted.target
                for number, text in enumerate(texts):
                    asked = await self._engine.translate(request, caller, [text], source, target, **options)
                    shape = _shape(asked.translations[0], asked.languages[0], asked.confidence[0], wanted.details)
                    yield b"id: %d\ndata: %s\n\n" % (number, msgspec.json.encode(shape))
                yield b"event: done\ndata: {}\n\n"
            except Exception as error:
                yield b"event: error\ndata: %s\n\n" % msgspec.json.encode(ErrorShape(status_of(error).message))

        return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def languages(self, request: Request, caller: Caller) -> Response:
        """GET /v1/languages."""
        pairs = self._engine.pairs()
        return JSONResponse({"pairs": {code: list(pairs.targets[code]) for code in pairs.sources}})

    async def models(self, request: Request, caller: Caller) -> Response:
        """GET /v1/models."""
        rows = self._engine.service.memory().models
        found = [{"name": one.name, "resident_bytes": one.resident_bytes} for one in rows]
        return JSONResponse({"models": found})

    async def memory(self, request: Request, caller: Caller) -> Response:
        """GET /v1/memory: for the picture on the page."""
        report = self._engine.service.memory()
        return JSONResponse(
            {
                "models": [{"name": one.name, "bytes": one.resident_bytes} for one in report.models],
                "workspaces": list(report.workspaces),
                "budget": self._engine.settings.weights_budget,
            }
        )

    async def spec(self, request: Request) -> Response:
        """GET /spec: OpenAPI 3.1, made of the types."""
        structs = [TranslateRequest, TranslateAnswer, ErrorShape]
        schemas, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")

        def content(schema: object) -> dict[str, object]:
            return {"content": {"application/json": {"schema": schema}}}

        problems = {str(code): {"description": text, **content(schemas[2])} for code, text in
                    ((400, "Not understood"), (401, "A key is needed"), (403, "A wrong key"), (413, "Too much"),
                     (429, "Too often"), (456, "The quota is used up"), (503, "Busy"), (504, "Too slow"))}  # fmt: skip
        translate = {
            "summary": "Translate texts",
            "requestBody": {"required": True, **content(schemas[0])},
            "responses": {"200": {"description": "Translated", **content(schemas[1])}, **problems},
        }
        prefix = self._engine.settings.url_prefix
        return JSONResponse(
            {
                "openapi": "3.1.0",
                "info": {"title": "dragoman", "version": dragoman.__version__},
                "servers": [{"url": prefix or "/"}],
                "paths": {"/v1/translate": {"post": translate}},
                "components": {"schemas": components},
            }
        )


async def _decoded(request: Request) -> TranslateRequest:
    try:
        return msgspec.json.decode(await request.body(), type=TranslateRequest)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError(400, f"Invalid request: {error}") from None


def _glossary(wanted: TranslateRequest) -> Glossary | None:
    if not wanted.glossary:
        return None
    return Glossary.from_pairs(list(wanted.glossary.items()), source=None, target=None)


def _options(wanted: TranslateRequest) -> dict[str, Any]:
    options: dict[str, Any] = {"split": wanted.split, "keep": tuple(wanted.keep), "priority": wanted.priority}
    if wanted.n_best > 1 or wanted.beam_size > 1:
        options |= {"n_best": wanted.n_best, "beam_size": max(wanted.beam_size, wanted.n_best)}
    if wanted.details:
        options |= {"alignment": "hard", "word_scores": True}
    return options


def _shape(one: Translation, language: str, confidence: float, details: bool) -> TranslationShape:
    others = [text for text in dict.fromkeys(other.text for other in one.n_best[1:]) if text != one.text]
    sentences = [_sentence(sentence) for sentence in one.sentences] if details else None
    return TranslationShape(one.text, language, confidence, others, sentences, list(one.warnings))


def _pair(span: Span) -> tuple[int, int]:
    return span.start, span.stop


def _sentence(sentence: Sentence) -> SentenceShape:
    words = [WordShape(word.text, _pair(word.span), word.quality) for word in sentence.words]
    links = sentence.alignment
    return SentenceShape(
        sentence.source,
        sentence.target,
        _pair(sentence.source_span),
        _pair(sentence.target_span),
        sentence.quality,
        words,
        None if links is None else [(_pair(source), _pair(target)) for source, target in links],
        [text for text in dict.fromkeys(one.text for one in sentence.n_best[1:]) if text != sentence.target],
    )
