#!/usr/bin/env python3
"""Compare full training steps with PyTorch, JAX, NumPy, scikit-learn, burn, candle, C and Numba: a table and a plot.

    python3 benches/peers/compare.py
    python3 benches/peers/compare.py --resume
    python3 benches/peers/compare.py --from docs/comparison.json
    python3 benches/peers/compare.py --peer torch --peer burn --workload mnist-b128 --threads 1 --output target/some
    python3 benches/peers/compare.py --isa avx2
    python3 benches/peers/compare.py --check

Builds the example `throughput`, which also says what the workloads are, and `nn-peers`, the program in this folder that
runs burn and candle. Then, for each workload, in every round each system is timed in turn, on each number of threads:
after a warm-up, some repeats of some tenths of a second. The best repeat of all rounds counts, for this library as for
its peers: what else runs on the machine can only make a repeat slower. Whatever uses one thread is pinned to one core,
the same for all. peers.py and src/lib.rs say which settings the peers have.
C and Numba take part where networks are narrow.

Writes comparison.md, comparison.png and comparison.json, the numbers as they come, to docs/, and then the short table
to README.md; with --isa, by which this library and the Python peers find a CPU without AVX-512 (cpuid.c), to
comparison-avx2.md and so on, and nothing to README.md. An interrupted run goes on with --resume; --from makes table and plot of a file and measures nothing.

Without --python, a virtual environment with the peers is made under the target folder: a large download for PyTorch.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from agreement import check
from environment import (
    PEERS,
    PLOTTING,
    ROOT,
    build,
    build_cpuid,
    build_rust_peers,
    commit,
    counted,
    environment_python,
    load,
    output_of,
    pinned,
    processor,
    say,
)
from recording import Recording
from systems import ALL_PEERS, RUST_PEERS, TITLES, Peer, measure
from table import f32_table, markdown, placed, plural, short, summary

DOCS = ROOT / "docs"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", default=[], metavar="NAME", help="repeatable (default: all)")
    parser.add_argument("--threads", type=counted(1), nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--peer", action="append", choices=ALL_PEERS, help="repeatable (default: all)")
    parser.add_argument("--rounds", type=counted(1), default=3, metavar="N", help="default: 3")
    parser.add_argument("--repeats", type=counted(1), default=3, metavar="N", help="repeats in a round (default: 3)")
    parser.add_argument("--seconds", type=float, default=0.2, metavar="S", help="of a repeat (default: 0.2)")
    parser.add_argument("--isa", choices=["avx2"], help="hide from all what the CPU has beyond this")
    parser.add_argument("--core", type=counted(0), default=0, metavar="N", help="to pin one thread to (default: 0)")
    parser.add_argument("--python", type=Path, help="an interpreter that has the peers and matplotlib")
    parser.add_argument("--output", type=Path, default=DOCS, metavar="DIR", help="where to write to (default: docs)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--resume", action="store_true", help="go on with the measurements in DIR/comparison.json")
    what.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="measure nothing: table and plot of FILE")
    what.add_argument("--check", action="store_true", help="compare one step of each Python peer with this library's")
    found = parser.parse_args()
    if not 0.001 <= found.seconds <= 60:
        parser.error("--seconds: expected 0.001 to 60")
    if found.python and not os.access(found.python, os.X_OK):
        parser.error(f"--python: {found.python} cannot be run")
    if 1 in found.threads and hasattr(os, "sched_getaffinity") and found.core not in os.sched_getaffinity(0):
        parser.error(f"--core: there is no core {found.core}")
    found.stem = f"comparison-{found.isa}" if found.isa else "comparison"
    for file in [found.output / f"{found.stem}.json"] if found.resume else [found.kept] if found.kept else []:
        if not file.is_file():
            parser.error(f"there is no {file}")
    # Programs that are compiled for the CPU at hand cannot be held to other instructions.
    there = [peer for peer in ALL_PEERS if not found.isa or peer not in (*RUST_PEERS, "torch-bf16")]
    if not set(found.peer or there) <= set(there):
        parser.error(f"--isa: of {', '.join(there)} only")
    found.peer = [peer for peer in there if not found.peer or peer in found.peer]
    found.threads = sorted(set(found.threads))
    return found


def command_line(options):
    """The command with the options that matter to who wants to do it again."""
    words = [f"--workload {name}" for name in options.workload]
    words += [f"--peer {peer}" for peer in options.peer] if len(options.peer) < len(ALL_PEERS) else []
    words += [f"--isa {options.isa}"] if options.isa else []
    words += ["--threads", *map(str, options.threads), f"--rounds {options.rounds}"]
    words += [f"--repeats {options.repeats} --seconds {options.seconds}"]
    return " ".join(["python3 benches/peers/compare.py", *words])


def listed(example, names):
    """The workloads of these names, or all of them, as `throughput` lists them."""
    chosen = [word for name in names for word in ("--workload", name)]
    lines = subprocess.run([example, "--list", *chosen], text=True, stdout=subprocess.PIPE, check=False)
    if lines.returncode:
        sys.exit(lines.returncode)
    return [json.loads(line) for line in lines.stdout.splitlines()]


def describe(options):
    """What a recording says of itself, but for the versions of peers."""
    return {
        "command": command_line(options),
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": load(),
        "rustc": output_of("rustc", "--version").rpartition(" (")[0],
        "python": platform.python_version(),
        "commit": commit(),
        "isa": options.isa,
        "pinned": pinned(1, options.core) is not None,
        **{name: getattr(options, name) for name in ("threads", "rounds", "repeats", "seconds")},
    }


def record(options, about):
    """A recording with everything measured, written as it grows."""
    example = build()
    workloads = listed(example, options.workload)
    rust_peers = build_rust_peers() if set(options.peer) & set(RUST_PEERS) else None
    wanted = [peer for peer in options.peer if peer in PEERS]
    python = options.python = options.python or environment_python(wanted, [PLOTTING])
    # What someone has set for another purpose is no peer at its best.
    for name in ("OPENBLAS_CORETYPE", "NN_ISA"):
        os.environ.pop(name, None)
    if options.isa:
        os.environ["LD_PRELOAD"] = str(build_cpuid())
    say("starting " + ", ".join(TITLES[peer] for peer in options.peer) + " ...")
    pairs = [(name, threads) for threads in options.threads for name in options.peer]
    peers = [Peer(name, threads, options.core, python, rust_peers) for name, threads in pairs]
    about["versions"] = {peer.name: peer.version for peer in peers}
    file = options.output / f"{options.stem}.json"
    options.output.mkdir(parents=True, exist_ok=True)
    recording = Recording(about, workloads, file=file)
    if options.resume:
        kept = Recording.read(file)
        differing = [name for name in ("command", "versions", "commit", "processor") if kept.about[name] != about[name]]
        if differing:
            sys.exit(f"{file} cannot be resumed: of another {', '.join(differing)}")
        recording = kept
    try:
        measure(recording, example, peers, options)
    finally:
        for peer in peers:
            peer.end()
        os.environ.pop("LD_PRELOAD", None)
    return recording


def publish(recording, options):
    """Writes what readers see."""
    options.output.mkdir(parents=True, exist_ok=True)
    isa = recording.about.get("isa")
    stem = f"comparison-{isa}" if isa else "comparison"
    text, plot = options.output / f"{stem}.md", options.output / f"{stem}.png"
    text.write_text(markdown(recording, plot.name))
    say(f"wrote {text}")
    python = options.python or environment_python([], [PLOTTING])
    subprocess.run([str(python), str(Path(__file__).with_name("plot.py")), str(recording.file), str(plot)], check=True)
    say(f"wrote {plot}")
    if options.output.resolve() == DOCS and not isa:
        readme = ROOT / "README.md"
        new = placed(readme.read_text(), short(recording, DOCS.name))
        if new is None:
            sys.exit(f"{readme} has no marks to put the comparison between")
        readme.write_text(new)
        say(f"wrote {readme}")
    for threads in recording.about["threads"]:
        print(f"\n{plural(threads)}\n")
        print("\n".join(f32_table(recording, threads)))
        print("\n" + summary(recording, threads))


def main():
    options = arguments()
    if options.check:
        names = [peer for peer in options.peer if peer in PEERS]
        python = options.python or environment_python(names)
        sys.exit(check(names, listed(build(), options.workload), python, build_rust_peers("dev")))
    if options.kept:
        recording = Recording.read(options.kept)
    else:
        recording = record(options, describe(options))
    publish(recording, options)


if __name__ == "__main__":
    main()
