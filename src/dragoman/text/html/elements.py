"""What the names of HTML's elements and attributes mean for a translator (decided lists, not the whole standard)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BLOCKS", "CLOSED_BY", "OPAQUE", "PRESERVED", "READ_INLINE", "SILENT", "VOID", "is_translated_attribute",
]  # fmt: skip


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = _names("area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr")

BLOCKS = _names(
    "address article aside blockquote body br button caption center col colgroup dd details dialog dir "
    "div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup "
    "hr html iframe legend li listing main menu nav noembed noframes noscript object ol optgroup option p "
    "plaintext pre search section select summary table tbody td textarea tfoot th thead title tr ul xmp "
    "audio video canvas"
)
"""What breaks a sentence. All others are inline, as in a browser, unknown ones too."""

OPAQUE = _names("script style code kbd samp var textarea svg math template iframe noscript object xmp noembed noframes")
"""Elements whose content stays as it is."""

READ_INLINE = _names("code kbd samp var math")
"""Opaque elements whose text a reader reads as words of the sentence."""

SILENT = _names("script style template")
"""Opaque elements that show nothing."""

PRESERVED = frozenset(("pre", "listing"))
"""Elements in which white space counts."""

CLOSED_BY: Mapping[str, frozenset[str]] = {
    "li": frozenset(("li",)),
    "dt": frozenset(("dt", "dd")),
    "dd": frozenset(("dt", "dd")),
    "option": frozenset(("option",)),
    "optgroup": frozenset(("option", "optgroup")),
    "tr": frozenset(("tr", "td", "th")),
    "td": frozenset(("td", "th")),
    "th": frozenset(("td", "th")),
    "thead": frozenset(("thead", "tbody", "tfoot", "tr", "td", "th")),
    "tbody": frozenset(("thead", "tbody", "tfoot", "tr", "td", "th")),
    "tfoot": frozenset(("thead", "tbody", "tfoot", "tr", "td", "th")),
    "body": frozenset(("head",)),
    **dict.fromkeys(
        _names(
            "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer "
            "form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search section table ul"
        ),
        frozenset(("p",)),
    ),
}
"""Which open elements a start tag ends, whose end tags may be left out."""

_ANYWHERE = frozenset(("title", "aria-label"))
_BY_ELEMENT: Mapping[str, frozenset[str]] = {
    "alt": frozenset(("img", "area", "input")),
    "placeholder": frozenset(("input", "textarea")),
    "label": frozenset(("option", "optgroup", "track")),
}
_BUTTONS = frozenset(("submit", "button", "reset"))
_DESCRIPTIONS = frozenset(("description", "og:title", "og:description"))


def is_translated_attribute(element: str, attribute: str, values: Mapping[str, str]) -> bool:
    """Whether a person reads an attribute's value.

    Args:
        element, attribute: names in lower case.
        values: of all attributes of the tag, by name.
    """
    if attribute in _ANYWHERE:
        return True
    if element == "meta" and attribute == "content":
        return not _DESCRIPTIONS.isdisjoint((values.get("name", "").lower(), values.get("property", "").lower()))
    if element == "input" and attribute == "value":
        return values.get("type", "").lower() in _BUTTONS
    return element in _BY_ELEMENT.get(attribute, ())
