"""Message catalogues of gettext (.po, .pot): empty translations are filled, everything else stays byte for byte.

https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman.documents.encoding import TextFile
from dragoman.documents.unit import Settings, Unit

__all__ = ["Catalogue", "read_po"]

_LINE = re.compile(r"[^\n]*(?:\n|$)")
_FIELD = re.compile(r"\s*(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d+)\])?)\s+(\"(?:[^\"\\]|\\.)*\")\s*$")
_MORE = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\")\s*$")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}
_PLURALS = re.compile(r"nplurals\s*=\s*(\d{1,2})")
_MOST_FORMS = 6


@dataclass(slots=True)
class _Entry:
    """One message and where its lines are. ``fields``: name to the text and to the stretch of the source."""

    start: int
    stop: int = 0
    flags: str = ""
    flags_at: int = -1
    obsolete: bool = False
    fields: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.fields[name][0] if name in self.fields else ""


class Catalogue:
    """See `dragoman.documents.unit.Document`."""

    def __init__(self, file: TextFile, entries: Sequence[_Entry], settings: Settings) -> None:
        self._file, self._settings = file, settings
        header = next((entry for entry in entries if entry.text("msgid") == "" and "msgid" in entry.fields), None)
        said = _PLURALS.search(header.text("msgstr")) if header is not None else None
        self._forms = min(max(int(said[1]), 1), _MOST_FORMS) if said else 2
        self._header = header
        self._open = [entry for entry in entries if _is_open(entry)]

    @property
    def units(self) -> Sequence[Unit]:
        found = []
        for entry in self._open:
            found.append(Unit(entry.text("msgid")))
            if "msgid_plural" in entry.fields:
                found.append(Unit(entry.text("msgid_plural")))
        return found

    def write(self, translated: Sequence[str | None]) -> bytes:
        rest = iter(translated)
        changes: list[tuple[int, int, str]] = []
        for entry in self._open:
            singular = next(rest)
            plural = next(rest) if "msgid_plural" in entry.fields else None
            if singular is None or ("msgid_plural" in entry.fields and plural is None):
                continue
            changes += self._filled(entry, singular, plural)
        if changes and self._header is not None and self._settings.target:
            changes += self._language(self._header, self._settings.target)
        source, parts, at = self._file.text, [], 0
        for start, stop, text in sorted(changes):
            parts += [source[at:start], text]
            at = stop
        return self._file.encode("".join([*parts, source[at:]]))

    def _filled(self, entry: _Entry, singular: str, plural: str | None) -> list[tuple[int, int, str]]:
        """The changes of one entry."""
        break_ = "\r\n" if "\r\n" in self._file.text[entry.start : entry.stop] else "\n"
        changes = []
        if self._settings.fuzzy:
            if entry.flags_at >= 0:
                changes.append((entry.flags_at + 2, entry.flags_at + 2, " fuzzy," if entry.flags else " fuzzy"))
            else:
                at = min(start for _, start, _ in entry.fields.values())
                changes.append((at, at, f"#, fuzzy{break_}"))
        source = entry.text("msgid")
        if plural is None:
            _, start, stop = entry.fields["msgstr"]
            return [*changes, (start, stop, _quoted("msgstr", _edged(singular, source), break_))]
        stated = [name for name in entry.fields if name.startswith("msgstr[")]
        start = min(entry.fields[name][1] for name in stated)
        stop = max(entry.fields[name][2] for name in stated)
        texts = [_edged(singular, source), *[_edged(plural, entry.text("msgid_plural"))] * (self._forms - 1)]
        if self._forms == 1:
            texts = [_edged(plural, entry.text("msgid_plural"))]
        return [*changes, (start, stop, "".join(_quoted(f"msgstr[{n}]", t, break_) for n, t in enumerate(texts)))]

    def _language(self, header: _Entry, target: str) -> list[tuple[int, int, str]]:
        """The header's ``Language:``, where it names none."""
        _, start, stop = header.fields["msgstr"]
        found = re.compile(r"(Language:[ \t]*)\\n").search(self._file.text, start, stop)
        return [(found.end(1), found.end(1), target.replace("-", "_"))] if found else []


def read_po(file: TextFile, settings: Settings) -> Catalogue:
    """All entries. What cannot be read as one is copied."""
    entries: list[_Entry] = []
    entry: _Entry | None = None
    name = ""
    for row in _LINE.finditer(file.text):
        line = row[0]
        if not line.strip():
            entry = None
            continue
        if line.startswith("#"):
            if entry is None or entry.fields:
                entry = _Entry(row.start())
                entries.append(entry)
            if line.startswith("#~"):
                entry.obsolete = True
            elif line.startswith("#,"):
                entry.flags, entry.flags_at = line[2:].strip(), row.start()
            entry.stop = row.end()
            continue
        found = _FIELD.match(line)
        if found is not None:
            first = found[1] in ("msgctxt", "msgid")
            if entry is None or (first and ("msgid" in entry.fields or (found[1] == "msgctxt" and entry.fields))):
                entry = _Entry(row.start())
                entries.append(entry)
            name = found[1]
            entry.fields[name] = (_unquoted(found[3]), row.start(), row.end())
            entry.stop = row.end()
        elif entry is not None and name in entry.fields and (more := _MORE.match(line)) is not None:
            text, start, _ = entry.fields[name]
            entry.fields[name] = (text + _unquoted(more[1]), start, row.end())
            entry.stop = row.end()
    return Catalogue(file, entries, settings)


def _is_open(entry: _Entry) -> bool:
    """Whether it has no translation yet, and words to translate."""
    if entry.obsolete or not any(map(str.isalpha, entry.text("msgid"))):
        return False
    translations = [text for name, (text, _, _) in entry.fields.items() if name.startswith("msgstr")]
    return bool(translations) and not any(translations)


def _unquoted(text: str) -> str:
    def letter(found: re.Match[str]) -> str:
        name = found[1]
        if name[0] == "x":
            return chr(int(name[1:], 16))
        return chr(int(name, 8) & 0xFF) if name[0] in "01234567" else _ESCAPES.get(name, found[0])

    return _ESCAPE.sub(letter, text[1:-1])


def _quoted(name: str, text: str, break_: str) -> str:
    """A field with its text; one line a line of the text, as gettext writes it."""
    shown = {letter: f"\\{name}" for name, letter in _ESCAPES.items()}
    lines = [f'"{"".join(shown.get(letter, letter) for letter in line)}"' for line in text.splitlines(keepends=True)]
    if len(lines) > 1:
        lines.insert(0, '""')
    return f"{name} " + break_.join(lines or ['""']) + break_


def _edged(text: str, source: str) -> str:
    """With the line feeds at both ends that the message has: ``msgfmt -c`` wants them equal."""
    head = source[: len(source) - len(source.lstrip("\n"))]
    tail = source[len(source.rstrip("\n")) :]
    return head + text.strip("\n") + tail if source.strip("\n") else text
