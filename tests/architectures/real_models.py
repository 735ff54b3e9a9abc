"""Reads a real float32 model with NumPy alone, independent of `dragoman.formats`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray


@dataclass(frozen=True)
class RealModel:
    """Options, tensors and shapes of a model file."""

    options: dict[str, object]
    arrays: dict[str, NDArray[Any]]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: array.shape for name, array in self.arrays.items()}


def read_real_model(path: Path) -> RealModel:
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    text = arrays.pop("special:model.yml").astype(np.uint8).tobytes().rstrip(b"\0")
    return RealModel(yaml.safe_load(text), arrays)
