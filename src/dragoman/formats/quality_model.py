"""Bergamot's quality file: a logistic regression over a word's log-probabilities, 68 bytes.

Little-endian: u64 magic, u64 number of features D (4), then float32: D standard deviations, D means, D coefficients,
the intercept (bergamot-translator `quality_estimator.h`). The positive class is "bad".
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

from dragoman.errors import ModelFormatError, ModelNotFoundError

__all__ = ["QualityModel", "find_quality_file", "read_quality_model"]

_MAGIC = 0x78CC336F1D54B180
_FEATURES = 4
_BYTES = 16 + 4 * (3 * _FEATURES + 1)

Features = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class QualityModel:
    """Weights of the features: mean and minimum of a word's log-probabilities, their number, and the sentence's mean.

    Attributes:
        weights: coefficient / standard deviation of each.
        constant: intercept - sum of weight * mean.
    """

    weights: Features
    constant: float

    def log_good(self, features: Features) -> float:
        """ln of the probability that a word with these features is right: at most 0."""
        z = self.constant + sum(weight * feature for weight, feature in zip(self.weights, features, strict=True))
        return -(max(z, 0.0) + math.log1p(math.exp(-abs(z))))


def read_quality_model(path: Path) -> QualityModel:
    """Read a quality file.

    Raises:
        ModelNotFoundError: it cannot be read.
        ModelFormatError: it has another size, magic or number of features, a standard deviation that is not above 0, or
            a value that is not finite.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_BYTES + 1)
    except OSError as error:
        raise ModelNotFoundError(path, f"cannot be read: {error.strerror or error}.") from error
    if len(data) != _BYTES:
        size = path.stat().st_size
        raise ModelFormatError(path, "not a quality file", expected=f"{_BYTES} bytes", found=f"{size} bytes")
    magic, features = struct.unpack_from("<QQ", data)
    if magic != _MAGIC:
        raise ModelFormatError(path, "not a quality file", offset=0, expected=hex(_MAGIC), found=hex(magic))
    if features != _FEATURES:
        raise ModelFormatError(path, "wrong number of features", offset=8, expected=_FEATURES, found=features)
    values = struct.unpack_from(f"<{3 * _FEATURES + 1}f", data, 16)
    for number, value in enumerate(values):
        if not math.isfinite(value) or (number < _FEATURES and value <= 0):
            expected = "a finite number" + (" above 0" if number < _FEATURES else "")
            raise ModelFormatError(path, "wrong value", offset=16 + 4 * number, expected=expected, found=value)
    deviations, means, coefficients = values[:4], values[4:8], values[8:12]
    weights = tuple(one / deviation for one, deviation in zip(coefficients, deviations, strict=True))
    constant = values[12] - sum(weight * mean for weight, mean in zip(weights, means, strict=True))
    return QualityModel((weights[0], weights[1], weights[2], weights[3]), constant)


def find_quality_file(folder: Path) -> Path | None:
    """The quality file of a model's folder, by the names of Firefox and Bergamot: ``qualityModel.*.bin``."""
    found = sorted(folder.glob("qualityModel*.bin")) + sorted(folder.glob("quality_model*.bin"))
    return found[0] if found else None
