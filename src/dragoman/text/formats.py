"""The formats of texts with marks, by name."""

from __future__ import annotations

from dragoman.options import TextFormat
from dragoman.text.format import MarkedText

__all__ = ["read_format"]


def read_format(source: str, name: TextFormat) -> MarkedText:
    """Parse a text. Anything is accepted in any format: what is no mark is text, or stays as it is.

    Args:
        name: but "text".

    Raises:
        UnavailableError: the parser of the format is not installed.
    """
    # Imported when used: most callers have one format, and plain text none.
    if name == "html":
        from dragoman.text.html.page import read_html

        return read_html(source)
    if name == "xml":
        from dragoman.text.xml.document import read_xml

        return read_xml(source)
    if name == "markdown":
        from dragoman.text.markdown.document import read_markdown

        return read_markdown(source)
    raise ValueError(f"no format with marks: {name}")
