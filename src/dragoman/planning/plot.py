"""A picture of a plan: which value lies where in the workspace, from which instruction to which.

Needs matplotlib (the extra ``plot``); imported when a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dragoman.graph.extents import Symbol
from dragoman.planning.records import PlanRecord
from dragoman.planning.show import lower_bound, phases

__all__ = ["plot"]

_ROLES = {"state and keys": "#4c72b0", "output layer": "#8172b3", "floats": "#dd8452", "integers": "#55a868"}
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes"))


def plot(plan: PlanRecord, extents: Mapping[Symbol, int], path: Path, title: str | None = None) -> None:
    """Draw the layout of one batch into a file (its suffix decides the format: .png, .svg, .pdf).

    Horizontal: instructions by phase. Vertical: bytes from the start of the workspace. A box is one value.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    offsets, need = plan.offsets(extents)
    unit, unit_name = next((unit, name) for unit, name in _UNITS if need >= unit or unit == 1)
    count = len(plan.instructions())
    figure = Figure(figsize=(min(22.0, max(10.0, count / 8)), 6.5), layout="constrained")
    axes = figure.add_subplot()
    for number, (value, offset) in enumerate(zip(plan.values, offsets, strict=True)):
        size, span = value.bytes(extents), value.last - value.first + 1
        if size == 0:
            continue
        color = _ROLES[_role(plan, number)]
        box = Rectangle(
            (value.first, offset / unit), span, size / unit, facecolor=color, edgecolor="white", lw=0.6
        )
        axes.add_patch(box)
        if size > need / 40 and span > count / 14:
            name = value.name if len(value.name) < span * 1.1 else f"v{number}"
            middle = (value.first + span / 2, (offset + size / 2) / unit)
            axes.annotate(name, middle, ha="center", va="center", fontsize=7, color="white")
    at = 0
    for phase, instructions in phases(plan):
        if at:
            axes.axvline(at, color="black", lw=0.8, ls=":")
        if len(instructions) > count / 30:
            axes.text(
                at + len(instructions) / 2,
                1.01,
                phase.value,
                ha="center",
                va="bottom",
                transform=axes.get_xaxis_transform(),
            )
        at += len(instructions)
    bound = lower_bound(plan, extents)
    axes.axhline(bound / unit, color="#c44e52", lw=1, ls="--")
    axes.set(xlim=(0, count), ylim=(0, need / unit * 1.02), xlabel="instruction", ylabel=unit_name)
    handles = [Patch(color=color, label=role) for role, color in _ROLES.items()]
    line = axes.plot([], [], color="#c44e52", lw=1, ls="--", label="most alive at once")
    axes.legend(
        handles=[*handles, *line], loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8
    )
    figure.suptitle(
        title or f"{plan.name}: {need:,} bytes, {need / max(bound, 1):.3f} x the most alive at once",
        fontsize=10,
    )
    figure.savefig(path, dpi=130)


def _role(plan: PlanRecord, number: int) -> str:
    value = plan.values[number]
    if number == plan.logits or value.rows is Symbol.UNION or value.columns is Symbol.UNION:
        return "output layer"
    if value.last == len(plan.instructions()) - 1 and value.last - value.first > len(plan.step) // 2:
        return "state and keys"
    return "integers" if value.kind.itemsize == 1 else "floats"
