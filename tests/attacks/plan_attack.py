"""Runs damaged plans in a process of their own, which must live."""

from __future__ import annotations

import subprocess
import sys


def attack(child: str, first: int, last: int) -> tuple[int, int]:
    """How many ran, and how many were refused, of the damages with these numbers. ``child``: code with places for
    ``paths``, ``first`` and ``last`` that prints both."""
    code = child.format(paths=[path for path in sys.path if path], first=first, last=last)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-400:]
    ran, refused = map(int, done.stdout.split())
    return ran, refused
