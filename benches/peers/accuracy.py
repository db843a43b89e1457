#!/usr/bin/env python3
"""Compare the time to an accuracy on Fashion-MNIST with PyTorch: a table in Markdown and a plot.

    python3 benches/peers/accuracy.py --output docs
    python3 benches/peers/accuracy.py --threads 2 --seeds 1 2 3 --data ~/fashion-mnist
    python3 benches/peers/accuracy.py --from target/accuracy.json --output docs

Both sides train the same network from the same distribution of initial parameters, with Adam at the same learning rate
and batch size, on samples that are in memory as f32, in an order drawn anew each epoch; both are judged by all test
images at the same points of each epoch. Seconds are those of training: shuffling, fetching samples and steps. For each
seed the sides take turns, and the first side is another one each time. What uses one thread is pinned to one core.

The example `fashion` trains this library's side, train_torch.py PyTorch's. Every run is written to accuracy.json in the
target folder as soon as it is done, and --from draws table and plot from such a file without measuring.

Without --python, a virtual environment with PyTorch and Matplotlib is made there too: a large download.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
from pathlib import Path

from environment import (
    EXAMPLE,
    PLOTTING,
    ROOT,
    TARGET,
    built,
    commit,
    counted,
    environment_python,
    load,
    output_of,
    pinned,
    processor,
    say,
)
from systems import Process, waits

FOLDERS = ["data/fashion", "/usr/share/datasets/fashion-mnist"]
SYSTEMS = ["torch", "ours"]
# What both sides are told.
SETTINGS = {"hidden": [256], "batch_size": 128, "learning_rate": 0.001, "evaluations": 10}


def share(text):
    """A number above 0, up to 1."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not in (0, 1]")
    return value


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="the folder of the IDX files (default: as `fashion`)")
    parser.add_argument("--threads", type=counted(1), nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    seeds = {"type": counted(0), "nargs": "+", "default": [1, 2, 3, 4, 5], "metavar": "N", "help": "default: 1 to 5"}
    parser.add_argument("--seeds", **seeds)
    parser.add_argument("--epochs", type=counted(1), default=10, metavar="N", help="default: 10")
    parser.add_argument("--limit", type=counted(1), metavar="N", help="train on the first N images only")
    parser.add_argument("--target", type=share, default=0.88, metavar="A", help="the accuracy (default: 0.88)")
    parser.add_argument("--core", type=counted(0), default=0, metavar="N", help="to pin one thread to (default: 0)")
    parser.add_argument("--python", type=Path, help="an interpreter that has torch and matplotlib")
    parser.add_argument("--from", type=Path, dest="source", metavar="FILE", help="runs to show, instead of measuring")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write accuracy.md and accuracy.png"
                        " (default: the table to stdout, the plot to the target folder)")
    found = parser.parse_args()
    if found.python and not os.access(found.python, os.X_OK):
        parser.error(f"--python: {found.python} cannot be run")
    if found.output and not found.output.is_dir():
        parser.error(f"--output: {found.output} is not a folder")
    if 1 in found.threads and hasattr(os, "sched_getaffinity") and found.core not in os.sched_getaffinity(0):
        parser.error(f"--core: there is no core {found.core}")
    found.data = found.data or next((ROOT / f for f in FOLDERS if (ROOT / f).is_dir()), None)
    if not found.source and not (found.data and found.data.is_dir()):
        parser.error(f"--data: no folder {found.data or ' or '.join(FOLDERS)}; `fashion` says where to get the data")
    found.threads, found.seeds = sorted(set(found.threads)), sorted(set(found.seeds))
    return found


class Ours:
    """This library, by the example; a process for each run, with no warm-up."""

    def __init__(self, example, threads, options):
        self.name, self.threads, self.options = "ours", threads, options
        self.version = output_of("rustc", "--version").rpartition(" (")[0]
        self.command = [example, "--json", "--data", str(options.data), "--threads", str(threads)]

    def run(self, job):
        words = list(self.command)
        for name, value in job.items():
            value = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            words += ["--" + name.replace("_", "-"), value]
        preexec = pinned(self.threads, self.options.core)
        report = subprocess.run(words, text=True, stdout=subprocess.PIPE, check=True, preexec_fn=preexec).stdout
        return json.loads(report)["points"]

    def end(self):
        pass


class Torch(Process):
    """PyTorch, in a process that is asked again and again."""

    def __init__(self, python, threads, options, wait):
        command = [python, Path(__file__).with_name("train_torch.py"), threads, options.data]
        super().__init__("torch", command, threads, options.core, wait, stderr=None)
        self.version = "PyTorch " + self.version

    def run(self, job):
        answer = self.ask(job)
        if "error" in answer:
            raise SystemExit(answer["error"])
        return answer["points"]


def quickest_torch(python, threads, options, settings):
    """PyTorch with its threads waiting for one another as suits the machine best."""
    tried = []
    for wait in waits("torch", threads):
        side = Torch(python, threads, options, wait)
        side.seconds = side.run({**settings, "epochs": 1, "seed": 0})[-1]["seconds"]
        say(f"    OMP_WAIT_POLICY={wait or 'unset'}: {side.seconds:.2f} s an epoch")
        tried.append(side)
    quickest = min(tried, key=lambda side: side.seconds)
    for side in tried:
        if side is not quickest:
            side.end()
    return quickest


def measure(options, python, path):
    """Trains both sides in turn, and writes what is known to `path` after every run."""
    example = built("fashion", ROOT, *EXAMPLE, "fashion")
    results = {
        "date": datetime.date.today().isoformat(),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "load": "" if load() is None else f"load {load():.1f} before",
        "commit": commit(),
        "command": command_line(options),
        "settings": {**SETTINGS, "epochs": options.epochs, **({"limit": options.limit} if options.limit else {})},
        "pinned": pinned(1, options.core) is not None,
        "wait_policies": {},
        "versions": {},
        "runs": [],
    }
    for threads in options.threads:
        say(f"starting PyTorch, threads: {threads} ...")
        torch = quickest_torch(python, threads, options, results["settings"])
        if len(waits("torch", threads)) > 1:
            results["wait_policies"][threads] = torch.wait or "unset"
        sides = [torch, Ours(example, threads, options)]
        try:
            results["versions"] = {side.name: side.version for side in sides}
            for number, seed in enumerate(options.seeds):
                for side in sides if number % 2 == 0 else reversed(sides):
                    points = side.run({**results["settings"], "seed": seed})
                    results["runs"].append({"system": side.name, "threads": threads, "seed": seed, "points": points})
                    path.write_text(json.dumps(results))
                    seconds = reached(points, options.target)[0]
                    what = f"{seconds:.2f} s to {options.target:g}" if seconds else f"{options.target:g} not reached"
                    total = f"{points[-1]['seconds']:.2f} s in all"
                    say(f"    {side.name}, threads: {threads}, seed {seed}: {what}, {total}")
        finally:
            for side in sides:
                side.end()
    return results


def command_line(options):
    """The options that matter to who wants to do it again."""
    words = ["--threads", *map(str, options.threads), "--seeds", *map(str, options.seeds), f"--epochs {options.epochs}"]
    words += [f"--limit {options.limit}"] if options.limit else []
    words += [f"--target {options.target:g}"]
    return " ".join(["python3 benches/peers/accuracy.py", *words])


def reached(points, target):
    """Seconds and epochs to the target, or None for both."""
    return next(((p["seconds"], p["epoch"]) for p in points if p["accuracy"] >= target), (None, None))


def spread(values, form):
    """The median with the least and the most; a run that did not get there counts as endless."""
    endless = [float("inf") if value is None else value for value in values]
    text = [form.format(value) if value < float("inf") else "–" for value in endless]
    middle = statistics.median(endless)
    least, most = (text[endless.index(limit(endless))] for limit in (min, max))
    return (form.format(middle) if middle < float("inf") else "–"), f"{least} … {most}"


def table(results, target):
    """A row for each system on each number of threads; × is how often its median goes into PyTorch's best with up to as
    many threads."""
    runs = results["runs"]
    epochs = runs[0]["points"][-1]["epoch"]
    lines = [
        f"| threads | | seconds to {100 * target:g} % | least … most | × | epochs to it | ms an epoch"
        f" | accuracy after {epochs:g} epochs | least … most |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    middles = {}
    for threads in sorted({run["threads"] for run in runs}):
        for system in SYSTEMS:
            curves = [run["points"] for run in runs if (run["system"], run["threads"]) == (system, threads)]
            if not curves:
                continue
            times = [reached(points, target) for points in curves]
            seconds, range_of_seconds = spread([time for time, _ in times], "{:.2f}")
            epoch = statistics.median(points[-1]["seconds"] / points[-1]["epoch"] for points in curves)
            accuracy, range_of_accuracies = spread([points[-1]["accuracy"] for points in curves], "{:.4f}")
            middles[system, threads] = statistics.median(float("inf") if time is None else time for time, _ in times)
            best = min((m for (s, _), m in middles.items() if s == "torch"), default=float("nan"))
            ratio = best / middles[system, threads]
            cells = [threads, title(results, system), seconds, range_of_seconds]
            cells += [f"{ratio:.2f}" if 0 < ratio < float("inf") else "–", spread([e for _, e in times], "{:.1f}")[0]]
            cells += [f"{1000 * epoch:.0f}", accuracy, range_of_accuracies]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def title(results, system):
    return "this library" if system == "ours" else results["versions"][system]


def markdown(results, target):
    settings, seeds = results["settings"], sorted({run["seed"] for run in results["runs"]})
    sizes = " => ".join(["784", *(f"{width} relu" for width in settings["hidden"]), "10 softmax"])
    limited = f" on the first {settings['limit']:,} images" if settings.get("limit") else ""
    pins = "; on one thread both are pinned to one core" if results["pinned"] else ""
    waiting = "".join(
        f" On {threads} threads PyTorch runs with OMP_WAIT_POLICY {wait}, the quicker of unset and passive in a trial."
        for threads, wait in results["wait_policies"].items()
    )
    about = [results["date"], results["processor"], results["load"], ", ".join(results["versions"].values())]
    return "\n".join([
        "# Time to accuracy",
        "",
        "; ".join(filter(None, [*about, f"commit {results['commit']}"])) + ".",
        "",
        f"Fashion-MNIST{limited}, `{sizes}`, cross-entropy, Adam at {settings['learning_rate']:g}, batches of"
        f" {settings['batch_size']}, f32, {len(seeds)} seeds, judged {settings['evaluations']} times an epoch by all"
        f" test images. Seconds of training only{pins}. Medians over the seeds; ×: how often a median goes into"
        f" PyTorch's best with up to as many threads.{waiting}",
        "",
        "    " + results["command"],
        "",
        *table(results, target),
        "",
        "![Test accuracy over seconds of training](accuracy.png)",
        "",
    ])


def main():
    options = arguments()
    python = options.python or environment_python([] if options.source else ["torch"], [PLOTTING])
    path = TARGET / "accuracy.json"
    if options.source:
        path = options.source
        results = json.loads(path.read_text())
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        results = measure(options, python, path)
    plot = (options.output or TARGET) / "accuracy.png"
    script = Path(__file__).with_name("accuracy_plot.py")
    subprocess.run([str(python), str(script), str(path), str(plot), f"{options.target:g}"], check=True)
    text = markdown(results, options.target)
    if options.output:
        (options.output / "accuracy.md").write_text(text)
        say(f"wrote {options.output / 'accuracy.md'}")
    else:
        print(text, end="")
    say(f"wrote {plot}")


if __name__ == "__main__":
    main()
