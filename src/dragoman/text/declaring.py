"""Texts that say which language they are in: what is written when that has changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dragoman.errors import OptionsError
from dragoman.options import TextFormat
from dragoman.result import Span

__all__ = ["declare_language"]

_CODE = re.compile("[A-Za-z0-9_-]{1,35}")
_RIGHT_TO_LEFT = frozenset(("ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "syr", "ug", "ur", "yi"))


def declare_language(text: str, name: TextFormat, language: str) -> str:
    """A page or a document that says that it is in ``language``.

    Of HTML the element ``html`` gets ``lang``, and ``dir`` where the direction is another; of XML the root's
    ``xml:lang`` is replaced if there is one. Fragments and other formats are left as they are.

    Args:
        name: the text's format.
        language: a code, as it shall be written.

    Raises:
        OptionsError: what is no code.
    """
    if not _CODE.fullmatch(language):
        raise OptionsError("language", language, "a code such as de or pt-BR")
    edits = _of_html(text, language) if name == "html" else _of_xml(text, language) if name == "xml" else ()
    return _edited(text, edits)


def _edited(text: str, edits: Iterable[tuple[Span, str]]) -> str:
    pieces: list[str] = []
    place = 0
    for span, shown in edits:
        pieces += (text[place : span.start], shown)
        place = span.stop
    return "".join((*pieces, text[place:]))


def _of_html(text: str, language: str) -> Iterator[tuple[Span, str]]:
    from dragoman.text.html.tokens import Kind, attributes_of, tokenize

    starts = (token for token in tokenize(text) if token.kind is Kind.START)
    root = next(starts, None)
    if root is None or root.name != "html":
        return
    right_to_left = language.replace("_", "-").split("-")[0].lower() in _RIGHT_TO_LEFT
    wanted = {"lang": language, "xml:lang": language, "dir": "rtl" if right_to_left else "ltr"}
    edits: dict[str, tuple[Span, str]] = {}
    for name, start, stop, quote in attributes_of(text, root):
        if name in wanted and name not in edits:
            is_bare = start == stop and not quote
            edits[name] = Span(start, stop), f'="{wanted[name]}"' if is_bare else wanted[name]
    behind = root.start + 1 + len(root.name)
    missing = "" if "lang" in edits else f' lang="{language}"'
    if right_to_left and "dir" not in edits:
        missing += ' dir="rtl"'
    yield Span(behind, behind), missing
    yield from edits.values()


def _of_xml(text: str, language: str) -> Iterator[tuple[Span, str]]:
    from dragoman.text.xml.tokens import Kind, attributes_of, tokenize

    root = next((token for token in tokenize(text) if token.kind in (Kind.START, Kind.EMPTY)), None)
    for name, start, stop in attributes_of(text, root) if root else ():
        if name == "xml:lang":
            yield Span(start, stop), language
