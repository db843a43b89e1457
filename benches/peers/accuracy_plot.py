#!/usr/bin/env python3
"""Draw test accuracy over seconds of training: accuracy_plot.py RUNS.json PLOT.png TARGET, for accuracy.py."""

import json
import statistics
import sys

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Told apart by whoever sees few colours, too.
COLOURS = {"torch": "#d55e00", "ours": "#0072b2"}


def curve(runs):
    """At each point of evaluation: median seconds, and median, least and highest accuracy in per cent."""
    for points in zip(*(run["points"] for run in runs)):
        accuracies = [100 * point["accuracy"] for point in points]
        seconds = statistics.median(point["seconds"] for point in points)
        yield seconds, statistics.median(accuracies), min(accuracies), max(accuracies)


def to_target(runs, target):
    """The median of the seconds to the target, or None where most runs do not get there."""
    endless = float("inf")
    times = [next((p["seconds"] for p in run["points"] if p["accuracy"] >= target), endless) for run in runs]
    median = statistics.median(times)
    return median if median < endless else None


def draw(results, target):
    runs = results["runs"]
    counts = sorted({run["threads"] for run in runs})
    figure, panels = pyplot.subplots(
        1, len(counts), figsize=(5.0 * len(counts), 4.0), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    lowest, highest = [], []
    for panel, threads in zip(panels[0], counts):
        marks = {}
        for system, colour in COLOURS.items():
            chosen = [run for run in runs if (run["system"], run["threads"]) == (system, threads)]
            if not chosen:
                continue
            seconds, middle, least, most = zip(*curve(chosen))
            label = "this library" if system == "ours" else results["versions"][system]
            panel.fill_between(seconds, least, most, color=colour, alpha=0.18, linewidth=0)
            panel.plot(seconds, middle, color=colour, linewidth=1.5, label=label)
            lowest.append(middle[0])
            highest.append(max(most))
            marks[system] = to_target(chosen, target)
        panel.axhline(100 * target, color="#444444", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        for system, time in marks.items():
            if time is None:
                continue
            style = {"color": COLOURS[system], "zorder": 5}
            panel.plot([time], [100 * target], marker="o", markersize=6, markeredgecolor="white", **style)
            panel.annotate(
                f"{time:.1f} s",
                (time, 100 * target),
                xytext=(-7, 9) if system == "ours" else (9, -34),
                textcoords="offset points",
                ha="right" if system == "ours" else "left",
                fontsize=11,
                fontweight="bold",
                path_effects=[withStroke(linewidth=4, foreground="white")],
                **style,
            )
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_title(f"{threads} thread{'' if threads == 1 else 's'}", fontsize=12)
        panel.set_xlabel("seconds of training (log scale)")
        panel.grid(color="#dddddd", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("test accuracy, %")
    panels[0][0].set_ylim(max(min(lowest), 100 * target - 12), max(highest) + 0.5)
    panels[0][-1].legend(loc="lower right", frameon=False, fontsize=11)
    seeds = len({run["seed"] for run in runs})
    about = f": median and range of {seeds} seeds" if len(counts) > 1 else ""
    figure.suptitle(f"Fashion-MNIST, time to {100 * target:g} %{about}", fontsize=13)
    return figure


def main(source, plot, target):
    with open(source, encoding="utf-8") as file:
        results = json.load(file)
    # Without the software's name the same runs give the same file.
    draw(results, float(target)).savefig(plot, dpi=160, metadata={"Software": None})


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
