"""The inner loops of the matrix products keep their sums in registers.

gcc spills accumulators in every step when an optimisation misfires: results stay right, speed halves.
"""

from __future__ import annotations

import re
import shutil

import pytest
from disassembly import product_loops
from kernel_objects import target_objects

PRODUCT = re.compile(r"^(vpdpbusd|vpmaddwd|vpmaddubsw|vfmadd\d+ps)$")


@pytest.mark.skipif(shutil.which("objdump") is None, reason="needs objdump (binutils)")
@pytest.mark.parametrize("target", ["amx", "avx512vnni", "avx512bw", "avxvnni", "avx2"])
def test_inner_loops_of_products_do_not_touch_the_stack(target: str) -> None:
    loops = [loop for path in target_objects(target) for loop in product_loops(path, PRODUCT)]
    for name, loop in loops:
        spills = [
            f"{mnemonic} {operands}"
            for _, mnemonic, operands in loop
            if mnemonic.startswith("v") and re.search(r"%[re](sp|bp)\b", operands)
        ]
        assert not spills, f"{name} spills in its inner loop:\n" + "\n".join(spills[:8])
    assert len(loops) >= 6
