"""Words in letters that their language does not use: a model that learnt Latin letters babbles about others."""

from __future__ import annotations

import re

__all__ = ["foreign_words"]

_LATIN = (
    " af ca cs cy da de en eo es et eu fi fo fr fy ga gd gl ha haw hr ht hu id ig is it la lb lt lv mg mi ms mt nb nl"
    " nn no oc pl pt rm ro sk sl sm sn so sq st su sv sw tl to tr vi wo xh yo zu "
)
"""Languages that are written in Latin letters and no others."""

_OTHERS = (
    "\u0370-\u1cff\u1f00-\u1fff\u2c00-\u2c5f\u2c80-\u2dff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\ua71f"
    "\ua800-\uab2f\uabc0-\ud7ff\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufefc\uff66-\uffdc\U00010000-\U0001cfff\U00020000-\U0003ffff"
)
"""Letters and signs of all scripts behind Latin, in blocks of Unicode 16."""

_FOREIGN = re.compile(rf"[{_OTHERS}](?:[^A-Za-z\u00aa-\u036f\u1d00-\u1eff\n]*[{_OTHERS}])?")


def foreign_words(language: str) -> re.Pattern[str] | None:
    """What matches the longest stretches of words in other letters than the language's, with what is between them.

    Args:
        language: a code such as "de" or "pt-BR".

    Returns:
        None where that cannot be told: the language is unknown, or is not written in Latin letters alone.
    """
    return _FOREIGN if f" {language.partition('-')[0]} " in _LATIN else None
