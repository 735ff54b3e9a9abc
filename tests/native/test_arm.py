"""The kernels of Arm, crossed and emulated: the same bits as here, on processors with and without dot products.

Needs Debian's g++-aarch64-linux-gnu and qemu-user (CONTRIBUTING.md), or names of the same programs elsewhere. Says
nothing about speed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from disassembly import product_loops

ROOT = Path(__file__).resolve().parents[2]
CROSS = "aarch64-linux-gnu-"
EMULATOR = "qemu-aarch64"
PROCESSORS = {  # what qemu calls them, and what they can run, best first
    "cortex-a72": ["neon", "generic"],
    "neoverse-n1": ["neondot", "neon", "generic"],
    "max": ["neoni8mm", "neondot", "neon", "generic"],
}
WEAKEST = {"neon": "cortex-a72", "neondot": "neoverse-n1", "neoni8mm": "max", "generic": "cortex-a72"}
PRODUCT = re.compile(r"^(sadalp|sdot|usmmla|sudot|fmla)$")
ON_STACK = re.compile(r"\b[vqds]\d+\b.*\[(sp|x29)\b")

pytestmark = pytest.mark.slow


def tool(name: str) -> str:
    """A program of PATH, or one installed beside this Python; skips the test without."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"needs {name}: apt install g++-aarch64-linux-gnu qemu-user cmake ninja-build")
    return found


def build(folder: Path, *options: str) -> Path:
    """The program of tests/native/hashes, built by the project's own CMakeLists."""
    cmake, ninja = tool("cmake"), tool("ninja")
    configure = [cmake, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}", "-S", str(ROOT), "-B", str(folder)]
    for command in ([*configure, "-DDRAGOMAN_KERNEL_HASHES=ON", *options], [cmake, "--build", str(folder)]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "kernel_hashes"


def lines_of(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode} {done.stderr}"
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = tool(CROSS + "g++")
    return build(
        tmp_path_factory.mktemp("arm"),
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        f"-DCMAKE_CXX_COMPILER={compiler}",
        "-DCMAKE_EXE_LINKER_FLAGS=-static",
    )


@pytest.fixture(scope="module")
def hashes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One line a case, of this machine's plain target; its others must print the same."""
    tool(CROSS + "g++"), tool(EMULATOR)  # without them, nothing needs to be built
    program = str(build(tmp_path_factory.mktemp("host")))
    *others, plain = lines_of(program)
    expected = lines_of(program, plain)
    for other in others:
        assert lines_of(program, other) == expected, other
    assert len(expected) > 1000
    return expected


@pytest.mark.parametrize("processor", PROCESSORS)
def test_what_a_processor_can_run_is_detected(crossed: Path, processor: str) -> None:
    assert lines_of(tool(EMULATOR), "-cpu", processor, str(crossed)) == PROCESSORS[processor]


@pytest.mark.parametrize("target", WEAKEST)
def test_every_kernel_gives_the_bits_of_this_machine(crossed: Path, hashes: list[str], target: str) -> None:
    """On the weakest processor that has the target, so that no other instruction is in it."""
    found = lines_of(tool(EMULATOR), "-cpu", WEAKEST[target], str(crossed), target)
    assert len(found) == len(hashes)
    assert [line for line in found if line not in set(hashes)] == []
    assert found == hashes


def object_of(program: Path, target: str) -> Path:
    (path,) = program.parent.glob(f"**/kernels_{target}.dir/**/*.o")
    return path


@pytest.mark.parametrize("target", WEAKEST)
def test_a_target_defines_its_table_and_nothing_else(crossed: Path, target: str) -> None:
    names = lines_of(
        tool(CROSS + "nm"), "-C", "--defined-only", "--extern-only", str(object_of(crossed, target))
    )
    assert [name.split(maxsplit=2)[2] for name in names] == [f"dragoman::{target}::kKernels"]


@pytest.mark.parametrize("target", ["neon", "neondot", "neoni8mm"])
def test_inner_loops_of_products_do_not_touch_the_stack(crossed: Path, target: str) -> None:
    objdump = tool(CROSS + "objdump")
    loops = product_loops(object_of(crossed, target), PRODUCT, objdump)
    for name, loop in loops:
        spills = [f"{mnemonic} {operands}" for _, mnemonic, operands in loop if ON_STACK.search(operands)]
        assert not spills, f"{name} spills in its inner loop:\n" + "\n".join(spills[:8])
    assert len(loops) >= 12
