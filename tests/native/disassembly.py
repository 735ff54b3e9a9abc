"""Functions and inner loops of an object file, as objdump prints them: x86-64 and AArch64."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

LINE = re.compile(r"^\s*([0-9a-f]+):\t\s*(\S+)\s*(.*)$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
JUMP = re.compile(r"^(j\w+|b|b\.\w+|cbn?z|tbn?z)$")
AWAY = re.compile(r"^(ret\w*|call\w*|blr?)$")
Code = list[tuple[int, str, str]]
"""Address, mnemonic and operands of each instruction."""


def functions(path: Path, objdump: str = "objdump") -> dict[str, Code]:
    text = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", "-C", str(path)], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, Code] = {}
    current: Code = []
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            current = found.setdefault(match[1], [])
        elif match := LINE.match(line):
            current.append((int(match[1], 16), match[2], match[3]))
    return found


def steady_loops(code: Code) -> list[Code]:
    """Bodies of loops that are one straight run of instructions: where a product spends its time."""
    loops = []
    place = {address: index for index, (address, _, _) in enumerate(code)}
    for index, (address, mnemonic, operands) in enumerate(code):
        match = re.search(r"\b([0-9a-f]+) <", operands) if JUMP.match(mnemonic) else None
        start = int(match[1], 16) if match else address
        if start < address and start in place:
            body = code[place[start] : index]
            if not any(JUMP.match(m) or AWAY.match(m) for _, m, _ in body):
                loops.append(body)
    return loops


def product_loops(path: Path, product: re.Pattern[str], objdump: str = "objdump") -> list[tuple[str, Code]]:
    """(function, body) of the inner loops of the matrix products' tiles that contain such instructions."""
    return [
        (name, loop)
        for name, code in functions(path, objdump).items()
        if re.search(r"(int8|pair|sparse|float)_tile", name)
        for loop in steady_loops(code)
        if any(product.match(mnemonic) for _, mnemonic, _ in loop)
    ]
