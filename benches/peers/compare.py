#!/usr/bin/env python3
"""Compare the throughput of full training steps with PyTorch, JAX and NumPy, and write the result as Markdown.

    python3 benches/peers/compare.py --output comparison.md
    python3 benches/peers/compare.py --python ~/venv/bin/python --workload seed-b32 --workload mnist-b128 --threads 1

Builds the example `throughput`, which also says what the workloads are. Then, for each workload, in every round each
system is timed in turn, on each number of threads: after a warm-up, some repeats of some tenths of a second. The best
repeat of all rounds counts, for this library as for its peers: what else runs on the machine can only make a repeat
slower. Whatever uses one thread is pinned to one core, the same for all.

Without --python, a virtual environment with the peers is made under the target folder: a large download for PyTorch.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
# In the order of the table; NumPy's version is for all of them.
PEERS = {"torch": "torch==2.15.0", "jax": "jax==0.10.2", "numpy": "numpy==2.4.6"}
TITLES = {"torch": "PyTorch", "jax": "JAX (scan)", "numpy": "NumPy"}


def counted(least):
    """A parser of a whole number, `least` or more."""

    def parse(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return value

    parse.__name__ = "whole number"
    return parse


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", default=[], metavar="NAME", help="repeatable (default: all)")
    parser.add_argument("--threads", type=counted(1), nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--peer", action="append", choices=PEERS, help="repeatable (default: all)")
    parser.add_argument("--rounds", type=counted(1), default=3, metavar="N", help="default: 3")
    parser.add_argument("--repeats", type=counted(1), default=5, metavar="N", help="repeats in a round (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.3, metavar="S", help="of a repeat (default: 0.3)")
    parser.add_argument("--core", type=counted(0), default=0, metavar="N", help="to pin one thread to (default: 0)")
    parser.add_argument("--python", type=Path, help="an interpreter that has the peers")
    parser.add_argument("--output", type=Path, help="the Markdown file to write (default: stdout)")
    found = parser.parse_args()
    if not 0.001 <= found.seconds <= 60:
        parser.error("--seconds: expected 0.001 to 60")
    if found.python and not os.access(found.python, os.X_OK):
        parser.error(f"--python: {found.python} cannot be run")
    if 1 in found.threads and hasattr(os, "sched_getaffinity") and found.core not in os.sched_getaffinity(0):
        parser.error(f"--core: there is no core {found.core}")
    found.peer = [peer for peer in PEERS if not found.peer or peer in found.peer]
    found.threads = sorted(set(found.threads))
    return found


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment_python(peers):
    """The interpreter of a virtual environment that has the peers, made when it is missing."""
    wanted = sorted({PEERS[peer] for peer in peers} | {PEERS["numpy"]})
    folder = TARGET / "-".join(["peers", *peers, "{}.{}".format(*sys.version_info)])
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    if not (stamp.exists() and stamp.read_text().split() == wanted):
        say(f"making a virtual environment with {', '.join(wanted)} ...")
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, *wanted], check=True, stdin=subprocess.DEVNULL)
        stamp.write_text("\n".join(wanted))
    return python


def build():
    """The example `throughput`, built."""
    say("building throughput ...")
    command = ["cargo", "build", "--release", "--locked", "--package", "nn-examples", "--example", "throughput"]
    command += ["--message-format", "json-render-diagnostics"]
    messages = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
    artifacts = map(json.loads, messages.stdout.splitlines())
    return [a["executable"] for a in artifacts if a.get("executable") and a["target"]["name"] == "throughput"][-1]


def pinned(threads, core):
    """What a child process does first: with one thread it stays on one core."""
    return (lambda: os.sched_setaffinity(0, {core})) if threads == 1 and hasattr(os, "sched_setaffinity") else None


class Peer:
    """A process that times another system, and is asked again and again."""

    def __init__(self, python, name, threads, core):
        command = [str(python), str(Path(__file__).with_name("peers.py")), name, str(threads)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, preexec_fn=pinned(threads, core), **pipes)
        self.name, self.threads = name, threads
        self.version = self.answer()["version"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} has ended with the status {self.process.wait()}; is it installed?")
        return json.loads(line)

    def seconds(self, workload, options):
        """Seconds that a step took at best, or None where the peer cannot do it."""
        job = {**workload, "repeats": options.repeats, "seconds": options.seconds}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        if "error" in answer:
            say(f"    {self.name}, threads: {self.threads}: {answer['error']}")
            return None
        return answer["best_us_per_step"] / 1e6

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def throughput(example, workload, threads, options):
    """What `throughput` says of the workload."""
    command = [example, "--json", "--workload", workload["workload"], "--threads", str(threads)]
    command += ["--repeats", str(options.repeats), "--seconds", str(options.seconds)]
    preexec = pinned(threads, options.core)
    return json.loads(subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True, preexec_fn=preexec).stdout)


class Result:
    """The best that was seen of a workload, by system and threads."""

    def __init__(self, workload):
        self.workload = workload
        self.rates = {}  # (peer, threads): samples a second
        self.ours = {}  # threads: samples a second, peak, engine

    def add(self, peer, threads, seconds):
        if seconds:
            key = (peer, threads)
            self.rates[key] = max(self.rates.get(key, 0.0), self.workload["batch"] / seconds)

    def add_ours(self, threads, report):
        rate, peak, _ = self.ours.get(threads, (0.0, 0.0, None))
        rate = max(rate, report["best_samples_per_s"])
        self.ours[threads] = (rate, max(peak, report["fma_peak_gflop_s"]), report["engine"])

    def best_peer(self, threads):
        """The highest rate of a peer on up to so many threads."""
        return max((rate for (_, count), rate in self.rates.items() if count <= threads), default=None)

    def row(self, peers, threads):
        rate, peak, engine = self.ours[threads]
        best = self.best_peer(threads)
        percent = 100 * rate * self.workload["flops_per_sample"] / (1e9 * peak)
        cells = [self.workload["workload"]]
        cells += [thousands(self.rates.get((peer, threads))) for peer in peers]
        cells += [thousands(rate), f"{rate / best:.2f}" if best else "", f"{percent:.1f}", engine]
        return "| " + " | ".join(cells) + " |"


def thousands(rate):
    """Samples a second in thousands, to three digits or whole."""
    if rate is None:
        return ""
    rate /= 1000
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def measure(example, workloads, peers, options):
    """Times everything in turn, round after round."""
    results = []
    for workload in workloads:
        result = Result(workload)
        for number in range(options.rounds):
            say(f"{workload['workload']}, round {number + 1} of {options.rounds}")
            for threads in options.threads:
                for peer in (peer for peer in peers if peer.threads == threads):
                    result.add(peer.name, threads, peer.seconds(workload, options))
                result.add_ours(threads, throughput(example, workload, threads, options))
        results.append(result)
    return results


def output_of(*command):
    """What a command prints, or nothing where it cannot be run."""
    try:
        return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def processor():
    """The processor's name, without the machine's."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def markdown(results, versions, options):
    peers = options.peer
    names = [f"{TITLES[peer]} {versions[peer]}" for peer in peers]
    systems = ", ".join([output_of("rustc", "--version").rpartition(" (")[0]] + names)
    commit = output_of("git", "rev-parse", "--short", "HEAD")
    changed = " with changes" if output_of("git", "status", "--porcelain") else ""
    today = datetime.date.today().isoformat()
    lines = [
        "# Full training steps, compared",
        "",
        f"{today}; {processor()}, {os.cpu_count()} cores{options.load}; {systems}; commit {commit}{changed}.",
        "",
        "Forward, backward, L2 and a plain SGD update in f32, one batch over and over. Thousands of samples a second,",
        f"the best of {options.rounds} × {options.repeats} repeats of {options.seconds} s: in each of the rounds"
        " each system has its turn.",
        "",
        "    python3 benches/peers/compare.py " + command_line(options),
    ]
    for threads in options.threads:
        core = ", all pinned to one core" if pinned(threads, options.core) else ""
        plural = "" if threads == 1 else "s"
        upto = " with up to that many threads" if threads > options.threads[0] else ""
        heads = ["workload", *(TITLES[peer] for peer in peers)]
        heads += ["this library", "× best peer", "% of FMA peak", "engine"]
        lines += [
            "",
            f"## {threads} thread{plural}",
            "",
            f"× best peer: against the fastest peer{upto}{core}.",
            "",
            "| " + " | ".join(heads) + " |",
            "|---" + "|---:" * (len(heads) - 2) + "|---|",
            *(result.row(peers, threads) for result in results),
        ]
    return "\n".join(lines) + "\n"


def command_line(options):
    """The options that matter to who wants to do it again."""
    words = [f"--workload {name}" for name in options.workload]
    words += [f"--peer {peer}" for peer in options.peer] if len(options.peer) < len(PEERS) else []
    words += ["--threads", *map(str, options.threads), f"--rounds {options.rounds}"]
    return " ".join([*words, f"--repeats {options.repeats} --seconds {options.seconds}"])


def load():
    """How busy the machine is with other things, for the header."""
    try:
        return f", load {os.getloadavg()[0]:.1f} before"
    except (AttributeError, OSError):
        return ""


def main():
    options = arguments()
    options.load = load()
    example = build()
    chosen = [word for name in options.workload for word in ("--workload", name)]
    listed = subprocess.run([example, "--list", *chosen], text=True, stdout=subprocess.PIPE, check=False)
    if listed.returncode:
        sys.exit(listed.returncode)
    workloads = [json.loads(line) for line in listed.stdout.splitlines()]
    python = options.python or environment_python(options.peer)
    say("starting " + ", ".join(TITLES[peer] for peer in options.peer) + " ...")
    peers = [Peer(python, name, threads, options.core) for threads in options.threads for name in options.peer]
    try:
        results = measure(example, workloads, peers, options)
    finally:
        for peer in peers:
            peer.end()
    text = markdown(results, {peer.name: peer.version for peer in peers}, options)
    if options.output:
        options.output.write_text(text)
        say(f"wrote {options.output}")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
