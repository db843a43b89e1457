#!/usr/bin/env python3
"""Predict the time of steps that up to 1,024 processes take together: a model, its parameters measured here, and a plot.

    python3 benches/peers/scaling_model.py                                   # measure, and write docs/scaling-model.json
    python3 benches/peers/scaling_model.py --from docs/scaling-model.json    # tables and plot anew, nothing measured

Measured are: the step on one core for batches from a whole one to a 1,024th of it, by the example `throughput`; sums over 2 to 4
ranks of up to 12 MiB, in shared memory and by TCP over the loopback interface, by the example `mpi_ranks`; an addition and an
update of many numbers, by NumPy; and, to hold the model against it, the step on two ranks. docs/distributed.md has the formulas.
Tables and plot go there and to docs/images/scaling.png.
"""

import argparse
import datetime
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from environment import HERE, PLOTTING, ROOT, commit, counted, environment_python, output_of, say
from scaling import machine, mpirun, network_arguments, put, rank_program
from table import table

# Three sizes, and one whose gradients are 100 MB.
WORKLOADS = ["seed-b64k", "tabular-b64k", "wide-b1024", "big-b512"]
MOST_RANKS = 1024
TRANSPORTS = {
    "memory": ("shared memory", ()),
    "loopback": ("TCP over loopback", ("--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "lo")),
}
# Assumed: latencies of messages as MPI has them over TCP and over RDMA, and 92 % of the wire's rate.
ASSUMED = {
    "10 Gbit/s": {"alpha": 25e-6, "beta": 1 / (0.92 * 1.25e9)},
    "100 Gbit/s": {"alpha": 2e-6, "beta": 1 / (0.92 * 12.5e9)},
}
# Bytes of a part, and numbers of a gradient that goes round in one message, in f64: see step/blocked and train/core.
PART, SMALL = 1 << 20, 1 << 12
BEGIN, END = "<!-- step-time: written by benches/peers/scaling_model.py -->", "<!-- end of step-time -->"
TIMES = re.compile(r"^\s*(\d+) numbers:\s*([\d.]+) µs")


# ---- measurements ----


def step_time(program, workload, batch, ranks, options):
    """Seconds of the best repeat of steps on `batch` samples, shared by so many ranks, one core each."""
    words = ["--mpi", "--json", "--threads", 1, "--repeats", options.repeats, "--seconds", options.seconds]
    return json.loads(mpirun(ranks, *options.before, program, *words, *network_arguments(workload, batch)))["best_us_per_step"] / 1e6


def sums(program, ranks, transport, options):
    """Seconds that sums take over so many ranks, by their bytes."""
    # More ranks than cores cannot be bound to them, nor keep others off.
    alone = ranks <= os.cpu_count()
    words = [*transport, *(["--bind-to", "core"] if alone else ["--oversubscribe", "--bind-to", "none"])]
    found = {}
    for line in mpirun(ranks, *(options.before if alone else []), program, "times", words=words).splitlines():
        if match := TIMES.match(line):
            found[4 * int(match[1])] = float(match[2]) / 1e6
    return found


def best_of(rounds, measure):
    """The least of each figure in several rounds."""
    best = measure()
    for _ in range(rounds - 1):
        again = measure()
        best = {key: min(value, again[key]) for key, value in best.items()}
    return best


def passes():
    """Seconds a byte of a gradient that an addition takes, and an update: in arrays that leave the caches of a core."""
    import numpy as np

    a, b = np.ones(1 << 22, np.float32), np.ones(1 << 22, np.float32)
    out = np.empty_like(a)

    def least(work):
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
        return min(seconds) / a.nbytes

    return least(lambda: np.add(a, b, out=a)), least(lambda: np.subtract(a, b, out=out))


def measure(options):
    throughput, mpi_ranks = rank_program("throughput", "mpi_ranks")
    chosen = [word for name in WORKLOADS for word in ("--workload", name)]
    listed = subprocess.run([throughput, "--list", *chosen], text=True, stdout=subprocess.PIPE, check=True).stdout
    recording = {
        "command": "python3 benches/peers/scaling_model.py"
        + (f' --before "{" ".join(options.before)}"' if options.before else "")
        + f" --rounds {options.rounds} --repeats {options.repeats} --seconds {options.seconds}",
        "date": datetime.date.today().isoformat(),
        "about": machine(),
        "mpi": output_of("mpirun", "--version").partition("\n")[0].replace("mpirun (", "").replace(")", ""),
        "commit": commit(),
        "workloads": list(map(json.loads, listed.splitlines())),
        "assumed": ASSUMED,
    }
    recording["add_s_per_byte"], recording["update_s_per_byte"] = passes()
    for workload in recording["workloads"]:
        batch, name = workload["batch"], workload["workload"]
        fewest = max(1, batch // MOST_RANKS)
        rows = sorted({max(fewest, batch >> shift) for shift in range(0, 12, 2)} | {batch // 2, fewest})

        def steps():
            found = {str(m): step_time(throughput, workload, m, 1, options) for m in rows}
            return found | {
                "strong": step_time(throughput, workload, batch, 2, options),
                "weak": step_time(throughput, workload, 2 * batch, 2, options),
            }

        say(f"steps of {name} ...")
        found = best_of(options.rounds, steps)
        workload["two_ranks"] = {kind: found.pop(kind) for kind in ("strong", "weak")}
        workload["steps"] = found
    recording["sums"] = {}
    for transport, (title, words) in TRANSPORTS.items():
        for ranks in (2, 3, 4):
            say(f"sums over {ranks} ranks, {title} ...")
            rounds = options.rounds if ranks == 2 else 1
            recording["sums"][f"{transport}, {ranks}"] = best_of(rounds, lambda: sums(mpi_ranks, ranks, words, options))
    return recording


# ---- the model ----


def fit(times):
    """α and β of T = 2 α + n β, a sum over two ranks, by the least squares of relative errors; and the greatest of those."""
    points = [(int(n), seconds) for n, seconds in times.items()]
    a = b = c = d = e = 0.0
    for n, t in points:
        x, y = 2 / t, n / t
        a, b, c, d, e = a + x * x, b + x * y, c + y * y, d + x, e + y
    determinant = a * c - b * b
    alpha, beta = (d * c - e * b) / determinant, (a * e - b * d) / determinant
    return alpha, beta, max(abs((2 * alpha + n * beta) / t - 1) for n, t in points)


class Link:
    """How messages travel: α seconds each, β a byte, and γ for a byte that is added."""

    def __init__(self, alpha, beta, gamma=0.0, beside=True):
        self.alpha, self.beta, self.gamma, self.beside = alpha, beta, gamma, beside

    def ring(self, n, ranks):
        return 2 * (ranks - 1) * self.alpha + (ranks - 1) / ranks * n * (2 * self.beta + self.gamma)

    def tree(self, n, ranks):
        levels = math.ceil(math.log2(ranks))
        return 2 * levels * (self.alpha + n * self.beta) + levels * n * self.gamma

    def sum(self, n, ranks):
        """As MPI does it, by whichever is the faster."""
        return 0.0 if ranks == 1 else min(self.ring(n, ranks), self.tree(n, ranks))


def links(recording):
    """The measured ways and the assumed networks. What travels in a machine is copied by the cores that compute."""
    found = {}
    for transport, (title, _) in TRANSPORTS.items():
        alpha, beta, _ = fit(recording["sums"][f"{transport}, 2"])
        found[title] = Link(alpha, beta, beside=False)
    for title, link in recording["assumed"].items():
        found[title] = Link(**link, gamma=recording["add_s_per_byte"])
    return found


def parts(sizes):
    """The parts of a gradient in the order of back-propagation: bytes, and the share of a step's time at whose end each is finished."""
    layers = list(zip(sizes, sizes[1:]))
    work = [inputs * outputs * (4 if index else 2) for index, (inputs, outputs) in enumerate(layers)]
    forward = sum(2 * inputs * outputs for inputs, outputs in layers)
    total = forward + sum(work)
    params = sum((inputs + 1) * outputs for inputs, outputs in layers)
    if params <= SMALL:
        return [(8 * params, 1.0)]
    found, size, done = [], 0, forward
    for index in reversed(range(len(layers))):
        inputs, outputs = layers[index]
        size, done = size + 4 * inputs * outputs, done + work[index]
        if size >= PART or index == 0:
            found.append((size, done / total))
            size = 0
    biases = 4 * sum(outputs for _, outputs in layers)
    return [(found[0][0] + biases, 1.0)] if len(found) == 1 else [*found, (biases, 1.0)]


def computing(workload, rows):
    """Seconds of a step on so many rows on one core: between measured ones, straight in logarithms."""
    points = sorted((int(m), seconds) for m, seconds in workload["steps"].items())
    if rows <= points[0][0]:
        return points[0][1]
    for (low, before), (high, after) in zip(points, points[1:]):
        if rows <= high:
            share = math.log(rows / low) / math.log(high / low)
            return before * (after / before) ** share
    return points[-1][1] * rows / points[-1][0]


def step(recording, workload, rows, ranks, link, cores=1):
    """Seconds of a step on `rows` samples a rank."""
    compute = computing(workload, rows) / cores
    if ranks == 1:
        return compute
    found = parts(workload["sizes"])
    end = sum(link.sum(n, ranks) for n, _ in found) + compute
    if link.beside:
        end = 0.0
        for n, ready in found:
            end = max(end, ready * compute) + link.sum(n, ranks)
    params = sum((a + 1) * b for a, b in zip(workload["sizes"], workload["sizes"][1:]))
    # Before a step the ranks tell each other how many rows they have.
    return max(end, compute) + 4 * params * recording["update_s_per_byte"] / cores + link.sum(24 * ranks, ranks)


def weak(recording, workload, ranks, link, cores=1):
    """The efficiency: a step's time on one rank over that on many, each with a batch of its own."""
    batch = workload["batch"]
    return computing(workload, batch) / cores / step(recording, workload, batch, ranks, link, cores)


def strong(recording, workload, ranks, link, cores=1):
    """How many times as fast many ranks are that share one batch."""
    batch = workload["batch"]
    return computing(workload, batch) / cores / step(recording, workload, batch / ranks, ranks, link, cores)


# ---- what is written ----


def seconds(value):
    return f"{value * 1e6:.1f} µs" if value < 1e-3 else f"{value * 1e3:.3g} ms"


def network(workload):
    return " => ".join(map(str, workload["sizes"])) + f", {workload['batch']:,}"


def parameters_table(recording):
    rows = []
    for transport, (title, _) in TRANSPORTS.items():
        alpha, beta, error = fit(recording["sums"][f"{transport}, 2"])
        rows.append([title, "measured, 2 ranks", seconds(alpha), f"{1e-9 / beta:.2f}", "in β", f"{100 * error:.0f} %"])
    gamma = f"{1e-9 / recording['add_s_per_byte']:.1f}"
    for title, link in recording["assumed"].items():
        rows.append([title, "assumed", seconds(link["alpha"]), f"{1e-9 / link['beta']:.2f}", gamma, ""])
    return table(["way", "", "α", "1/β, GB/s", "1/γ, GB/s", "greatest error of the fit"], 5, rows)


def checked_table(recording):
    """The model beside what was measured on two ranks, which it has not seen."""
    link, rows = links(recording)["shared memory"], []
    for workload in recording["workloads"]:
        batch = workload["batch"]
        one = computing(workload, batch)
        for kind, share in (("strong", batch / 2), ("weak", batch)):
            found, model = workload["two_ranks"][kind], step(recording, workload, share, 2, link)
            times = (2 if kind == "weak" else 1) * one
            cells = [seconds(one), seconds(found), seconds(model), f"{100 * (model / found - 1):+.0f} %"]
            rows.append([network(workload), kind, *cells, f"{times / found:.2f}", f"{times / model:.2f}"])
    heads = ["network, batch", "scaling", "1 rank", "2 ranks, measured", "model", "error", "×, measured", "×, model"]
    return table(heads, len(heads) - 1, rows)


def predicted_table(recording):
    heads = ["network, batch", "over", "cores a rank"]
    counts = (2, 8, 64, 1024)
    heads += [f"weak, {ranks:,} ranks" for ranks in counts] + [f"strong, {ranks:,}" for ranks in counts]
    rows, all_links = [], links(recording)
    for workload in recording["workloads"]:
        for title in recording["assumed"]:
            for cores in (1, 16):
                link = all_links[title]
                efficiencies = [f"{100 * weak(recording, workload, ranks, link, cores):.0f} %" for ranks in counts]
                speedups = [f"{strong(recording, workload, ranks, link, cores):.3g} ×" if ranks <= workload["batch"] else "" for ranks in counts]
                rows.append([network(workload), title, str(cores), *efficiencies, *speedups])
    return table(heads, len(heads) - 1, rows)


def lines(recording):
    run = f"{recording['date']}; {recording['about']}; {recording['mpi']}; commit {recording['commit']}. Printed by"
    update = 1e-9 / recording["update_s_per_byte"]
    return [
        *parameters_table(recording),
        "",
        f"An update of the parameters by itself takes a byte of them {1 / update:.2f} ns. {run}",
        "",
        f"    {recording['command']}",
        "",
        "The model beside steps that two ranks took in shared memory, one core each; a step on one rank is measured:",
        "",
        *checked_table(recording),
        "",
        "Predicted: the efficiency where each rank has a batch of its own (weak), and how many times as fast ranks are that share"
        " one (strong). Sixteen cores are taken to compute 16 times as fast as one.",
        "",
        *predicted_table(recording),
    ]


STYLES = {
    "TCP over loopback": ("#7f8c8d", "--"),
    "10 Gbit/s": ("#d1495b", "-"),
    "100 Gbit/s": ("#2e6fb7", "-"),
}


def draw(recording, file):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullLocator

    counts, all_links = [2**power for power in range(11)], links(recording)
    columns = len(recording["workloads"])
    figure, panels = plt.subplots(2, columns, figsize=(2.1 + 2.4 * columns, 5.6), sharex=True, layout="constrained", sharey="row")
    for column, workload in enumerate(recording["workloads"]):
        top, bottom = panels[0][column], panels[1][column]
        for title, (colour, line) in STYLES.items():
            link = all_links[title]
            style = {"color": colour, "linestyle": line, "linewidth": 1.8, "label": title, "zorder": 3}
            top.plot(counts, [100 * weak(recording, workload, ranks, link) for ranks in counts], **style)
            shared = [ranks for ranks in counts if ranks <= workload["batch"]]
            bottom.plot(shared, [strong(recording, workload, ranks, link) for ranks in shared], **style)
        one = computing(workload, workload["batch"])
        dot = {"color": "#222222", "s": 30, "zorder": 5, "linewidths": 0.5, "edgecolors": "white", "label": "measured, shared memory"}
        top.scatter([1, 2], [100, 100 * one / workload["two_ranks"]["weak"]], **dot)
        bottom.scatter([1, 2], [1, one / workload["two_ranks"]["strong"]], **dot)
        bottom.plot(counts, counts, color="#c9ccd1", linewidth=1.2, zorder=1, label="ideal")
        top.axhline(100, color="#c9ccd1", linewidth=1.2, zorder=1)
        top.set_title(" => ".join(map(str, workload["sizes"])) + f"\nbatch {workload['batch']:,}", fontsize=8.5)
        top.set_ylim(0, 109)
        bottom.set_yscale("log", base=2)
        bottom.set_ylim(0.5, MOST_RANKS * 1.4)
        for axes in (top, bottom):
            axes.set_xscale("log", base=2)
            axes.set_xticks([1, 4, 16, 64, 256, 1024])
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.grid(color="#e3e5e8", linewidth=0.7)
            axes.set_axisbelow(True)
            axes.tick_params(labelsize=8.5)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        bottom.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}×"))
    panels[0][0].yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g} %"))
    panels[0][0].set_ylabel("weak scaling: efficiency", fontsize=9)
    panels[1][0].set_ylabel("strong scaling: times one rank", fontsize=9)
    figure.supxlabel("ranks of one core", fontsize=9)
    handles, labels = panels[1][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
    caption = f"steps measured on {recording['about'].partition(',')[0]}, f32, {recording['date']}; the rest is the model"
    figure.text(0.998, 0.006, caption, ha="right", va="bottom", fontsize=7, color="#666666")
    figure.savefig(file, dpi=160)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=counted(1), default=3, metavar="N", help="default: 3")
    parser.add_argument("--repeats", type=counted(1), default=5, metavar="N", help="repeats in a round (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.3, metavar="S", help="of a repeat (default: 0.3)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", metavar="DIR", help="where to write to (default: docs)")
    parser.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="measure nothing: tables and plot of FILE")
    parser.add_argument("--before", type=str.split, default=[], metavar="WORDS", help="what each program is started by")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--python", type=Path, help="an interpreter that has NumPy and matplotlib")
    return parser.parse_args()


def main():
    options = arguments()
    if not options.inside:
        python = options.python or environment_python([], [PLOTTING])
        sys.exit(subprocess.run([python, HERE / "scaling_model.py", *sys.argv[1:], "--inside"], check=False).returncode)
    if options.kept:
        recording = json.loads(options.kept.read_text())
    else:
        recording = measure(options)
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "scaling-model.json").write_text(json.dumps(recording, indent=1) + "\n")
    print("\n".join(lines(recording)))
    (options.output / "images").mkdir(parents=True, exist_ok=True)
    draw(recording, options.output / "images" / "scaling.png")
    page = options.output / "distributed.md"
    if page.exists():
        put(page, BEGIN, END, lines(recording))


if __name__ == "__main__":
    main()
