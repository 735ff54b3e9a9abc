"""YAML: strings that are values are translated in place; keys, comments, anchors, quoting and layout stay.

https://yaml.org/spec/1.1; read with PyYAML's parser, which tells where each scalar stands. Nothing is constructed, and
no alias is expanded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import yaml

from dragoman.documents.encoding import TextFile
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Settings, Unit
from dragoman.documents.words import is_prose
from dragoman.errors import DocumentError

__all__ = ["read_yaml"]

_RESOLVER = yaml.SafeLoader("")
_PLAIN = re.compile(r"[^\W\d_](?:[^\n:#\[\]{},&*!|>'\"%@`]|:(?=\S)|(?<=\S)#)*(?<=\S)")
_DEEPEST = 200
"""PyYAML's time grows with the depth of each token."""
_OPENING = (
    yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken, yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken,
)  # fmt: skip
_CLOSING = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken, yaml.BlockEndToken)
_MAPPING, _KEY, _VALUE, _SEQUENCE = range(4)


def read_yaml(file: TextFile, settings: Settings) -> SpanDocument:
    """Raises DocumentError if the file is no YAML."""
    source = file.text
    places: list[Place] = []
    stack: list[int] = []
    try:
        starts = _scalars(source)
        for event in yaml.parse(source):
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                _passed(stack)
                stack.append(_KEY if isinstance(event, yaml.MappingStartEvent) else _SEQUENCE)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                stack.pop()
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                is_key = bool(stack) and stack[-1] == _KEY
                _passed(stack)
                if isinstance(event, yaml.ScalarEvent) and not is_key and _is_text(event):
                    stop = event.end_mark.index if event.end_mark is not None else -1
                    start = starts.get(stop)
                    if start is not None:
                        places.append(_place(source, start, stop, event))
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(f"not YAML: {' '.join(str(error).split())}") from None
    return SpanDocument(file, places)


def _scalars(source: str) -> dict[int, int]:
    """Where scalars end, to where they start. Raises DocumentError for what is nested too deep."""
    found, depth = {}, 0
    for token in yaml.scan(source):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _DEEPEST:
            raise DocumentError(f"the YAML is nested deeper than {_DEEPEST} (line {token.start_mark.line + 1}).")
        if isinstance(token, yaml.ScalarToken):
            found[token.end_mark.index] = token.start_mark.index
    return found


def _passed(stack: list[int]) -> None:
    """A node follows in the collection at hand: keys and values take turns."""
    if stack and stack[-1] in (_KEY, _VALUE):
        stack[-1] = _VALUE if stack[-1] == _KEY else _KEY


def _is_text(event: yaml.ScalarEvent) -> bool:
    """Not what YAML reads as a number, a truth, a date or nothing, and holding words."""
    if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
        return False
    if event.style is None and event.tag is None and not _stays_text(event.value):
        return False
    return is_prose(event.value)


def _place(source: str, start: int, stop: int, event: yaml.ScalarEvent) -> Place:
    if event.style in ("|", ">"):
        stop = start + len(source[start:stop].rstrip("\r\n "))
        return Place(start, stop, Unit(event.value.rstrip("\n")), _block(source, start, stop))
    return Place(start, stop, Unit(event.value), _flow(event.style))


def _flow(style: str | None) -> Callable[[str], str]:
    def write(text: str) -> str:
        if style == "'" and "\n" not in text and text.isprintable():
            return "'" + text.replace("'", "''") + "'"
        if style is None and _PLAIN.fullmatch(text) and text.isprintable() and _stays_text(text):
            return text
        return json.dumps(text, ensure_ascii=False)

    return write


def _stays_text(text: str) -> bool:
    """As it would be read without quotes."""
    tag: object = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag == "tag:yaml.org,2002:str"


def _block(source: str, start: int, stop: int) -> Callable[[str], str]:
    """A literal or folded text under its header line, with the indentation it had."""
    head, _, body = source[start:stop].partition("\n")
    first = next((line for line in body.split("\n") if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" "))] or "  "
    break_ = "\r\n" if head.endswith("\r") else "\n"
    folded = head.startswith(">")

    def write(text: str) -> str:
        lines = text.split("\n")
        if folded:  # a single line feed would become a space
            lines = [part for line in lines for part in (line, "")][:-1]
        return head.rstrip("\r") + break_ + break_.join(indent + line if line.strip() else "" for line in lines)

    return write
