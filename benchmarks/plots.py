"""Pictures of what ``compare.py`` found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

OURS, OTHERS = "#c1440e", "0.65"


def draw(record: dict[str, Any], folder: Path) -> None:
    """``compare_speed.png`` and ``compare_latency.png``: a row for each engine, a block for each workload."""
    import matplotlib

    matplotlib.use("Agg")
    _speed(record, folder / "compare_speed.png")
    _latency(record, folder / "compare_latency.png")


def _speed(record: dict[str, Any], path: Path) -> None:
    """Words for a second of processor time, in batches and line by line."""
    figure, panels = _panels(record, columns=2)
    for row, workload in zip(panels, record.values(), strict=True):
        for place, axes in enumerate(row):
            for height, one in enumerate(workload["engines"]):
                seconds = one["cpu"][place]
                if seconds is None:
                    axes.text(0, height, " has none", va="center", color="0.4", fontsize=7)
                    continue
                axes.barh(height, 1000 / seconds, color=_colour(one), height=0.7)
                axes.text(1000 / seconds, height, f" {1000 / seconds:,.0f}", va="center", fontsize=7)
            axes.margins(x=0.2)
            axes.set_xticks([])
            axes.set_title(workload["title"] if place == 0 else "", fontsize=8, loc="left")
    for axes, kind in zip(panels[-1], ("in batches", "line by line"), strict=True):
        axes.set_xlabel(f"words a second of processor time, {kind}", fontsize=8)
    _save(figure, path)


def _latency(record: dict[str, Any], path: Path) -> None:
    """Milliseconds of a line on its own: the median, and a line to the 99th percentile."""
    figure, panels = _panels(record, columns=1)
    for (axes,), workload in zip(panels, record.values(), strict=True):
        for height, one in enumerate(workload["engines"]):
            middle, late = one["latency"]
            axes.plot([middle, late], [height, height], color=_colour(one), linewidth=2)
            axes.plot(middle, height, "o", color=_colour(one), markersize=5)
            axes.text(late, height, f"  {middle:.1f}, {late:.1f}", va="center", fontsize=7)
        axes.set_xlim(left=0)
        axes.margins(x=0.2)
        axes.set_title(workload["title"], fontsize=8, loc="left")
        axes.tick_params(axis="x", labelsize=7)
    panels[-1][0].set_xlabel("milliseconds a line: median, 99 % of lines", fontsize=8)
    _save(figure, path)


def _panels(record: dict[str, Any], columns: int) -> tuple[Any, Any]:
    import matplotlib.pyplot as plt

    heights = [len(workload["engines"]) + 1.2 for workload in record.values()]
    figure, panels = plt.subplots(
        len(record),
        columns,
        figsize=(7.4, 0.26 * sum(heights) + 0.5),
        dpi=110,
        squeeze=False,
        height_ratios=heights,
    )
    for row, workload in zip(panels, record.values(), strict=True):
        for place, axes in enumerate(row):
            names = [one["name"] for one in workload["engines"]]
            axes.set_yticks(range(len(names)), names if place == 0 else [""] * len(names), fontsize=7)
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
    return figure, panels


def _colour(one: dict[str, Any]) -> str:
    return OURS if one["name"].startswith("dragoman") else OTHERS


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout(pad=0.4)
    figure.savefig(path)
