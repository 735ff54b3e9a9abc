"""No code compiled for a wide instruction set can be linked into the rest.

An inline function of a header, compiled for AVX-512 in one object and plainly in another, is one weak symbol:
the linker keeps either, and a machine without AVX-512 dies in code that never asked for it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from kernel_objects import target_objects


def defined_symbols(path: Path) -> list[tuple[str, str]]:
    """(type, name) of every symbol that other objects can see."""
    text = subprocess.run(
        ["nm", "-C", "--defined-only", "--extern-only", str(path)], check=True, capture_output=True, text=True
    ).stdout
    return [(kind, name) for _, kind, name in (line.split(maxsplit=2) for line in text.splitlines())]


@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm (binutils)")
@pytest.mark.parametrize("target", ["amx", "avx512vnni", "avx512bw", "avxvnni", "avx2", "generic"])
def test_a_target_defines_its_table_and_nothing_else(target: str) -> None:
    for path in target_objects(target):
        names = [name for _, name in defined_symbols(path) if not name.startswith("DW.ref.")]
        assert names == [f"dragoman::{target}::kKernels"]
