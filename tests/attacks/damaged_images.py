"""Runs plans whose images, as prepared files keep them, were damaged: a process of its own, which must live.

``python damaged_images.py FIRST LAST`` prints how many ran and how many were refused, of these damages.
"""

from __future__ import annotations

import random
import sys

from attacks.victim import packed, translate
from backends.families import compiled

from dragoman import _native
from dragoman.errors import DragomanError
from dragoman.planning.records import Precision

FAMILIES = ("ssru", "transformer", "s2s-lstm-norm", "average")


def main(first: int, last: int) -> None:
    ran = refused = 0
    for seed in range(first, last):
        rng = random.Random(seed)
        packing, region, table = packed(*compiled(rng.choice(FAMILIES), rng.choice(list(Precision)))[1:])
        image = bytearray(packing.image)
        for _ in range(rng.randint(1, 3)):
            image[rng.randrange(len(image))] = rng.choice((0, 1, 2, 3, 7, 127, 128, 255))
        print(seed, file=sys.stderr, flush=True)
        try:
            translate(_native.Plan.of_image(bytes(image)), region, table)
            ran += 1
        except DragomanError:
            refused += 1
    print(ran, refused)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
