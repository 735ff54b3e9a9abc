"""JSON: strings that are values are translated in place; keys, order, layout, numbers, truths and nulls stay."""

from __future__ import annotations

import json
import re

from dragoman.documents.encoding import TextFile
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Settings, Unit
from dragoman.documents.words import is_prose
from dragoman.errors import DocumentError

__all__ = ["read_json"]

_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*+"(\s*:)?')
_MOST_DEPTH = 10_000


def read_json(file: TextFile, settings: Settings) -> SpanDocument:
    """Raises DocumentError if the file is no JSON."""
    source = file.text
    _check(source)
    write = json.dumps if source.isascii() and "\\u" in source else _write
    places = []
    for found in _STRING.finditer(source):
        if found[1] is None:
            text = json.loads(found[0])
            if is_prose(text):
                places.append(Place(found.start(), found.end(), Unit(text), write))
    return SpanDocument(file, places, replace=lambda letter: json.dumps(letter)[1:-1])


def _write(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _check(source: str) -> None:
    depth = deepest = 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', source):
        if found[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    if deepest > _MOST_DEPTH:
        raise DocumentError(f"the JSON is nested {deepest} deep; {_MOST_DEPTH} is the most.")
    if deepest > 500:  # Python's reader recurses; brackets that match are all that is needed below
        if depth != 0:
            raise DocumentError("not JSON: brackets do not match.")
        return
    try:
        json.loads(source)
    except ValueError as error:
        raise DocumentError(f"not JSON: {error}") from None
