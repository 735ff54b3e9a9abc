"""Bodies of requests: JSON or a form, read within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from dragoman.server.faults import RequestError

__all__ = ["read_body", "read_json", "upload_of"]

_MOST_FIELDS = 1000


async def read_json(request: Request) -> Any:
    """Raises RequestError 400 for what is no JSON."""
    try:
        return msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RequestError(400, "Invalid JSON format") from None


async def read_body(request: Request) -> Mapping[str, Any]:
    """The fields of a body by name: an object of JSON, or a form. Fields of the address count where the body has none.

    Raises RequestError 400 for what is neither.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields: dict[str, Any] = dict(request.query_params)
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        try:
            form = await request.form(max_files=16, max_fields=_MOST_FIELDS, max_part_size=1 << 26)
        except (MultiPartException, ValueError, KeyError) as error:
            raise RequestError(400, f"Invalid form: {error}") from None
        for name in form:
            values = form.getlist(name)
            fields[name] = values[0] if len(values) == 1 else values
        return fields
    body = await request.body()
    if not body:
        return fields
    decoded = await read_json(request)
    if not isinstance(decoded, dict):
        raise RequestError(400, "Invalid JSON format")
    return {**fields, **decoded}


def upload_of(fields: Mapping[str, Any], name: str) -> UploadFile:
    """An uploaded file. Raises RequestError 400 if there is none."""
    found = fields.get(name)
    if not isinstance(found, UploadFile) or not found.filename:
        raise RequestError(400, f"Invalid request: missing {name} parameter")
    return found
