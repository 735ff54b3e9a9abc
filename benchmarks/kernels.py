"""How close do the matrix products come to the peak of this processor?

Prints a table: shapes of tiny, base-memory and base students, for several numbers of rows, hot (one matrix,
in a cache) and cold (a new copy each call, from memory: many models). The peak is a loop of the same
instruction on registers alone. Clocks and neighbours change within a run, so each product is timed between
two loops of that kind: a share of peak is the median of such pairs, a rate the best of them. Times are of this
thread's own.

    python benchmarks/kernels.py [--target avx512vnni] [--type int8] [--rows 1,4,16,64] [--shape 256x1536]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from machine import processor
from numpy.typing import NDArray

from dragoman import _native
from dragoman._native import kernels as native

SHAPES = {
    "tiny": [(256, 256), (256, 1536), (1536, 256)],
    "base-memory": [(384, 384), (384, 1536), (1536, 384)],
    "base": [(512, 512), (512, 2048), (2048, 512)],
    "output": [(256, 32000), (384, 32000), (512, 32000)],
}
COLD_BYTES = 256 << 20  # of copies of a matrix: more than the private caches hold
REPEATS = 25
SECONDS = 0.002  # of one repeat, about: shorter than a time slice


def aligned(size: int, dtype: type) -> NDArray[np.generic]:
    item = np.dtype(dtype).itemsize
    raw = np.zeros(size * item + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * item].view(dtype)


def bell(shape: tuple[int, int], deviation: float) -> NDArray[np.int8]:
    """Weights or activations as trained ones are distributed."""
    random = np.random.default_rng(0)
    return np.clip(np.rint(random.normal(0, deviation, shape)), -127, 127).astype(np.int8)


@dataclass(frozen=True)
class Product:
    target: str
    m: int
    k: int
    n: int
    int8: bool
    relu: bool = False

    def peak(self) -> float:
        """Operations a second of a register-only loop, now."""
        return native.peak(self.target, self.int8, 20_000 if self.target == "generic" else 200_000)

    def runner(self, copies: int) -> Callable[[int, int], float]:
        """run(first, calls): seconds of that many products, from that copy of the weights on."""
        random = np.random.default_rng(0)
        out = aligned(self.m * self.n, np.float32).reshape(self.m, self.n)
        bias = aligned(self.n, np.float32)
        if self.int8:
            one = aligned(native.packed_size_int8(self.k, self.n), np.int8)
            sums = np.zeros(self.n, np.int32)
            native.pack_int8(bell((self.k, self.n), 27.0), False, one, sums)
            lists = np.frombuffer(_native.make_overflow_lists(one, self.k, self.n), np.uint8)
            panels = aligned(one.size * copies, np.int8)
            panels.reshape(copies, -1)[:] = one
            a = (bell((self.m, self.k), 30.0).astype(np.int16) + 127).astype(np.uint8)
            if self.relu:
                a = np.maximum(a, 127)
                a[:, ::4] = np.maximum(a[:, ::4], 128)  # no step of zeros, whose weights would be passed over
            scale = np.ones(self.n, np.float32)
            return lambda first, calls: native.time_gemm_int8(
                self.target, a, panels, scale, bias, sums, lists, out, first, calls
            )
        panels = aligned(native.packed_size_float(self.k, self.n) * copies, np.float32)
        panels[:] = 1
        a = random.standard_normal((self.m, self.k), dtype=np.float32)
        return lambda first, calls: native.time_gemm_float(self.target, a, panels, bias, out, first, calls)

    def measure(self, copies: int) -> tuple[float, float]:
        """(operations a second, share of peak)."""
        run = self.runner(copies)
        calls = max(1, int(SECONDS / max(run(0, 3) / 3, 1e-7)))
        rates, shares = [], []
        before = self.peak()
        for repeat in range(REPEATS):
            rate = 2 * self.m * self.k * self.n * calls / run(repeat * calls, calls)
            after = self.peak()
            rates.append(rate)
            shares.append(2 * rate / (before + after))
            before = after
        return max(rates), statistics.median(shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default=native.chosen(), choices=native.available())
    parser.add_argument("--type", default="int8,float")
    parser.add_argument("--rows", default="1,4,16,64")
    parser.add_argument("--shape", help="only this one, as KxN")
    parser.add_argument("--relu", action="store_true", help="activations none of which is below zero")
    parser.add_argument("--hot", action="store_true", help="skip the cold figures")
    options = parser.parse_args()
    shapes = SHAPES
    if options.shape:
        k, n = map(int, options.shape.split("x"))
        shapes = {"": [(k, n)]}
    print(f"{processor()}, {options.target}\n")
    for kind in options.type.split(","):
        print(f"{kind}\nmodel            K       N    M   GOP/s hot       GOP/s cold")
        for model, sizes in shapes.items():
            for k, n in sizes:
                for m in map(int, options.rows.split(",")):
                    product = Product(options.target, m, k, n, kind == "int8", options.relu)
                    size = k * n * (1 if product.int8 else 4)
                    rate, share = product.measure(1)
                    line = f"{model:12s} {k:5d} x {n:5d}  {m:3d}  {rate / 1e9:5.0f} {share:5.0%}"
                    if not options.hot:
                        rate, share = product.measure(max(2, COLD_BYTES // size))
                        line += f"      {rate / 1e9:5.0f} {share:5.0%}"
                    print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
