"""Model files of either format behind one door. What reads and writes them is imported when needed: a load of
prepared weights only asks which format it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dragoman.errors import ModelFormatError, ModelNotFoundError
from dragoman.formats.files import is_file, read_head

if TYPE_CHECKING:
    from dragoman.formats.parameters import ParameterFile

__all__ = ["Precision", "file_format", "read_parameters", "stored_precision", "write_parameters"]

Precision = Literal["float32", "int8", "int16"]

_ZIP_MAGIC = b"PK"
_BIN_MAGIC = (1).to_bytes(8, "little")


def file_format(path: Path) -> Literal["npz", "bin"]:
    """Which of Marian's two formats a model file has, by its first bytes; the name does not matter.

    Raises:
        ModelNotFoundError: the file cannot be read.
        ModelFormatError: it is neither, or compressed as a whole.
    """
    if not is_file(path):
        raise ModelNotFoundError(path, "there is no such file.")
    head = read_head(path)
    if head.startswith(_ZIP_MAGIC):
        return "npz"
    if head[:8] == _BIN_MAGIC:
        return "bin"
    raise ModelFormatError(path, "neither a Marian .npz nor a Marian .bin model", offset=0, **_what(head))


def _what(head: bytes) -> dict[str, Any]:
    """What a file is that is no model: its first words if it is text, else its first bytes."""
    if not head:
        return {"found": 0, "advice": "The file is empty: it was not fetched, or cut short. Fetch it again."}
    text = head[:80].decode("utf-8", "replace")
    if all(character.isprintable() or character.isspace() for character in text):
        return {"found": text.strip(), "advice": "It is text, perhaps a server's error message: fetch the model again."}
    return {"found": head[:8]}


def read_parameters(path: Path | str, *, mapped: bool = False) -> ParameterFile:
    """Read a model file of either format; see ``read_npz`` and ``read_bin`` for ``mapped`` and the errors."""
    path = path if isinstance(path, Path) else Path(path)
    if file_format(path) == "npz":
        from dragoman.formats.npz import read_npz

        return read_npz(path, mapped=mapped)
    from dragoman.formats.marian_bin import read_bin

    return read_bin(path, mapped=mapped)


def write_parameters(file: ParameterFile, path: Path | str) -> None:
    """Write a model in the format its new name asks for: ``.npz`` (floats only) or anything else as
    ``.bin``.
    """
    path = Path(path)
    if path.suffix == ".npz":
        from dragoman.formats.npz import write_npz

        write_npz(file, path)
    else:
        from dragoman.formats.marian_bin_write import write_bin

        write_bin(file, path)


def stored_precision(path: Path | str) -> Precision:
    """The precision of a file's matrices, from its table alone: float16 counts as float32, as it is computed
    so.
    """
    path = path if isinstance(path, Path) else Path(path)
    if file_format(path) == "npz":
        return "float32"
    from dragoman.formats.marian_bin_table import peek_kinds

    kinds = peek_kinds(path)
    if "intgemm8" in kinds:
        return "int8"
    return "int16" if "intgemm16" in kinds else "float32"
