#!/usr/bin/env python3
"""Run every command of docs/command-line.md, in one folder and in their order, and compare what they print.

    python3 tests/command_line.py PROGRAM            PROGRAM is nn-train, built
    python3 tests/command_line.py PROGRAM --write    writes what they print into the page

Numbers differ from machine to machine, as instruction sets do in the last bits and clocks in all: any number stands for any other.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/command-line.md"
BLOCK = re.compile(r"```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)


def shape(text):
    """A text with # for each number, and one space for several."""
    text = re.sub(r" [kMG] samples/s", " samples/s", text)
    return re.sub(r"[ \t]+", " ", re.sub(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", "#", text)).strip()


def main():
    program, write = Path(sys.argv[1]).resolve(), "--write" in sys.argv[2:]
    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "bin").mkdir()
        (folder / "bin/nn-train").symlink_to(program)
        for name in ("diamonds.csv", "digits.csv"):
            shutil.copy(ROOT / "examples/data" / name, folder)
        environment = {"PATH": f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
        commands = 0

        def run(match):
            nonlocal commands
            script, expected = match[1], match[2]
            if script.startswith("cargo "):
                return match[0]
            commands += script.count("nn-train ")
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            if done.returncode != 0:
                sys.exit(f"docs/command-line.md:\n{script}ends with the status {done.returncode}:\n{done.stdout}")
            if expected is None:
                return match[0]
            if write:
                return f"```sh\n{script}```\n\n```text\n{done.stdout.rstrip()}\n```\n"
            if shape(done.stdout) != shape(expected):
                sys.exit(f"docs/command-line.md:\n{script}prints\n{done.stdout}\nexpected, but for numbers,\n{expected}")
            return match[0]

        written = BLOCK.sub(run, page)
    if commands < 20:
        sys.exit(f"docs/command-line.md: only {commands} commands were found")
    if write:
        PAGE.write_text(written)
    print(f"docs/command-line.md: {commands} commands do and print what it says")


if __name__ == "__main__":
    main()
