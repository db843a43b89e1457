#!/usr/bin/env python3
"""Draw a recording of compare.py: a step's time in each system, beside that in this library.

    python3 plot.py comparison.json comparison.png      (with matplotlib)
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from recording import Recording
from systems import OURS, TITLES

# Colours that differ in lightness as well, and markers for who sees none of them.
STYLES = {
    "torch": ("#d1495b", "o"),
    "jax": ("#2e6fb7", "s"),
    "numpy": ("#e0a030", "D"),
    "sklearn": ("#7f8c8d", "v"),
    "burn": ("#7b3fa0", "^"),
    "candle": ("#2f9e77", "P"),
}
WON, LOST = "#2f7d4f", "#b3372f"


def label(workload):
    widths = "-".join(map(str, workload["sizes"]))
    return f"{widths} · {workload['batch']:,}"


def panel(axes, recording, threads):
    """A row for each workload, a marker for each system."""
    for row, workload in enumerate(recording.workloads):
        ours = recording.rate(workload, OURS, threads)
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="#f4f5f7", zorder=0)
        slowdowns = []
        for peer in recording.peers():
            rate = recording.rate(workload, peer, threads)
            if rate and ours:
                colour, marker = STYLES[peer]
                slowdowns.append(ours / rate)
                size = 40 if marker == "P" else 32
                axes.scatter(ours / rate, row, color=colour, marker=marker, s=size, linewidths=0, alpha=0.95, zorder=3)
        if slowdowns:
            best = min(slowdowns)
            axes.plot([1, best], [row, row], color=WON if best >= 1 else LOST, linewidth=2.2, zorder=2)
    axes.axvline(1, color="black", linewidth=1.2, zorder=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}×"))
    axes.xaxis.set_minor_locator(LogLocator(base=10, subs=(2, 5)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", which="major", color="#c9ccd1", linewidth=0.7, zorder=1)
    axes.grid(axis="x", which="minor", color="#e3e5e8", linewidth=0.5, zorder=1)
    axes.set_axisbelow(True)
    plural = "" if threads == 1 else "s"
    axes.set_title(f"{threads} thread{plural}", fontsize=11, loc="left", fontweight="bold")
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def draw(recording, file):
    about, rows = recording.about, len(recording.workloads)
    figure, panels = plt.subplots(
        1,
        len(about["threads"]),
        figsize=(2.1 + 3.95 * len(about["threads"]), 1.75 + 0.29 * rows),
        sharey=True,
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, threads in zip(panels[0], about["threads"]):
        panel(axes, recording, threads)
    first = panels[0][0]
    first.set_yticks(range(rows), [label(workload) for workload in recording.workloads], fontsize=8.5)
    first.set_ylim(rows - 0.5, -0.5)
    lowest, highest = first.get_xlim()
    first.set_xlim(min(lowest, 0.8), max(highest, 2))
    for axes in panels[0]:
        axes.annotate(
            "this library", (1, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="center", va="bottom", fontsize=8,
        )  # fmt: skip
    figure.supxlabel("time of a training step, this library = 1×   (left of the line: faster than this library)", fontsize=9)
    handles = [
        plt.Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=6, label=TITLES[peer])
        for peer, (colour, marker) in STYLES.items()
        if peer in recording.peers()
    ]
    handles += [plt.Line2D([], [], color=WON, linewidth=2.2, label="lead over the best peer")]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=8.5, handletextpad=0.3, columnspacing=1.2)  # fmt: skip
    caption = f"{about['processor']}, {about['cores']} cores · {about['date']}"
    figure.suptitle("")
    figure.text(0.995, 0.005, caption, ha="right", va="bottom", fontsize=7, color="#666666")
    figure.savefig(file, dpi=160)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    draw(Recording.read(sys.argv[1]), sys.argv[2])
