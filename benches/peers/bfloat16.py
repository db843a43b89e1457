#!/usr/bin/env python3
"""Compare the accuracy that networks reach in bfloat16 with that in f32, over several seeds: a table in Markdown.

    python3 benches/peers/bfloat16.py --output docs
    python3 benches/peers/bfloat16.py --seeds 1 2 --data ~/fashion-mnist

Trains the example `digits`, the example `fashion` as it is, and `fashion` with the hidden layers of the workload wide,
each seed in both precisions. Of a run counts the accuracy on the test samples at its end. On a CPU without AVX512-BF16
the precision is emulated, which gives the same numbers and takes far longer.
"""

import argparse
import datetime
import os
import statistics
import subprocess
from pathlib import Path

from accuracy import FOLDERS
from environment import EXAMPLE, ROOT, built, commit, counted, output_of, processor, say

# What is trained: a title, the example, and its arguments.
TRAININGS = [
    ("digits, `64 => 256 relu dropout(0.3) => 128 relu dropout(0.3) => 10 softmax`", "digits", []),
    ("Fashion-MNIST, `784 => 256 relu => 10 softmax`", "fashion", ["--epochs", "6"]),
    ("Fashion-MNIST, wide: three hidden layers of 1,024", "fashion", ["--hidden", "1024,1024,1024", "--epochs", "4"]),
]
# How far the means may be apart.
BOUND = 0.003


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="the folder of Fashion-MNIST (default: as `fashion`)")
    seeds = {"type": counted(0), "nargs": "+", "default": [1, 2, 3, 4, 5], "metavar": "N", "help": "default: 1 to 5"}
    parser.add_argument("--seeds", **seeds)
    parser.add_argument("--threads", type=counted(1), default=os.cpu_count(), metavar="N", help="default: all cores")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write bfloat16.md (default: to stdout)")
    found = parser.parse_args()
    if found.output and not found.output.is_dir():
        parser.error(f"--output: {found.output} is not a folder")
    found.data = found.data or next((ROOT / f for f in FOLDERS if (ROOT / f).is_dir()), None)
    if not (found.data and found.data.is_dir()):
        parser.error(f"--data: no folder {found.data or ' or '.join(FOLDERS)}; `fashion` says where to get the data")
    return found


def accuracy(program, words, precision, seed, options):
    """The test accuracy at the end of a run."""
    command = [program, *words, "--precision", precision, "--seed", str(seed), "--threads", str(options.threads)]
    lines = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    return float(lines[-1].removeprefix("test accuracy: "))


def fast_bfloat16(program):
    """The precision by the CPU's own instructions, or emulated where it has none."""
    command = [program, "--precision", "bf16", "--epochs", "1"]
    tried = subprocess.run(command, text=True, capture_output=True, check=False)
    # 2 is what an argument is refused with.
    if tried.returncode not in (0, 2):
        raise SystemExit(f"{' '.join(command)}: status {tried.returncode}: {tried.stderr}")
    return "bf16-emulated" if tried.returncode else "bf16"


def cell(values):
    return f"{statistics.mean(values):.4f} ({min(values):.4f} … {max(values):.4f})"


def main():
    options = arguments()
    programs = {name: built(name, ROOT, *EXAMPLE, name) for name in ("digits", "fashion")}
    bfloat16 = fast_bfloat16(programs["digits"])
    seeds = " ".join(map(str, options.seeds))
    lines = [
        "# Accuracy in bfloat16",
        "",
        f"{datetime.date.today().isoformat()}; {processor()}; {output_of('rustc', '--version').rpartition(' (')[0]};"
        f" commit {commit()}; precision `{bfloat16}`, {options.threads} threads.",
        "",
        "Test accuracy at the end of training: the mean over the seeds, and in brackets the least and the most.",
        "",
        f"    python3 benches/peers/bfloat16.py --seeds {seeds}",
        "",
        "| network | arguments | f32 | bfloat16 | difference of the means, points |",
        "|---|---|---:|---:|---:|",
    ]
    apart = []
    for title, name, words in TRAININGS:
        data = ["--data", str(options.data)] if name == "fashion" else []
        found = {"full": [], bfloat16: []}
        for seed in options.seeds:
            for precision, values in found.items():
                values.append(accuracy(programs[name], [*words, *data], precision, seed, options))
            say(f"{title}, seed {seed}: " + ", ".join(f"{p} {values[-1]:.4f}" for p, values in found.items()))
        difference = statistics.mean(found[bfloat16]) - statistics.mean(found["full"])
        apart += [title] if round(abs(difference), 6) > BOUND else []
        cells = [title, f"`{' '.join([name, *words])}`", *map(cell, found.values()), f"{100 * difference:+.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    text = "\n".join([*lines, ""])
    if options.output:
        (options.output / "bfloat16.md").write_text(text)
        say(f"wrote {options.output / 'bfloat16.md'}")
    else:
        print(text, end="")
    if apart:
        raise SystemExit(f"more than {100 * BOUND:g} points apart: " + "; ".join(apart))


if __name__ == "__main__":
    main()
