"""Files that nobody here wrote, through the readers and writers of every format, without a model.

    python benchmarks/documents.py FOLDER

For each file: an identity translator must give its bytes back, and one that writes every word in capitals must leave
everything that is no word: as many units as before, the same parts of a container, well-formed XML. The table counts
files, not units; what fails is listed below it. ``msgfmt`` and ``xmllint`` judge too, where they are installed.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import shutil
import subprocess
import time
import xml.parsers.expat
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from dragoman.documents.encoding import read_text
from dragoman.documents.registry import FORMATS, find_format, read_document
from dragoman.documents.translate import translate_bytes
from dragoman.documents.unit import Settings
from dragoman.errors import DocumentError

_SETTINGS = Settings(source="en", target="qaa", fuzzy=False)
_COUNTED = frozenset({"android", "docx", "pptx", "xlsx", "odt", "epub", "txt", "md", "xml", "html"})
"""Formats where capitals do not turn a word into what looks like a name for machines."""
_WHOLE = frozenset({"txt", "md", "xml", "html", "epub"})
_LARGEST = 4 << 20
_MARK = re.compile(r"(<[^>]*>|&[^;\s]*;)")
_FORMATTED = re.compile(
    r"(%(?:\d+\$)?[-+ #0']*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|ll|[hlLqjzt])?[a-zA-Z]"
    r"|%\([^)]*\)\w|\{[^}]*\}|\\.)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=60, help="files of a format")
    arguments = parser.parse_args()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    failures: list[str] = []
    for name, path in _files(arguments.folder, arguments.most):
        started = time.perf_counter()
        verdict, detail = _judge(path)
        counts[name].update([verdict, "files"])
        counts[name]["bytes"] += path.stat().st_size
        counts[name]["milliseconds"] += round(1000 * (time.perf_counter() - started))
        if verdict != "good":
            failures.append(f"{name}: {verdict}: {path.relative_to(arguments.folder)}: {detail}")
    print("| format | files | good | refused | identity | shouting | crash | MB | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for one in FORMATS:
        seen = counts[one.name]
        columns = [seen[key] for key in ("files", "good", "refused", "identity", "shouting", "crash")]
        print(f"| {one.name} | {' | '.join(map(str, columns))} | {seen['bytes'] / 1e6:.1f} | "
              f"{seen['milliseconds'] / 1000:.1f} |")  # fmt: skip
    total: Counter[str] = sum(counts.values(), Counter())
    print(f"\n{total['files']} files, {total['good']} good, {total['refused']} refused with an error.\n")
    print("\n".join(failures))


def _files(folder: Path, most: int) -> Iterator[tuple[str, Path]]:
    """Files of known formats, each content once, at most so many of each."""
    seen: Counter[str] = Counter()
    contents = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or not 0 < path.stat().st_size <= _LARGEST:
            continue
        data = path.read_bytes()
        try:
            name = find_format(path, data).name if path.suffix else ""
        except DocumentError:
            continue
        if name and seen[name] < most and hash(data) not in contents:
            contents.add(hash(data))
            seen[name] += 1
            yield name, path


def _judge(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    try:
        if translate_bytes(data, path, _translator(str), settings=_SETTINGS).data != data and not _adds(path):
            return "identity", "bytes differ"
        shouted = translate_bytes(data, path, _translator(str.upper), settings=_SETTINGS)
        said = _difference(path, data, shouted.data)
        return ("shouting", said) if said else ("good", "")
    except DocumentError as error:
        return "refused", str(error).replace("\n", " ")[:150]
    except Exception as error:  # whatever it is, it is a fault
        return "crash", f"{type(error).__name__}: {error}"


def _adds(path: Path) -> bool:
    """Formats that get a translation beside the text."""
    return path.suffix in (".po", ".pot", ".xlf", ".xliff", ".tmx")


def _translator(change: Callable[[str], str]) -> Callable[..., Any]:
    """Changes words and leaves marks and placeholders."""

    def one(text: str, format: str) -> Any:
        pattern = _FORMATTED if format == "text" else _MARK
        parts = pattern.split(text)
        changed = "".join(part if number % 2 else change(part) for number, part in enumerate(parts))
        return SimpleNamespace(text=changed if format in ("text", "xml") else text, sentences=(text,), warnings=())

    def translate(texts: Iterable[str], *, format: str = "text", **_: Any) -> Any:
        return [one(text, format) for text in texts]

    return translate


def _difference(path: Path, before: bytes, after: bytes) -> str:
    """What is wrong with a file in capitals, or ""."""
    name = find_format(path, before).name
    counts = [_units(path, data) for data in (before, after)]
    if before == after and name not in _WHOLE and _changes(path, before):
        return "nothing changed"
    if counts[0] != counts[1] and name in _COUNTED:
        return f"{counts[0]} units became {counts[1]}"
    if name in ("docx", "pptx", "xlsx", "odt", "epub"):
        return _containers(before, after)
    if name in ("xliff", "tmx", "android"):
        return _not_xml(after)
    if name == "json":
        return _shapes(_json(before), _json(after))
    if name == "yaml":
        return _shapes(list(yaml.compose_all(before, yaml.SafeLoader)), list(yaml.compose_all(after, yaml.SafeLoader)))
    if name in ("csv", "tsv"):
        widths = [_widths(path, data, "\t" if name == "tsv" else ",") for data in (before, after)]
        return "its rows differ" if widths[0] != widths[1] else ""
    if name in ("srt", "vtt"):
        times = [re.findall(rb"[^\r\n]*-->[^\r\n]*", data) for data in (before, after)]
        return "timings differ" if times[0] != times[1] else ""
    if path.suffix == ".po" and shutil.which("msgfmt"):
        verdicts = [_said_by("msgfmt", "-c", "-o", "/dev/null", "-", data=data) for data in (before, after)]
        return verdicts[1] if verdicts[1] and not verdicts[0] else ""
    return ""


def _changes(path: Path, data: bytes) -> bool:
    """Whether there is a word that capitals change."""
    document = read_document(data, find_format(path, data), _SETTINGS, path)
    upper = _translator(str.upper)
    return any(upper([unit.text], format=unit.format)[0].text != unit.text for unit in document.units)


def _widths(path: Path, data: bytes, delimiter: str) -> list[int]:
    text = read_text(data, path).text
    return [len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]


def _units(path: Path, data: bytes) -> int:
    return len(read_document(data, find_format(path, data), _SETTINGS, path).units)


def _containers(before: bytes, after: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(before)) as first, zipfile.ZipFile(io.BytesIO(after)) as second:
        if first.namelist() != second.namelist():
            return "other parts"
        for name in dict.fromkeys(first.namelist()):
            one, other = first.read(name), second.read(name)
            if one != other and name.endswith((".xml", ".ncx")) and (said := _not_xml(other)) and not _not_xml(one):
                return f"{name}: {said}"
            if one != other and re.findall(rb"<[\w:]*p[ >]", one) != re.findall(rb"<[\w:]*p[ >]", other):
                return f"{name}: paragraphs differ"
    return ""


def _not_xml(data: bytes) -> str:
    try:
        xml.parsers.expat.ParserCreate().Parse(data, True)
    except xml.parsers.expat.ExpatError as error:
        return str(error)
    return _said_by("xmllint", "--noout", "--nonet", "-", data=data) if shutil.which("xmllint") else ""


def _said_by(*command: str, data: bytes) -> str:
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
    return done.stderr.decode("utf-8", "replace")[:150].replace("\n", " ") if done.returncode else ""


def _json(data: bytes) -> Any:
    return json.loads(data)


def _shapes(before: Any, after: Any) -> str:
    return "" if _shape(before) == _shape(after) else "its structure differs"


def _shape(value: Any) -> Any:
    """Everything but values of text."""
    if isinstance(value, dict):
        return {key: _shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shape(one) for one in value]
    if isinstance(value, yaml.MappingNode):
        return [(key.value if isinstance(key, yaml.ScalarNode) else 0, _shape(one)) for key, one in value.value]
    if isinstance(value, yaml.SequenceNode):
        return [_shape(one) for one in value.value]
    if isinstance(value, yaml.ScalarNode):
        return value.tag if value.tag.endswith(":str") else (value.tag, value.value)
    return str if isinstance(value, str) else value


if __name__ == "__main__":
    main()
