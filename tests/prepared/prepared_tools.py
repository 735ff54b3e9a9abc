"""What tests of prepared weights share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from dragoman import Translator, load
from dragoman.model import Model

TEXTS = ["abc de fghi", "chief beach dice", "hid cab fed aged high"]


def answers(model: Model) -> list[tuple[str, float]]:
    """What a model makes of some texts: equal weights give equal answers, to the last bit."""
    with Translator(model) as translator:
        return [(one.text, one.score) for one in translator.translate(TEXTS)]


def load_private(folder: Path, monkeypatch: Any) -> Model:
    """The model without any cache."""
    with monkeypatch.context() as patch:
        patch.setenv("DRAGOMAN_CACHE", "off")
        return load(folder)


def weights_file(cache: Path) -> Path:
    """The only prepared file."""
    (path,) = cache.glob("*.weights")
    return path


def maps(path: Path) -> int:
    """How often this process has a file mapped."""
    return sum(str(path) in line for line in Path("/proc/self/maps").read_text().splitlines())


def run_python(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Another Python on some code."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
