#!/usr/bin/env python3
"""Training by several processes: the network of one process, and a clear end where something is wrong on one of them.

    python3 tests/mpi_training.py DISTRIBUTED MPI_TRAINING      the examples of these names, built

Digits are trained on 1, 2, 3 and 4 ranks, and flights, those of tests/flights.py, on 2. The ranks have the same parameters, bit for bit, and those of one process but for rounding.
A rank is killed while it trains: the job ends, the last checkpoint loads, and on fewer ranks training goes on from there to where
it would have come. It needs mpirun (Debian: openmpi-bin). Ranks may be more than cores.
"""

import array
import os
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from flights import flights
from mpirun import process_of, mpirun

# Of the parameters, which are at most some 0.4, after 30 epochs. Sums of other parts are rounded otherwise, and each step goes on
# from there.
BOUND = 1e-5
# A bar that shows progress may stand on the line before it.
ACCURACY = re.compile(r"test accuracy: (\d\.\d+)")
VERSION = rb"nn-train (\d+)\.(\d+)\.(\d+), protocol (\d+)"


def parameters(folder, ranks):
    """What each rank has, which is one thing."""
    all_bytes = [(folder / f"rank-{rank}.bin").read_bytes() for rank in range(ranks)]
    for rank, own in enumerate(all_bytes):
        if own != all_bytes[0]:
            sys.exit(f"{ranks} ranks: rank {rank} has other parameters than rank 0")
    return array.array("f", all_bytes[0])


def accuracy(job):
    said = ACCURACY.findall(job.output)
    job.expect(len(said) == 1, f"says an accuracy {len(said)} times, not once")
    return float(said[0])


def check_agreement(program, folder):
    """The same network on any number of ranks."""
    one, farthest = None, 0.0
    for ranks in (1, 2, 3, 4):
        job = mpirun(ranks, program, "digits", "--parameters", folder / str(ranks)).succeeds()
        own = parameters(folder / str(ranks), ranks)
        one = one or own
        off = max(abs(ours - theirs) for ours, theirs in zip(own, one, strict=True))
        farthest = max(farthest, off)
        job.expect(off <= BOUND, f"{ranks} ranks: parameters are {off:.1e} from those of one process")
        job.expect(accuracy(job) > 0.96, "does not learn the digits")
    largest = max(map(abs, one))
    print(f"1, 2, 3 and 4 ranks: parameters of up to {largest:.2f} within {farthest:.1e} of those of one process")


def check_flights(program, folder):
    """A table of columns of all kinds, which each rank prepares by itself."""
    header, *lines = flights()
    for name, share in (("train.csv", lines[::5]), ("test.csv", lines[1::5])):
        (folder / name).write_text(header + "".join(share))
    settings = ["flights", folder / "train.csv", folder / "test.csv", "--batch-size", "1024", "--parameters"]
    one = mpirun(1, program, *settings, folder / "1-flights").succeeds()
    two = mpirun(2, program, *settings, folder / "2-flights").succeeds()
    pairs = zip(parameters(folder / "2-flights", 2), parameters(folder / "1-flights", 1), strict=True)
    off = max(abs(ours - theirs) for ours, theirs in pairs)
    two.expect(off <= BOUND, f"parameters are {off:.1e} from those of one process")
    ours, theirs = (re.findall(r"r² ([0-9.]+)", job.output) for job in (two, one))
    two.expect(len(ours) == len(theirs) == 1, "says no r², or more than one")
    two.expect(abs(float(ours[0]) - float(theirs[0])) < 1e-3, f"r² is {ours[0]}, on one process {theirs[0]}")
    print(f"flights on 2 ranks: r² {ours[0]}, on one {theirs[0]}; parameters within {off:.1e}")


def check_killed(program, folder):
    """A rank that is killed, and training on fewer ranks from the last checkpoint."""
    settings = ["digits", "--seed", "3", "--batch-size", "512"]
    kept, killed = folder / "checkpoints", []

    def kill():
        while not list(kept.glob("*")):
            time.sleep(0.02)
        process = process_of(program, 1)
        if process is not None:
            os.kill(process, signal.SIGKILL)
            killed.append(time.monotonic())

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    # So many epochs that it is in their midst.
    job = mpirun(3, program, *settings, "--epochs", "10000", "--checkpoints", kept, "--every", "10").fails(within=120)
    job.expect(killed, "has ended before a rank was killed")
    seconds = time.monotonic() - killed[0]
    job.expect(seconds < 30, f"ends {seconds:.1f} s after a rank was killed, not within 30")
    steps = max(int(number) for file in kept.glob("*") for number in re.findall(r"\d+", file.name))
    print(f"a rank of 3 killed: the job ends {seconds:.1f} s later, the last checkpoint is of step {steps}")

    # An epoch has 3 steps. A little further rounding has not made anything else of it yet.
    for ranks, epochs, bound, near in ((2, steps // 3 + 10, 1e-4, 0.0), (1, steps // 3 + 100, None, 0.009)):
        to = ["--epochs", str(epochs), "--parameters"]
        resumed = mpirun(ranks, program, *settings, "--checkpoints", kept, "--every", "10000", *to, folder / "resumed").succeeds()
        resumed.expect("going on from" in resumed.output, "does not go on from the checkpoint")
        whole = mpirun(1, program, *settings, *to, folder / "whole").succeeds()
        pairs = zip(parameters(folder / "resumed", ranks), parameters(folder / "whole", 1), strict=True)
        off = max(abs(ours - theirs) for ours, theirs in pairs)
        resumed.expect(bound is None or off <= bound, f"parameters are {off:.1e} from those of an undisturbed run")
        ours, theirs = accuracy(resumed), accuracy(whole)
        resumed.expect(abs(ours - theirs) <= near, f"the accuracy is {ours}, undisturbed {theirs}")
        print(f"resumed on {ranks} to epoch {epochs}: test accuracy {ours:.3f}, undisturbed {theirs:.3f}; parameters within {off:.1e}")


def check_wrong(program, folder):
    """One error that names the rank, whatever is wrong with it."""
    mpirun(3, program, "nothing").succeeds()
    wrong = {
        "nan": "a NaN in its shard",
        "resident_nan": "a NaN in its data in memory",
        "empty": "an empty shard",
        "declaration": "another declaration",
        "setting": "another learning rate",
    }
    for what, text in wrong.items():
        job = mpirun(3, program, what, 2).fails()
        tell(job, text, 2)
    # A copy of the program that says that it is of another version.
    changed, replaced = re.subn(VERSION, lambda found: found[0][:9] + b"9" + found[0][10:], Path(program).read_bytes())
    if replaced != 1:
        sys.exit(f"{program}: its version stands there {replaced} times, not once")
    other = folder / "other-version"
    other.write_bytes(changed)
    other.chmod(0o755)
    job = mpirun(1, program, "nothing", ":", "-n", 1, other, "nothing").fails()
    tell(job, "another version of the library", 1)


def tell(job, what, rank):
    said = [line for line in job.output.splitlines() if line.startswith("error:")]
    job.expect(len(said) == 1 and f"rank {rank}" in said[0], f"there is not one error that names rank {rank}")
    print(f"{what} ({job.seconds:.1f} s): {said[0]}", flush=True)


def main():
    distributed, training = (Path(path).resolve() for path in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        check_agreement(distributed, folder)
        check_flights(distributed, folder)
        check_killed(distributed, folder)
        check_wrong(training, folder)
    for wrong, status in ((("digits", "--epochs", "0"), 2), (("flights", "none.csv", "none.csv"), 1), ((), 2)):
        job = mpirun(2, distributed, *wrong).fails()
        job.expect(job.status == status, f"ends with the status {job.status}, not {status}")
        errors = [line for line in job.output.splitlines() if "rror:" in line or line.startswith("Usage")]
        job.expect(len(errors) == 1, "there is not one message")


if __name__ == "__main__":
    main()
