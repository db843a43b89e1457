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
from table import plural, times

# Colours that differ in lightness as well, and markers for who sees none of them.
STYLES = {
    "torch": ("#d1495b", "o"),
    "jax": ("#2e6fb7", "s"),
    "numpy": ("#e0a030", "D"),
    "sklearn": ("#7f8c8d", "v"),
    "burn": ("#7b3fa0", "^"),
    "candle": ("#2f9e77", "P"),
    "c": ("#222222", "X"),
    "numba": ("#8a5a2b", "<"),
}
# Slower than this is drawn here, with an arrow: it should not take the room from what lies close together.
SLOWEST = 1000.0
WON, LOST = "#2f7d4f", "#b3372f"


def label(workload):
    widths = "-".join(map(str, workload["sizes"]))
    return f"{widths} · {workload['batch']:,}"


def panel(axes, recording, threads):
    """A row for each workload, a marker for each system, and the lead over the best peer in numbers."""
    for row, workload in enumerate(recording.workloads):
        ours, ratio = recording.rate(workload, OURS, threads), recording.ratio(workload, threads)
        if row % 2 == 0:
            axes.axhspan(row - 0.5, row + 0.5, color="#f4f5f7", linewidth=0, zorder=0)
        for peer in recording.peers():
            rate = recording.rate(workload, peer, threads)
            if rate and ours:
                colour, marker = STYLES[peer]
                place = {"s": 46 if marker in "PX" else 34, "linewidths": 0.5, "edgecolors": "white", "zorder": 4}
                axes.scatter(min(ours / rate, SLOWEST), row, color=colour, marker=marker, **place)
                if ours / rate > SLOWEST:
                    arrow = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
                    axes.annotate("→", (SLOWEST, row), color=colour, **arrow)
        if ratio:
            colour = WON if ratio >= 1 else LOST
            axes.plot([1, ratio], [row, row], color=colour, linewidth=2.6, solid_capstyle="butt", zorder=2)
            beside = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "center", "fontsize": 8.5}
            axes.annotate(times(ratio) + "×", (1, row), color=colour, fontweight="bold", **beside)
    axes.axvspan(1e-6, 1, color="#b3372f", alpha=0.08, linewidth=0, zorder=1)
    axes.axvline(1, color="black", linewidth=1.3, zorder=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}×" if x != 1 else "1×\nthis library"))
    axes.xaxis.set_minor_locator(LogLocator(base=10, subs=(2, 5)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", which="major", color="#c9ccd1", linewidth=0.7)
    axes.grid(axis="x", which="minor", color="#e3e5e8", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_title(plural(threads), fontsize=11, fontweight="bold")
    axes.set_title("× best peer", fontsize=8.5, loc="right", color="#444444")
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=9)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def limits(recording):
    """From a little left of the fastest to right of the slowest, with room for the numbers there."""
    slowdowns = [1.0]
    for workload in recording.workloads:
        for threads in recording.about["threads"]:
            ours = recording.rate(workload, OURS, threads)
            rates = [recording.rate(workload, peer, threads) for peer in recording.peers()]
            slowdowns += [ours / rate for rate in rates if rate and ours]
    lowest, highest = min(slowdowns), min(max(*slowdowns, 4), SLOWEST)
    return min(lowest / 1.25, 0.7), highest * (highest / lowest) ** 0.19


def draw(recording, file):
    about, rows = recording.about, len(recording.workloads)
    threads = about["threads"]
    size = (2.2 + 3.9 * len(threads), 1.7 + 0.29 * rows)
    layout = {"sharey": True, "sharex": True, "squeeze": False, "layout": "constrained"}
    figure, panels = plt.subplots(1, len(threads), figsize=size, **layout)
    for axes, count in zip(panels[0], threads):
        panel(axes, recording, count)
    first = panels[0][0]
    first.set_yticks(range(rows), [label(workload) for workload in recording.workloads], fontsize=8.5)
    first.set_ylim(rows - 0.5, -0.5)
    first.set_xlim(*limits(recording))
    heading = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "right", "fontsize": 8.5}
    first.annotate("network · batch", (0, 1), (-4, 6), color="#444444", **heading)
    axis = "time of a training step beside this library's (log scale; in the red: faster than this library)"
    figure.supxlabel(axis, fontsize=9)
    shown = [(*STYLES[peer], TITLES[peer]) for peer in recording.peers()]
    alone = {"linestyle": "none", "markersize": 6.5}
    handles = [plt.Line2D([], [], color=colour, marker=marker, label=title, **alone) for colour, marker, title in shown]
    handles += [plt.Line2D([], [], color=WON, linewidth=2.6, label="lead over the best peer")]
    spacing = {"handletextpad": 0.4, "columnspacing": 1.2, "fontsize": 9}
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, **spacing)
    caption = f"{about['processor']}, {about['cores']} cores, f32, {about['date']}"
    figure.text(0.998, 0.006, caption, ha="right", va="bottom", fontsize=7, color="#666666")
    figure.savefig(file, dpi=160)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    draw(Recording.read(sys.argv[1]), sys.argv[2])
