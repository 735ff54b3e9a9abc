"""Where the last build left the objects of the kernels."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def target_objects(target: str) -> list[Path]:
    """The newest objects of one target under build/ or DRAGOMAN_BUILD_DIR; skips the test without."""
    build = Path(os.environ.get("DRAGOMAN_BUILD_DIR", ROOT / "build"))
    found = sorted(build.glob(f"**/kernels_{target}.dir/**/*.o"), key=lambda path: path.stat().st_mtime)
    if not found:
        pytest.skip(
            f"no objects of {target} under {build}: build from this checkout, or set DRAGOMAN_BUILD_DIR"
        )
    return found[-1:]
