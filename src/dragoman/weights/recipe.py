"""What to prepare of a model, and how."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from dragoman.backends.protocol import StoringBackend
from dragoman.formats.model_options import GivenOptions
from dragoman.formats.shortlist_options import ShortlistOptions
from dragoman.formats.vocabulary import Vocabulary

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """What to prepare.

    Attributes:
        model: the file.
        precision, compat: as `dragoman.load` takes them.
        shortlist: which one goes into the file, or None: then the output layer is packed for whole use.
        source, target: the model's vocabularies.
        given: options from beside the model file.
    """

    model: Path
    precision: str
    compat: str
    shortlist: ShortlistOptions | None
    source: Vocabulary
    target: Vocabulary
    given: GivenOptions

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.model,) if self.shortlist is None else (self.model, self.shortlist.path)

    def settings(self, backend: StoringBackend) -> dict[str, object]:
        """What decides the result beside the files' contents."""
        lists = self.shortlist
        return {
            "backend": [backend.name, backend.fingerprint],
            "precision": self.precision,
            "compat": self.compat,
            "shortlist": None
            if lists is None
            else [lists.first, lists.best, lists.threshold, lists.verify, lists.stated_false, lists.repeated,
                  lists.path.name, self.source.content_hash, self.target.content_hash],
            "given": [json.dumps(dict(self.given.values), sort_keys=True, default=str), self.given.ignore_file],
        }  # fmt: skip
