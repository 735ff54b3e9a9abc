"""A file's sentences and their translations side by side: a table (.tsv), a page (.html), a memory (.tmx)."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from dragoman.errors import OptionsError

__all__ = ["side_by_side"]

Pairs = Sequence[tuple[str, str]]


def side_by_side(path: Path, pairs: Iterable[tuple[str, str]], source: str, target: str) -> bytes:
    """The file that shows pairs of sentences.

    Args:
        path: of it; its suffix says which kind it is.
        pairs: source and translation, in the order of the file; equal ones stay once.
        source, target: languages; "" if not known.

    Raises:
        OptionsError: it has no suffix of the three, or a memory lacks its languages.
    """
    unique = list(dict.fromkeys((one.strip(), other.strip()) for one, other in pairs))
    if path.suffix == ".tsv":
        return "".join(f"{_one_line(one)}\t{_one_line(other)}\n" for one, other in unique).encode()
    if path.suffix == ".html":
        return _page(unique, source, target).encode()
    if path.suffix != ".tmx":
        raise OptionsError("output", str(path), "a name that ends in .tsv, .html or .tmx for text side by side")
    if not source or not target:
        raise OptionsError("source, target", f"{source!r}, {target!r}", "both languages (--from, --to) for a .tmx")
    return _memory(unique, source, target).encode()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _page(pairs: Pairs, source: str, target: str) -> str:
    rows = "".join(
        f"<tr><td lang={quoteattr(source)}>{html.escape(one)}</td>"
        f"<td lang={quoteattr(target)}>{html.escape(other)}</td></tr>\n"
        for one, other in pairs
    )
    style = "table{width:100%} td{width:50%;vertical-align:top;padding:.3em;border-bottom:1px solid #ccc}"
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(source)} {html.escape(target)}</title>'
        f"<style>{style}</style></head><body><table>\n{rows}</table></body></html>\n"
    )


def _memory(pairs: Pairs, source: str, target: str) -> str:
    def variant(language: str, text: str) -> str:
        return f"<tuv xml:lang={quoteattr(language)}><seg>{escape(text)}</seg></tuv>"

    units = "".join(f"<tu>{variant(source, one)}{variant(target, other)}</tu>\n" for one, other in pairs)
    header = (
        '<header creationtool="dragoman" creationtoolversion="1" segtype="sentence" o-tmf="dragoman" adminlang="en" '
        f'srclang={quoteattr(source)} datatype="plaintext"/>'
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">{header}<body>\n{units}</body></tmx>\n'
