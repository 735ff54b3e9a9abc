"""Runs damaged plans in a process of their own, which must live."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def attack(program: str, first: int, last: int) -> tuple[int, int]:
    """How many ran, and how many were refused, of the damages with these numbers. ``program``: beside this file."""
    command = [sys.executable, str(Path(__file__).with_name(program)), str(first), str(last)]
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join([tests, *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, env=environment)
    assert done.returncode == 0, done.stderr[-400:]
    ran, refused = map(int, done.stdout.split())
    return ran, refused
