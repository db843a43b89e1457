#!/usr/bin/env python3
"""Put the same two jobs side by side in four libraries, run them, and write docs/side-by-side.md.

    python3 benches/peers/side_by_side.py                      # all of it, into docs
    python3 benches/peers/side_by_side.py --job digits --library keras --library burn
    python3 benches/peers/side_by_side.py --write              # the page from what was measured before
    python3 benches/peers/side_by_side.py --check              # is the page's code that of the programs, and does it run?

The programs are those in the folder side_by_side, one for each job and library. Each runs once for each seed on all
cores, and once pinned to one core, in a folder that has the data. The Rust programs are built in packages of their own,
as a user's would be, with nothing compiled before. What is measured is kept in side-by-side.json in the target folder;
of all runs under the same seed the quickest counts, so that the script can be run again where the machine was busy.

Keras, JAX, scikit-learn and pandas are installed into a virtual environment there. --check takes scikit-learn and
pandas from the environment of tests/sklearn_agreement.py; it compiles the program of Keras and does not run it.
"""

import argparse
import datetime
import importlib.util
import json
import os
import py_compile
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import (
    EXAMPLE,
    HERE,
    PEERS,
    ROOT,
    TARGET,
    built,
    commit,
    environment_python,
    output_of,
    pinned,
    processor,
    say,
)

PROGRAMS = HERE / "side_by_side"
WORK = TARGET / "side-by-side"
RECORDING = TARGET / "side-by-side.json"
PAGE = ROOT / "docs" / "side-by-side.md"
KERAS = ["keras==3.15.1", PEERS["jax"], PEERS["sklearn"], "pandas==3.1.1"]
BACKEND = "jax"

LIBRARIES = {"nn_train": "nn-train", "keras": "Keras", "scikit_learn": "scikit-learn", "burn": "burn"}
JOBS = {"digits": "accuracy", "diamonds": "R²"}
IMPORTS = {"keras": "import keras", "scikit_learn": "from sklearn.neural_network import MLPClassifier"}
# What the packages of the Rust programs name.
DEPENDENCIES = {
    "nn_train": f"""\
nn-train = {{ path = "{ROOT / "nn-train"}", features = ["serde", "tables"] }}
serde_json = {{ version = "1", features = ["float_roundtrip"] }}
""",
    "burn": """\
csv = "1"
rand = "0.10"

[dependencies.burn]
version = "0.22"
default-features = false
features = ["std", "flex", "simd", "rayon", "x86-v4", "optim"]
""",
}
LOCKS = {"nn_train": ROOT / "Cargo.lock", "burn": HERE / "Cargo.lock"}
# burn gets the CPU's instructions, as in the other comparisons here.
FLAGS = {"burn": {"RUSTFLAGS": "-C target-cpu=native"}}


def program(job, library):
    return PROGRAMS / f"{job}_{library}.{'rs' if library in DEPENDENCIES else 'py'}"


def code(path):
    """The lines that are neither blank nor comments; in these programs a comment has its lines to itself."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith(("//", '"""', "# "))]


def cargo_build(library, *arguments):
    """Builds the programs as a user would, in a package of their own."""
    folder = WORK / library
    folder.mkdir(parents=True, exist_ok=True)
    manifest = '[package]\nname = "side-by-side"\nversion = "0.1.0"\nedition = "2024"\n\n[workspace]\n'
    # A program that does nothing has the libraries built alone.
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src" / "main.rs").write_text("fn main() {}\n")
    bins = "".join(f'\n[[bin]]\nname = "{job}"\npath = "{program(job, library)}"\n' for job in JOBS)
    (folder / "Cargo.toml").write_text(f"{manifest}{bins}\n[dependencies]\n{DEPENDENCIES[library]}")
    shutil.copy(LOCKS[library], folder / "Cargo.lock")
    environment = {**os.environ, **FLAGS.get(library, {}), "CARGO_TARGET_DIR": str(folder / "target")}
    subprocess.run(["cargo", "build", "--release", "--quiet", *arguments], cwd=folder, env=environment, check=True)


def cpu_seconds(work):
    """Seconds of one core that the processes take which `work` starts."""

    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    work()
    return used() - before


def built_anew(library):
    """What the library takes to build, and what a program takes then."""
    shutil.rmtree(WORK / library, ignore_errors=True)
    names = {"first": "side-by-side", "again": "digits"}
    return {when: cpu_seconds(lambda name=name: cargo_build(library, "--bin", name)) for when, name in names.items()}


def imported(python, library):
    """What an import takes, in each run of a program."""
    command, environment = [python, "-c", IMPORTS[library]], {**os.environ, "KERAS_BACKEND": BACKEND}
    work = [cpu_seconds(lambda: subprocess.run(command, env=environment, check=True)) for _ in range(5)]
    return {"again": min(work)}


def command(job, library, python):
    if library in DEPENDENCIES:
        return [str(WORK / library / "target" / "release" / job)]
    return [str(python), str(program(job, library))]


def run(job, command, seed, threads, core=0):
    """One run of a program: what it has printed, how long it took, and how large its file is."""
    environment = {**os.environ, "KERAS_BACKEND": BACKEND}
    # OpenBLAS finds the CPU's kernels by itself.
    environment.pop("OPENBLAS_CORETYPE", None)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(shutil.copy(ROOT / "examples" / "data" / f"{job}.csv", folder))
        start = time.perf_counter()
        process = subprocess.run(
            [*command, str(seed)],
            cwd=folder,
            env=environment,
            text=True,
            capture_output=True,
            preexec_fn=pinned(threads, core),
        )
        whole = time.perf_counter() - start
        sizes = [file.stat().st_size for file in Path(folder).iterdir() if file != data]
    first = re.search(r"^(\d+) epochs in ([\d.]+) s, test \S+ ([\d.]+)$", process.stdout, re.MULTILINE)
    second = re.search(rf"^{job}\.\w+: ", process.stdout, re.MULTILINE)
    if process.returncode or not (first and second and len(sizes) == 1):
        raise SystemExit(f"{' '.join(command)} exits with {process.returncode}:\n{process.stdout}{process.stderr}")
    return {
        "seed": seed,
        "threads": threads,
        "whole": whole,
        "epochs": int(first[1]),
        "training": float(first[2]),
        "score": float(first[3]),
        "bytes": sizes[0],
    }


def read():
    return json.loads(RECORDING.read_text()) if RECORDING.exists() else {"builds": {}, "runs": {}}


def keep(part):
    """Puts what was measured into the file."""
    recording = read()
    for name, values in part.items():
        recording.setdefault(name, {}).update(values)
    new = RECORDING.with_suffix(".new")
    new.write_text(json.dumps(recording, indent=1))
    os.replace(new, RECORDING)


def quickest(runs):
    """Of the runs under the same seed on as many cores the quickest one: whatever else the machine did is not in it."""
    best = {}
    for run in runs:
        key = run["seed"], run["threads"]
        best[key] = min(best.get(key, run), run, key=lambda run: run["whole"])
    return list(best.values())


def about():
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "rust": output_of("rustc", "--version").partition(" (")[0].removeprefix("rustc "),
        "python": sys.version.split()[0],
    }


def measure(options):
    python = environment_python(["sklearn"], KERAS) if {"keras", "scikit_learn"} & set(options.library) else None
    for library in options.library:
        if options.build or library not in read()["builds"]:
            say(f"preparing {LIBRARIES[library]} ...")
            found = built_anew(library) if library in DEPENDENCIES else imported(python, library)
            keep({"builds": {library: found}})
        if options.build:
            continue
        if library in DEPENDENCIES:
            cargo_build(library)
        for job in options.job:
            call = command(job, library, python)
            # The first run is not counted: files come from the disk, and Python compiles modules.
            run(job, call, options.seeds[0], os.cpu_count())
            name = f"{job} {library}"
            runs = [] if options.anew else read()["runs"].get(name, [])
            runs += [run(job, call, seed, threads) for seed in options.seeds for threads in (os.cpu_count(), 1)]
            runs = quickest(runs)
            keep({"about": about(), "runs": {name: runs}})
            say(f"{job}, {LIBRARIES[library]}: {median(runs, 'training', os.cpu_count()):.2f} s of training")


def versions():
    """Of the libraries, as the page names them."""
    burn = re.search(r'name = "burn"\nversion = "([^"]+)"', LOCKS["burn"].read_text())[1]
    pinned = dict(requirement.split("==") for requirement in KERAS)
    return {
        "keras": f"Keras {pinned['keras']} on JAX {pinned['jax']}",
        "scikit_learn": f"scikit-learn {pinned['scikit-learn']}",
        "burn": f"burn {burn} (flex)",
    }


def listing(job, library):
    path = program(job, library)
    language = "rust" if path.suffix == ".rs" else "python"
    return f"### {LIBRARIES[library]}\n\n```{language}\n{path.read_text()}```\n"


def seconds(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def median(runs, key, threads):
    return statistics.median(run[key] for run in runs if run["threads"] == threads)


def table(recording, job):
    cores = recording["about"]["cores"]
    head = ["", "lines", "characters", "seconds in all", "of training", "epochs", "ms an epoch"]
    head += ["in all, 1 core", "of training, 1 core", f"test {JOBS[job]}", "file, kB"]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for library, name in LIBRARIES.items():
        runs, lines = recording["runs"][f"{job} {library}"], code(program(job, library))
        on_all = [run for run in runs if run["threads"] == cores]
        scores = [run["score"] for run in on_all]
        rows.append(
            [
                name,
                len(lines),
                sum(map(len, lines)),
                *(seconds(median(runs, key, cores)) for key in ("whole", "training")),
                f"{median(runs, 'epochs', cores):.0f}",
                f"{1000 * statistics.median(run['training'] / run['epochs'] for run in on_all):.1f}",
                *(seconds(median(runs, key, 1)) for key in ("whole", "training")),
                f"{statistics.median(scores):.4f} ({min(scores):.4f} to {max(scores):.4f})",
                f"{median(runs, 'bytes', cores) / 1000:.0f}",
            ]
        )
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def builds(recording):
    rows = ["| | once, s | each time, s | |\n|---|---:|---:|---|\n"]
    for library, name in LIBRARIES.items():
        found = recording["builds"][library]
        once = seconds(found["first"]) if "first" in found else "–"
        what = (
            "the program is built, when it has changed"
            if library in DEPENDENCIES
            else "the library is imported, in each run"
        )
        rows.append(f"| {name} | {once} | {seconds(found['again'])} | {what} |\n")
    return "".join(rows)


def page(recording):
    about = recording["about"]
    text = (PROGRAMS / "page.md").read_text()
    for name, value in {
        "about": f"{about['processor']}, {about['cores']} cores, shared with others; {about['date']}, "
        f"commit {about['commit']}; Rust {about['rust']}, Python {about['python']}; {', '.join(versions().values())}",
        "seeds": str(len({r["seed"] for runs in recording["runs"].values() for r in runs})),
        "cores": str(about["cores"]),
        "builds": builds(recording),
        **{f"{job} table": table(recording, job) for job in JOBS},
        **{f"{job} programs": "\n".join(listing(job, library) for library in LIBRARIES) for job in JOBS},
    }.items():
        text = text.replace(f"{{{name}}}", value.rstrip("\n"))
    return text


def check():
    """Whether the page has the programs as they are, and those run that can be run quickly."""
    text = PAGE.read_text()
    for job in JOBS:
        for library in LIBRARIES:
            if listing(job, library) not in text:
                raise SystemExit(
                    f"{PAGE.name} has not {program(job, library).name} as it is: write it anew with --write"
                )
        with tempfile.TemporaryDirectory() as folder:
            py_compile.compile(str(program(job, "keras")), cfile=f"{folder}/keras.pyc", doraise=True)
    # Another module of the same name.
    spec = importlib.util.spec_from_file_location("environment_of_tests", ROOT / "tests" / "environment.py")
    environment = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(environment)
    python = environment.environment_python(ROOT / "tests" / "sklearn_agreement.py", "scikit-learn")
    for job in JOBS:
        ours = built(f"{job}_nn_train", ROOT, *EXAMPLE, f"{job}_nn_train")
        for library, call in {
            "nn_train": [ours],
            "scikit_learn": [str(python), str(program(job, "scikit_learn"))],
        }.items():
            found = run(job, call, 1, os.cpu_count())
            if found["score"] < 0.95:
                raise SystemExit(f"{job}, {LIBRARIES[library]}: {JOBS[job]} {found['score']}")
            print(f"{job}, {LIBRARIES[library]}: {found['epochs']} epochs, {JOBS[job]} {found['score']}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", action="append", choices=JOBS, help="default: both")
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="default: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], metavar="N", help="default: 1 to 5")
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--build", action="store_true", help="only measure builds and imports")
    what.add_argument("--write", action="store_true", help="write the page, and measure nothing")
    what.add_argument("--check", action="store_true", help="check the page's code, and measure nothing")
    found = parser.parse_args()
    found.job, found.library = found.job or list(JOBS), found.library or list(LIBRARIES)
    return found


def main():
    options = arguments()
    if options.check:
        return check()
    if not options.write:
        measure(options)
    recording = read()
    wanted = {f"{job} {library}" for job in JOBS for library in LIBRARIES}
    if missing := sorted(wanted - set(recording["runs"])) + sorted(set(LIBRARIES) - set(recording["builds"])):
        return say(f"the page is not written: {', '.join(missing)} has not been measured")
    PAGE.write_text(page(recording))
    say(f"written: {PAGE}")


if __name__ == "__main__":
    main()
