"""What is compared: models, texts, and the engines that can do the same arithmetic on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import students

HELD = {"ctranslate2"}
"""Engines beside dragoman that can be held to an instruction set."""


@dataclass(frozen=True)
class Contender:
    """An engine as it takes part.

    Attributes:
        target: kernels that the engine is held to, its best ones if empty.
    """

    engine: str
    precision: str
    beam: int = 1
    target: str = ""

    @property
    def name(self) -> str:
        beam = f" beam {self.beam}" if self.beam > 1 else ""
        target = f" {self.target}" if self.target else ""
        return f"{self.engine} {self.precision}{beam}{target}"


@dataclass(frozen=True)
class Workload:
    """A model and a text.

    Attributes:
        folder: of the model, below MODELS; of a student, its letter.
        lines: translated together; ``single``: the first ones, translated one by one.
        contenders: the first is what the others are compared with.
    """

    title: str
    folder: str
    lines: int
    single: int
    contenders: tuple[Contender, ...]

    def with_targets(self, targets: tuple[str, ...]) -> Workload:
        """Dragoman as a contender of its own for each of these kernels, and others held to the first of them."""
        ours: list[Contender] = []
        others: list[Contender] = []
        for one in self.contenders:
            if one.engine == "dragoman":
                ours += (replace(one, target=target) for target in targets)
            else:
                others.append(replace(one, target=targets[0]) if one.engine in HELD else one)
        return replace(self, contenders=(*ours, *others))


def _int8(*engines: str) -> tuple[Contender, ...]:
    return tuple(Contender(engine, "int8") for engine in engines)


WORKLOADS = {
    "a": Workload(
        "(a) tiny student (ende-tiny-ssru), int8, shortlist",
        "ende-tiny-ssru",
        1000,
        200,
        (*_int8("dragoman", "bergamot", "fxtranslate"), Contender("pymarian", "float32")),
    ),
    "b": Workload(
        "(b) base-memory student, 32 000 pieces, int8, no shortlist",
        "b",
        500,
        60,
        _int8("dragoman", "bergamot", "fxtranslate"),
    ),
    "c": Workload(
        "(c) base student, 32 000 pieces, int8, no shortlist",
        "c",
        500,
        60,
        _int8("dragoman", "bergamot", "fxtranslate"),
    ),
    "int8": Workload(
        "self-attention decoder (enfr-selfattn), int8 quantised at load",
        "enfr-selfattn",
        500,
        100,
        _int8("dragoman", "ctranslate2"),
    ),
    "float32": Workload(
        "self-attention decoder (enfr-selfattn), float32",
        "enfr-selfattn",
        500,
        100,
        tuple(Contender(engine, "float32") for engine in ("dragoman", "ctranslate2", "pymarian")),
    ),
    "beam": Workload(
        "beam 4 beside greedy search (ende-tiny-ssru, int8, shortlist)",
        "ende-tiny-ssru",
        500,
        100,
        (Contender("dragoman", "int8"), Contender("dragoman", "int8", beam=4)),
    ),
}


def model_folder(workload: Workload, models: Path, made: Path) -> Path:
    """Where its model lies; a student is made there at the first time, in half a minute."""
    if workload.folder not in students.SHAPES:
        return models / workload.folder
    folder = made / workload.folder
    if not (folder / "decoder.yml").exists():  # what is written last
        students.make(workload.folder, models, folder)
    return folder


def text(models: Path) -> list[str]:
    """The test set that all models read."""
    path = models / "ende-tiny-ssru" / "ref" / "test1000.en"
    return path.read_text(encoding="utf-8").split("\n")[:-1]
