"""The native core compiles for Windows: every file of it that is not about Python, for each instruction set."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILER = shutil.which("x86_64-w64-mingw32-g++-posix") or shutil.which("x86_64-w64-mingw32-g++")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no compiler for Windows (g++-mingw-w64-x86-64-posix)")
SOURCES = sorted(
    path
    for folder in (".", "plan", "weights", "interpreter", "search", "kernels")
    for path in (ROOT / "native" / folder).glob("*.cc")
    if path.name != "target.cc"
)


def compile_one(source: Path, *flags: str) -> None:
    assert COMPILER is not None
    command = [COMPILER, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", str(ROOT / "native")]
    done = subprocess.run([*command, *flags, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_file(source: Path) -> None:
    compile_one(source)


def test_regions_and_pages() -> None:
    """What has a part of its own there."""
    for name in ("pages.cc", "weights/mapped_file_windows.cc", "kernels/cpu.cc"):
        compile_one(ROOT / "native" / name)


@pytest.mark.slow
def test_kernels() -> None:
    """With the flags that CMake gives each instruction set."""
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    values = dict(re.findall(r"^  set\((avx\w+) (.+)\)$", cmake, re.MULTILINE))
    targets = re.findall(r"^ *dragoman_target\(((?:generic|avx|amx)\w*)(.*)\)$", cmake, re.MULTILINE)
    assert len(targets) >= 6
    for name, flags in targets:
        while "${" in flags:
            flags = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], flags)
        own = [f"-DDRAGOMAN_TARGET={name}", "-fno-exceptions", "-fno-rtti", "-Wno-error", *flags.split()]
        compile_one(ROOT / "native" / "kernels" / "target.cc", *own)
