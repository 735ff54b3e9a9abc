"""Zip containers (office files, e-books): parts are read within bounds, and written back in their order."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from dragoman.errors import DocumentError

__all__ = ["Container", "read_container"]

_MOST_PARTS = 50_000
_MOST_PART = 256 << 20
_MOST_BYTES = 1 << 30
_MOST_RATIO = 1000
"""Ordinary sheets shrink to a hundredth; what shrinks to less than a thousandth is made to fill memory."""
_FREE = 1 << 20


@dataclass(frozen=True, slots=True)
class Container:
    """A zip file in memory. Nothing of it is ever written to a path of its own."""

    data: bytes
    archive: zipfile.ZipFile
    by_name: Mapping[str, zipfile.ZipInfo]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.by_name)

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def read(self, name: str) -> bytes:
        """A part. Raises DocumentError if it is missing, damaged, or larger than it says."""
        entry = self.by_name.get(name)
        if entry is None:
            raise DocumentError(f"the file holds no {name}.")
        try:
            with self.archive.open(entry) as part:
                found = part.read(entry.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise DocumentError(f"{name} in the file cannot be read: {error}") from None
        if len(found) > entry.file_size:
            raise DocumentError(f"{name} in the file is larger than it says.")
        return found

    def write(self, changed: Mapping[str, bytes]) -> bytes:
        """The file with some parts replaced: the same entries in the same order, stored or compressed as they were."""
        if not changed:
            return self.data
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for entry in self.by_name.values():
                fresh = zipfile.ZipInfo(entry.filename, entry.date_time)
                fresh.compress_type = zipfile.ZIP_STORED if entry.compress_type == 0 else zipfile.ZIP_DEFLATED
                fresh.external_attr, fresh.create_system = entry.external_attr, entry.create_system
                fresh.comment = entry.comment
                archive.writestr(fresh, changed.get(entry.filename) or self.read(entry.filename))
        return target.getvalue()


def read_container(data: bytes) -> Container:
    """Raises DocumentError for what is no zip file, is encrypted, or would fill memory."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DocumentError(f"not a zip file, which this format is: {error}") from None
    entries = archive.infolist()
    if len(entries) > _MOST_PARTS:
        raise DocumentError(f"the file has {len(entries)} parts; {_MOST_PARTS} are the most.")
    total = 0
    for entry in entries:
        if entry.flag_bits & 1:
            raise DocumentError(f"{entry.filename} in the file is encrypted: save it without a password.")
        total += entry.file_size
        packed = max(entry.compress_size, 1)
        if entry.file_size > _MOST_PART or (entry.file_size > _FREE and entry.file_size > _MOST_RATIO * packed):
            raise DocumentError(f"{entry.filename} in the file would take {entry.file_size} bytes.")
    if total > _MOST_BYTES:
        raise DocumentError(f"the file would take {total} bytes; {_MOST_BYTES} are the most.")
    by_name: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        if entry.filename in by_name:
            raise DocumentError(f"the file holds {entry.filename} twice: which one counts cannot be told.")
        by_name[entry.filename] = entry
    return Container(data, archive, by_name)
