"""The inner loops of the matrix products keep their sums in registers.

gcc spills accumulators in every step when an optimisation misfires: results stay right, speed halves.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from kernel_objects import target_objects

LINE = re.compile(r"^\s*([0-9a-f]+):\t\s*(\S+)\s*(.*)$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
PRODUCT = re.compile(r"^(vpdpbusd|vpmaddwd|vfmadd\d+ps)$")


def functions(path: Path) -> dict[str, list[tuple[int, str, str]]]:
    """Instructions (address, mnemonic, operands) of every function of an object file."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "-C", str(path)], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, list[tuple[int, str, str]]] = {}
    current: list[tuple[int, str, str]] = []
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            current = found.setdefault(match[1], [])
        elif match := LINE.match(line):
            current.append((int(match[1], 16), match[2], match[3]))
    return found


def steady_loops(code: list[tuple[int, str, str]]) -> list[list[tuple[int, str, str]]]:
    """Bodies of loops that are one straight run of instructions: where a product spends its time."""
    loops = []
    place = {address: index for index, (address, _, _) in enumerate(code)}
    for index, (address, mnemonic, operands) in enumerate(code):
        match = re.match(r"([0-9a-f]+)", operands) if mnemonic.startswith("j") else None
        start = int(match[1], 16) if match else address
        if start < address and start in place:
            body = code[place[start] : index]
            if not any(m.startswith(("j", "ret", "call")) for _, m, _ in body):
                loops.append(body)
    return loops


@pytest.mark.skipif(shutil.which("objdump") is None, reason="needs objdump (binutils)")
@pytest.mark.parametrize("target", ["amx", "avx512vnni", "avx512bw", "avxvnni", "avx2"])
def test_inner_loops_of_products_do_not_touch_the_stack(target: str) -> None:
    checked = 0
    for path in target_objects(target):
        for name, code in functions(path).items():
            if "int8_tile" not in name and "float_tile" not in name:
                continue
            for loop in steady_loops(code):
                if not any(PRODUCT.match(mnemonic) for _, mnemonic, _ in loop):
                    continue
                checked += 1
                spills = [
                    f"{mnemonic} {operands}"
                    for _, mnemonic, operands in loop
                    if mnemonic.startswith("v") and re.search(r"%[re](sp|bp)\b", operands)
                ]
                assert not spills, f"{name} spills in its inner loop:\n" + "\n".join(spills[:8])
    assert checked >= 6
