"""Running the command in this process, and made-up folders of models."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from dragoman.cli.main import cli

SOURCE = Path(__file__).resolve().parents[1] / "src"


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, standard output as bytes, and what it said on stderr."""

    code: int
    output: bytes
    said: str

    @property
    def lines(self) -> list[str]:
        return self.output.decode("utf-8").split("\n")[:-1]


def run(*arguments: str | Path, text: bytes | str = b"") -> Ran:
    """Run ``dragoman ARGUMENTS`` with ``text`` on standard input."""
    result = CliRunner().invoke(cli, [str(one) for one in arguments], input=text)
    return Ran(result.exit_code, result.stdout_bytes, result.stderr)


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start ``dragoman ARGUMENTS`` as a process of its own, all three streams piped."""
    code = "from dragoman.cli.main import main; main()"
    path = os.pathsep.join([str(SOURCE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )


def read_lines(path: Path, count: int | None = None) -> list[str]:
    """The first lines of a file, split at line feeds alone."""
    return path.read_bytes().decode("utf-8").split("\n")[:-1][:count]
