"""DeepL's API, versions 2 and 3, as its official clients use it. https://developers.deepl.com/docs"""

from __future__ import annotations

import asyncio
import csv
import io
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dragoman.errors import OptionsError, TextFormatError
from dragoman.options import Split, TextFormat
from dragoman.server.bodies import read_body, upload_of
from dragoman.server.callers import Caller
from dragoman.server.engine import Engine
from dragoman.server.faults import RequestError, status_of
from dragoman.server.files import Stored, StoredFiles, error_text, safe_name, translate_upload
from dragoman.text.glossary import Glossary

__all__ = ["DeepL"]

_SPLITS: dict[str, Split] = {"0": "none", "1": "paragraph", "nonewlines": "wrapped_text"}
_MOST_GLOSSARIES = 1000
_MOST_ENTRIES = 10 << 20


@dataclass(slots=True)
class _Glossary:
    """``dictionaries``: source and target language to entries."""

    name: str
    owner: str
    dictionaries: dict[tuple[str, str], dict[str, str]]
    created: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()))


class DeepL:
    """Routes of the API. Errors are ``{"message": …}``."""

    def __init__(self, engine: Engine, files: StoredFiles) -> None:
        self._engine, self._files = engine, files
        self._glossaries: dict[str, _Glossary] = {}

    def routes(self) -> list[Route]:
        def route(path: str, handler: Any, *methods: str) -> Route:
            return Route(path, self._guarded(handler), methods=list(methods))

        return [
            route("/v2/translate", self.translate, "POST"),
            route("/v2/languages", self.languages, "GET", "POST"),
            route("/v2/usage", self.usage, "GET", "POST"),
            route("/v2/document", self.upload, "POST"),
            route("/v2/document/{number}", self.document_status, "POST", "GET"),
            route("/v2/document/{number}/result", self.document_result, "POST", "GET"),
            route("/v2/glossary-language-pairs", self.glossary_pairs, "GET"),
            route("/v2/glossaries", self.glossaries_2, "GET", "POST"),
            route("/v2/glossaries/{number}", self.glossary_2, "GET", "DELETE"),
            route("/v2/glossaries/{number}/entries", self.entries_2, "GET"),
            route("/v3/glossaries", self.glossaries_3, "GET", "POST"),
            route("/v3/glossaries/{number}", self.glossary_3, "GET", "DELETE", "PATCH"),
            route("/v3/glossaries/{number}/entries", self.entries_3, "GET"),
            route("/v3/glossaries/{number}/dictionaries", self.dictionaries, "PUT", "DELETE"),
        ]

    def _guarded(self, handler: Any) -> Any:
        async def guard(request: Request) -> Response:
            try:
                fields = await read_body(request)
                caller = self._engine.callers.identify(request, _key(request, fields))
                return await handler(request, caller, fields)  # type: ignore[no-any-return]
            except Exception as error:
                found = status_of(error)
                headers = {"Retry-After": str(found.retry_after)} if found.retry_after else None
                return JSONResponse({"message": found.message}, found.status, headers)
            finally:
                await request.close()

        return guard

    # -- texts ----------------------------------------------------------------------------------------------

    async def translate(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        texts = fields.get("text")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise RequestError(400, "Parameter 'text' not specified.")
        source = _language(fields.get("source_lang")) or "auto"
        target = _language(fields.get("target_lang"))
        if not target:
            raise RequestError(400, "Parameter 'target_lang' not specified.")
        handling = fields.get("tag_handling")
        shape: TextFormat = handling if handling in ("html", "xml") else "text"
        default = "nonewlines" if shape != "text" else "1"
        split = _SPLITS.get(str(fields.get("split_sentences", default)).removesuffix(".0"))
        if split is None:
            raise RequestError(400, "Value for 'split_sentences' not supported.")
        glossary = self._glossary_of(fields, caller, source, target)
        asked = await self._engine.translate(
            request, caller, texts, source, target, format=shape, glossary=glossary, limit_status=413,
            split="paragraph" if shape != "text" and split == "wrapped_text" else split,
        )  # fmt: skip
        found = [
            {
                "detected_source_language": language.upper(),
                "text": one.text,
                "billed_characters": len(text),
                "model_type_used": "quality_optimized",
            }
            for text, one, language in zip(texts, asked.translations, asked.languages, strict=True)
        ]
        return JSONResponse({"translations": found})

    async def languages(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        pairs = self._engine.pairs()
        codes = pairs.all_targets if fields.get("type") == "target" else pairs.sources
        answer = []
        for code in codes:
            row: dict[str, object] = {"language": code.upper(), "name": pairs.name(code)}
            if fields.get("type") == "target":
                row["supports_formality"] = False
            answer.append(row)
        return JSONResponse(answer)

    async def usage(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        used, most = self._engine.callers.used(caller)
        return JSONResponse({"character_count": used, "character_limit": most})

    # -- documents ------------------------------------------------------------------------------------------

    async def upload(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        file = upload_of(fields, "file")
        data = await file.read()
        pairs = self._engine.pairs()
        stated = _language(fields.get("source_lang"))
        known = pairs.source(stated) if stated else await self._engine.language_of(data)
        goal = pairs.target(known or "", _language(fields.get("target_lang")))
        if known is None or goal is None:
            raise RequestError(400, "Value for 'source_lang' or 'target_lang' not supported.")
        name = str(fields.get("filename") or file.filename)
        stored = Stored(safe_name(name, goal), caller.name)
        charge = self._engine.callers.charge

        async def work() -> None:
            try:
                stored.data, stored.characters = await translate_upload(
                    self._engine.service, data, name, known, goal, caller.name, lambda count: charge(caller, count)
                )
            except Exception as error:
                stored.error = error.message if isinstance(error, RequestError) else error_text(error)

        stored.task = asyncio.get_running_loop().create_task(work())
        return JSONResponse({"document_id": self._files.keep(stored), "document_key": stored.secret})

    async def document_status(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        number, stored = self._stored(request, fields)
        answer: dict[str, object] = {"document_id": number}
        if stored.error:
            answer |= {"status": "error", "error_message": stored.error}
        elif stored.data is not None:
            answer |= {"status": "done", "billed_characters": stored.characters}
        else:
            answer |= {"status": "translating", "seconds_remaining": 5}
        return JSONResponse(answer)

    async def document_result(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        number, stored = self._stored(request, fields)
        if stored.data is None:
            raise RequestError(503, stored.error or "Document is not ready for download.", 1)
        self._files.drop(number)
        return Response(stored.data, media_type="application/octet-stream")

    def _stored(self, request: Request, fields: Mapping[str, Any]) -> tuple[str, Stored]:
        number = request.path_params["number"]
        stored = self._files.find(number)
        if stored is None or not secrets.compare_digest(str(fields.get("document_key", "")), stored.secret):
            raise RequestError(404, "Document not found.")
        return number, stored

    # -- glossaries -----------------------------------------------------------------------------------------

    async def glossary_pairs(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        pairs = self._engine.pairs()
        found = [{"source_lang": a, "target_lang": b} for a in pairs.sources for b in pairs.targets[a]]
        return JSONResponse({"supported_languages": found})

    async def glossaries_2(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        if request.method == "GET":
            own = [(number, one) for number, one in self._glossaries.items() if one.owner == caller.name]
            return JSONResponse({"glossaries": [_shown_2(number, one) for number, one in own]})
        pair = _language(fields.get("source_lang")), _language(fields.get("target_lang"))
        entries = _entries(str(fields.get("entries", "")), str(fields.get("entries_format", "tsv")), pair)
        number = self._keep(_Glossary(str(fields.get("name", "")), caller.name, {pair: entries}))
        return JSONResponse(_shown_2(number, self._glossaries[number]), 201)

    async def glossary_2(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        number, found = self._own(request, caller)
        if request.method == "DELETE":
            del self._glossaries[number]
            return Response(status_code=204)
        return JSONResponse(_shown_2(number, found))

    async def entries_2(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        _, found = self._own(request, caller)
        (entries,) = list(found.dictionaries.values())[:1] or [{}]
        return Response(_tsv(entries), media_type="text/tab-separated-values")

    async def glossaries_3(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        if request.method == "GET":
            own = [(number, one) for number, one in self._glossaries.items() if one.owner == caller.name]
            return JSONResponse({"glossaries": [_shown_3(number, one) for number, one in own]})
        dictionaries = dict(map(_dictionary, _list(fields, "dictionaries")))
        found = _Glossary(str(fields.get("name", "")), caller.name, dictionaries)
        number = self._keep(found)
        return JSONResponse(_shown_3(number, found), 201)

    async def glossary_3(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        number, found = self._own(request, caller)
        if request.method == "DELETE":
            del self._glossaries[number]
            return Response(status_code=204)
        if request.method == "PATCH":
            found.name = str(fields.get("name") or found.name)
            for pair, entries in map(_dictionary, _list(fields, "dictionaries", empty=True)):
                found.dictionaries.setdefault(pair, {}).update(entries)
        return JSONResponse(_shown_3(number, found))

    async def entries_3(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        _, found = self._own(request, caller)
        pair = _language(fields.get("source_lang")), _language(fields.get("target_lang"))
        if pair not in found.dictionaries:
            raise RequestError(404, "Dictionary not found.")
        row = {**_pair(pair), "entries": _tsv(found.dictionaries[pair]), "entries_format": "tsv"}
        return JSONResponse({"dictionaries": [row]})

    async def dictionaries(self, request: Request, caller: Caller, fields: Mapping[str, Any]) -> Response:
        _, found = self._own(request, caller)
        if request.method == "DELETE":
            pair = _language(fields.get("source_lang")), _language(fields.get("target_lang"))
            if found.dictionaries.pop(pair, None) is None:
                raise RequestError(404, "Dictionary not found.")
            return Response(status_code=204)
        pair, entries = _dictionary(fields)
        found.dictionaries[pair] = entries
        return JSONResponse({**_pair(pair), "entry_count": len(entries)})

    def _keep(self, glossary: _Glossary) -> str:
        if not glossary.name:
            raise RequestError(400, "Parameter 'name' not specified.")
        if len(self._glossaries) >= _MOST_GLOSSARIES:
            raise RequestError(456, "Too many glossaries.")
        number = secrets.token_hex(16)
        number = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))
        self._glossaries[number] = glossary
        return number

    def _own(self, request: Request, caller: Caller) -> tuple[str, _Glossary]:
        number = request.path_params["number"]
        found = self._glossaries.get(number)
        if found is None or found.owner != caller.name:
            raise RequestError(404, "Glossary not found.")
        return number, found

    def _glossary_of(self, fields: Mapping[str, Any], caller: Caller, source: str, target: str) -> Glossary | None:
        numbers = fields.get("glossary_ids") or ([fields["glossary_id"]] if fields.get("glossary_id") else [])
        if not numbers:
            return None
        if source == "auto":
            raise RequestError(400, "Use of a glossary requires the source_lang parameter to be specified.")
        entries: dict[str, str] = {}
        for number in numbers:
            found = self._glossaries.get(str(number))
            if found is None or found.owner != caller.name:
                raise RequestError(404, "Glossary not found.")
            for (a, b), terms in found.dictionaries.items():
                if a == source.partition("-")[0] and b.partition("-")[0] == target.partition("-")[0]:
                    entries |= terms
        if not entries:
            raise RequestError(400, "The glossary does not fit the languages.")
        return Glossary.from_pairs(list(entries.items()), source=source, target=target)


def _key(request: Request, fields: Mapping[str, Any]) -> str:
    stated = request.headers.get("authorization", "")
    if stated.lower().startswith("deepl-auth-key "):
        return stated[15:].strip()
    return str(fields.get("auth_key", ""))


def _language(value: object) -> str:
    """DeepL's codes are upper case, and regions of English mean English."""
    code = str(value or "").strip().lower()
    return "en" if code in ("en-us", "en-gb") else code


def _list(fields: Mapping[str, Any], name: str, *, empty: bool = False) -> list[Mapping[str, Any]]:
    found = fields.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found) or not (found or empty):
        raise RequestError(400, f"Parameter '{name}' not specified.")
    return found


def _dictionary(fields: Mapping[str, Any]) -> tuple[tuple[str, str], dict[str, str]]:
    pair = _language(fields.get("source_lang")), _language(fields.get("target_lang"))
    return pair, _entries(str(fields.get("entries", "")), str(fields.get("entries_format", "tsv")), pair)


def _entries(text: str, kind: str, pair: tuple[str, str]) -> dict[str, str]:
    if len(text) > _MOST_ENTRIES:
        raise RequestError(413, "The glossary is too large.")
    if not all(pair):
        raise RequestError(400, "Parameters 'source_lang' and 'target_lang' not specified.")
    rows = csv.reader(io.StringIO(text)) if kind == "csv" else (line.split("\t") for line in text.splitlines())
    terms = [(row[0].strip(), row[1].strip()) for row in rows if len(row) in (2, 4)]
    try:
        Glossary.from_pairs(terms, source=pair[0], target=pair[1])
    except (OptionsError, TextFormatError) as error:
        raise RequestError(400, str(error)) from None
    if not terms:
        raise RequestError(400, "Missing or invalid argument: entries")
    return dict(terms)


def _tsv(entries: Mapping[str, str]) -> str:
    return "\n".join(f"{source}\t{target}" for source, target in entries.items())


def _pair(pair: tuple[str, str]) -> dict[str, str]:
    return {"source_lang": pair[0], "target_lang": pair[1]}


def _shown_2(number: str, glossary: _Glossary) -> dict[str, object]:
    pair, entries = next(iter(glossary.dictionaries.items()), (("", ""), {}))
    return {
        "glossary_id": number, "name": glossary.name, "ready": True, **_pair(pair),
        "creation_time": glossary.created, "entry_count": len(entries),
    }  # fmt: skip


def _shown_3(number: str, glossary: _Glossary) -> dict[str, object]:
    dictionaries = [{**_pair(pair), "entry_count": len(terms)} for pair, terms in glossary.dictionaries.items()]
    return {
        "glossary_id": number, "name": glossary.name, "dictionaries": dictionaries, "creation_time": glossary.created,
    }  # fmt: skip
