"""``model.safetensors`` as float32 arrays; the format's own library reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelFormatError
from dragoman.formats.files import MODEL_LIMIT, read_bytes

__all__ = ["read_safetensors"]

_KINDS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}


def read_safetensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The floating-point tensors of a file by name, as float32; others are left out.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: it is damaged.
    """
    from safetensors import deserialize

    buffer = read_bytes(path, limit=MODEL_LIMIT)
    try:
        listed: list[tuple[str, Any]] = deserialize(bytes(buffer))  # type: ignore[no-untyped-call]
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        # The library's own errors; a panic of its would not even be an Exception.
        raise ModelFormatError(path, f"not a readable safetensors file: {str(error)[:100]}") from None
    found = {}
    for name, entry in listed:
        kind = _KINDS.get(entry["dtype"])
        if kind is None:
            continue
        array = np.frombuffer(entry["data"], kind).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            found[name] = (array.astype(np.uint32) << 16).view(np.float32)
        else:
            found[name] = array.astype(np.float32, copy=False)
    return found
