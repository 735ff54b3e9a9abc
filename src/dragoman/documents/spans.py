"""A text file whose units are stretches of its source: the translations take their places, all else is copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dragoman.documents.encoding import TextFile
from dragoman.documents.unit import Unit

__all__ = ["Place", "SpanDocument"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands.

    Attributes:
        start, stop: in the source, half-open.
        unit: what is translated there.
        write: a translation as the format writes it there.
    """

    start: int
    stop: int
    unit: Unit
    write: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class SpanDocument:
    """See `dragoman.documents.unit.Document`.

    Attributes:
        file: the source.
        places: ascending, not overlapping.
        edits: other changes that come with any translation, such as the language that the file says it is in: start,
            stop and text, ascending.
        replace: how the format writes what the file's encoding lacks; None: it cannot.
    """

    file: TextFile
    places: Sequence[Place]
    edits: Sequence[tuple[int, int, str]] = ()
    replace: Callable[[str], str] | None = None

    @property
    def units(self) -> Sequence[Unit]:
        return [place.unit for place in self.places]

    def write(self, translated: Sequence[str | None]) -> bytes:
        changes = [
            (place.start, place.stop, place.write(text))
            for place, text in zip(self.places, translated, strict=True)
            if text is not None and text != place.unit.text
        ]
        if changes:
            changes = sorted([*changes, *self.edits], key=lambda change: change[:2])
        source, parts, at = self.file.text, [], 0
        for start, stop, text in changes:
            parts += [source[at:start], text]
            at = stop
        parts.append(source[at:])
        return self.file.encode("".join(parts), self.replace)
