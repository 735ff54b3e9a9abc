"""How a translation is spelled in Markdown, so that none of its characters is taken for a mark."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from dragoman.text.codes import Code, CodedText, CodeKind
from dragoman.text.format import Places
from dragoman.text.markdown.inlines import Kind, read_inlines
from dragoman.text.writing import Escapes, render

__all__ = ["escaped", "inset_escapes"]

_DELIMITERS = "`*_~$"
_MARKS = {character: f"\\{character}" for character in "\\`*_<&"}
_ALL = {character: f"\\{character}" for character in "\\`*_[]<&~$|{:"}
_BLOCK = re.compile(r"#{1,6}(?=\s|$)|[-+*](?=\s|$)|\d{1,9}(?=[.)](?:\s|$))|>|`{3,}|~{3,}|=+$|-+$|\+{3}|:{3}|!{3}")
"""What would begin another block at the beginning of a line."""


def inset_escapes(kind: str) -> Escapes:
    """For the description of a picture."""
    return {"[": "\\[", "]": "\\]", "\\": "\\\\", **({"|": "\\|"} if kind == "cell" else {})}


def escaped(coded: CodedText, offset: int, kind: str, labels: frozenset[str]) -> tuple[str, Places]:
    """A block as it is written: with as few escapes as its text needs to be read as what it is."""
    always = {"|": "\\|"} if kind == "cell" else {}
    coded = _apart(coded)
    special = _at_beginning(coded) if kind != "cell" else {}
    for escapes in ({}, _MARKS):
        shown, places = render(coded, offset, {**escapes, **always}, special)
        if _is_read_as(shown, coded, labels, len(special) + sum(map(coded.text.count, (*escapes, *always)))):
            return shown, places
    return render(coded, offset, {**_ALL, **always}, special)


def _apart(coded: CodedText) -> CodedText:
    """With a space between marks that would be read as one."""
    codes: list[Code] = []
    for code in coded.codes:
        before = codes[-1] if codes else None
        if (
            before is not None
            and before.at + before.width == code.at
            and before.kind is not CodeKind.OPEN
            and code.kind is not CodeKind.CLOSE
            and before.raw[-1:] == code.raw[:1]
            and code.raw[:1] in _DELIMITERS
        ):
            code = replace(code, raw=f" {code.raw}")
        codes.append(code)
    return replace(coded, codes=tuple(codes))


def _at_beginning(coded: CodedText) -> dict[int, str]:
    found = None if coded.codes and coded.codes[0].at == 0 else _BLOCK.match(coded.text)
    if found is None:
        return {}
    place = found.end() if found.group().isdigit() else 0
    return {place: f"\\{coded.text[place]}"}


def _is_read_as(shown: str, coded: CodedText, labels: frozenset[str], escapes: int) -> bool:
    """Whether there are no other marks in what is written than there should be."""
    found = Counter(item.kind is Kind.REFERENCE for item in read_inlines(shown, labels))
    return found[False] == len(coded.codes) and found[True] == escapes
