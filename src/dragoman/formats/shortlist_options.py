"""Which shortlist a configuration asks for, and how it wants it read. Reading is `shortlist_text`'s work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["ShortlistOptions", "sizes_in_name"]

_DEFAULT_SIZES = (100, 100)
_BERGAMOT_SIZES = (50, 50)


@dataclass(frozen=True)
class ShortlistOptions:
    """A shortlist as a configuration asks for it: ``[path, first, best, threshold]`` or ``[path, false]``.

    Attributes:
        path: the file.
        first: most frequent target ids to add, for a text list; None where not stated.
        best: target ids kept for a source id, for a text list; None where not stated.
        threshold: least probability kept, for a text list.
        verify: check the checksum, for a binary list.
        repeated: which probability counts for a pair that a text list has twice: "highest" as for ``marian-conv`` and
            Bergamot, "last" as for ``marian-decoder`` itself.
        dump: where ``marian-decoder`` writes the pruned lists: names that begin so. Empty: nowhere.
        stated_false: the second value was ``false``. A binary list is then not verified. For a text list
            Marian reads it as ``first`` = 0, almost surely not intended: here the sizes in the file's name
            are used, else 50 and 50.
    """

    path: Path
    first: int | None = None
    best: int | None = None
    threshold: float = 0.0
    verify: bool = True
    stated_false: bool = False
    repeated: Literal["highest", "last"] = "highest"
    dump: str = ""

    @property
    def sizes(self) -> tuple[int, int]:
        """``first`` and ``best`` to use for a text list."""
        if self.stated_false:
            first, best = sizes_in_name(self.path.name) or _BERGAMOT_SIZES
        else:
            first, best = _DEFAULT_SIZES
        return (first if self.first is None else self.first, best if self.best is None else self.best)


def sizes_in_name(name: str) -> tuple[int, int] | None:
    """``first`` and ``best`` from a name like ``lex.50.50.ende.s2t``, or None."""
    match = re.search(r"(?:^|\.)(\d{1,6})\.(\d{1,6})\.", name)
    return (int(match[1]), int(match[2])) if match else None
