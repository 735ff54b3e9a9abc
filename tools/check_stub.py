"""Compare the native module's stub in the source tree with the one that the build generated.

``python tools/check_stub.py`` fails if they differ; with ``--write`` it copies the generated one.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).resolve().parents[1] / "src" / "dragoman" / "_native.pyi"


def generate() -> str:
    """The stub of the installed module."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "_native.pyi"
        command = [
            sys.executable,
            "-m",
            "nanobind.stubgen",
            "-q",
            "-m",
            "dragoman._native",
            "-o",
            str(target),
        ]
        subprocess.run(command, check=True)
        return _typed(target.read_text(encoding="utf-8"))


def _typed(stub: str) -> str:
    """What the generator leaves open, for mypy --strict: elements of containers, and the module of the kernels, which
    serves tests and benchmarks only.
    """
    stub = stub.replace("from dragoman._native import kernels as kernels\n", "kernels: Any\n")
    stub = re.sub(r"\b(list|dict|Sequence)\b(?!\[)(?=[,)\s:])", r"\1[Any]", stub)
    stub = re.sub(r"\btuple\b(?!\[)", "tuple[Any, ...]", stub)
    return stub.replace("import Sequence[Any]", "import Sequence").replace(
        "from typing import Annotated", "from typing import Annotated, Any"
    )


def main() -> int:
    text = generate()
    if "--write" in sys.argv:
        STUB.write_text(text, encoding="utf-8")
        return 0
    if not STUB.exists() or STUB.read_text(encoding="utf-8") != text:
        print(
            f"{STUB.name} is not that of the built module: run python tools/check_stub.py --write",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
