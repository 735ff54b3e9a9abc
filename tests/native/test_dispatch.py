"""The choice of a target: the best of this machine, or the one that DRAGOMAN_CPU names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from kernel_oracle import TARGETS

ASK = "from dragoman._native import kernels; print(kernels.chosen())"


def chosen(cpu: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DRAGOMAN_CPU"}
    if cpu is not None:
        environment["DRAGOMAN_CPU"] = cpu
    return subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=False
    )


def test_the_best_target_is_chosen_by_itself() -> None:
    assert chosen(None).stdout.strip() == chosen("").stdout.strip() == TARGETS[0]


@pytest.mark.parametrize("target", TARGETS)
def test_a_named_target_is_chosen(target: str) -> None:
    assert chosen(target).stdout.strip() == target


def test_an_unknown_target_is_refused_with_the_list() -> None:
    result = chosen("pentium")
    assert result.returncode != 0
    assert "'pentium'" in result.stderr
    assert all(target in result.stderr for target in TARGETS)


def test_every_machine_has_the_plain_target_last() -> None:
    assert TARGETS[-1] == "generic"
