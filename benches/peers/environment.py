"""What the comparison needs around it: programs built, a virtual environment, and what is said of the machine."""

import argparse
import json
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
# What is installed for each peer, in the order of the tables; NumPy's version is for all of them.
PEERS = {
    "torch": "torch==2.15.0",
    "jax": "jax==0.10.2",
    "numpy": "numpy==2.4.6",
    "sklearn": "scikit-learn==1.9.1",
    "torch-bf16": "torch==2.15.0",
    # The C compiler is the machine's.
    "c": "numpy==2.4.6",
    "numba": "numba==0.68.1",
}
PLOTTING = "matplotlib==3.11.2"
# How an example is built. All of the workspace has one set of features, in which dependencies are compiled once.
EXAMPLE = ["--release", "--workspace", "--example"]


def counted(least):
    """A parser of a whole number, `least` or more."""

    def parse(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return value

    parse.__name__ = "whole number"
    return parse


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment_python(peers, extra=()):
    """The interpreter of a virtual environment that has the peers and `extra` requirements, made when it is missing."""
    wanted = sorted({PEERS[peer] for peer in peers} | {PEERS["numpy"], *extra})
    names = sorted({requirement.partition("==")[0] for requirement in wanted})
    folder = TARGET / "-".join(["peers", *names, "{}.{}".format(*sys.version_info)])
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    if not (stamp.exists() and stamp.read_text().split() == wanted):
        say(f"making a virtual environment with {', '.join(wanted)} ...")
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, *wanted], check=True, stdin=subprocess.DEVNULL)
        stamp.write_text("\n".join(wanted))
    return python


def built(name, folder, *arguments):
    """The executable `name` that cargo builds in `folder`."""
    say(f"building {name} ...")
    command = ["cargo", "build", "--locked", *arguments, "--message-format", "json-render-diagnostics"]
    messages = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, check=True)
    artifacts = map(json.loads, messages.stdout.splitlines())
    return [a["executable"] for a in artifacts if a.get("executable") and a["target"]["name"] == name][-1]


def build():
    """The example `throughput`, built."""
    return built("throughput", ROOT, *EXAMPLE, "throughput")


def build_rust_peers(profile="release"):
    """The program `nn-peers`, built with the settings in this folder's .cargo/config.toml."""
    return built("nn-peers", HERE, "--profile", profile, "--bin", "nn-peers")


def build_cpuid():
    """The library that hides from a program what the CPU has beyond AVX2, built by the C compiler."""
    TARGET.mkdir(parents=True, exist_ok=True)
    library = TARGET / "cpuid.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "cpuid.c"], check=True)
    return library


def pinned(threads, core):
    """What a child process does first: with one thread it stays on one core."""
    return (lambda: os.sched_setaffinity(0, {core})) if threads == 1 and hasattr(os, "sched_setaffinity") else None


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


def load():
    """How busy the machine is with other things, or None where it does not say."""
    try:
        return round(os.getloadavg()[0], 1)
    except (AttributeError, OSError):
        return None


def commit():
    """What is compared: the commit, and whether files differ from it, other than what is written of comparisons."""
    written = [":!docs/comparison*", ":!docs/accuracy.*", ":!docs/bfloat16.md", ":!README.md"]
    changed = " with changes" if output_of("git", "status", "--porcelain", "--", ".", *written) else ""
    return output_of("git", "rev-parse", "--short", "HEAD") + changed
