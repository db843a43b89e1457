#!/usr/bin/env python3
"""`nn-train train --mpi` under mpirun: the model of one process, files written once, and one message where it cannot be.

    python3 tests/mpi_command_line.py PROGRAM         PROGRAM is nn-train, built with its feature mpi

It needs mpirun (Debian: openmpi-bin). Ranks may be more than cores.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mpirun import ENVIRONMENT, MPIRUN, Job, mpirun, process_of

TABLE = Path(__file__).resolve().parents[1] / "examples/data/diamonds.csv"


def main():
    program = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        settings = ["--target", "price", "--layers", "24,12", "--threads", "1", "--seed", "3", "--json"]

        def train(ranks, out, *more):
            mpi = ["--mpi"] if ranks > 1 else []
            command = [program, "train", TABLE, *settings, "--out", folder / out, *mpi, *more]
            return mpirun(ranks, *command) if ranks > 1 else Job(command)

        def result(job):
            # Rank 0 alone writes its JSON object; the rest is progress.
            lines = [line for line in job.succeeds().output.splitlines() if line.startswith("{")]
            job.expect(len(lines) == 1, f"{len(lines)} results were written, not 1")
            return json.loads(lines[0])

        def predictions(model):
            job = subprocess.run(
                [program, "predict", folder / model, TABLE], stdout=subprocess.PIPE, check=True, text=True
            )
            return [float(line) for line in job.stdout.split()[1:]]

        alone = result(train(1, "1.nn", "--epochs", "6", "--log", folder / "1.csv"))
        expected = predictions("1.nn")
        scale = max(map(abs, expected))
        worst = 0
        for ranks in (2, 3, 4):
            together = result(train(ranks, f"{ranks}.nn", "--epochs", "6", "--log", folder / f"{ranks}.csv"))
            assert together["best_epoch"] == alone["best_epoch"], (together, alone)
            off = max(abs(x - y) for x, y in zip(predictions(f"{ranks}.nn"), expected, strict=True)) / scale
            assert off < 1e-3, f"predictions of the model of {ranks} processes are off by {off}"
            worst = max(worst, off)
            # A line an epoch, of one process.
            assert len((folder / f"{ranks}.csv").read_text().splitlines()) == 7
        print(f"models of 2, 3 and 4 processes predict what that of 1 does, to {worst:.1e} of the largest")

        # A job that is ended in its midst goes on with fewer processes, to the same end.
        kept = ["--epochs", "6", "--checkpoints", folder / "kept"]
        for name, of_rank in (("one", 2), ("all", None)):
            long = [program, "train", TABLE, *settings, "--out", folder / f"{name}.nn", "--mpi", "--epochs", "4000", "--patience", "4000"]
            # mpirun kills what has not ended a second after it was told to, unless it is given longer.
            patient = ["--mca", "odls_base_sigkill_timeout", "5"]
            command = [*MPIRUN, *patient, "-n", 3, *long, "--checkpoints", folder / name]
            job = subprocess.Popen(
                list(map(str, command)), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            deadline = time.monotonic() + 60
            while not list((folder / name).glob("*.ckpt")) and time.monotonic() < deadline:
                time.sleep(0.1)
            # The signal comes to one of them alone, or to mpirun, which passes it on.
            os.kill(job.pid if of_rank is None else process_of(program, of_rank), signal.SIGTERM)
            output, _ = job.communicate(timeout=60)
            assert job.returncode != 0, output
            assert '"interrupted":true' in output and (folder / f"{name}.nn").exists(), f"no model of a job that was ended\n{output}"
        print("a signal to one of 3 processes, and one to mpirun, ends all and leaves the best model so far")
        first = result(train(3, "whole.nn", *kept))
        (folder / "kept-2").mkdir()
        for name in ("run.json", sorted(path.name for path in (folder / "kept").glob("*.ckpt"))[0]):
            (folder / "kept-2" / name).write_bytes((folder / "kept" / name).read_bytes())
        resumed = result(train(2, "resumed.nn", "--epochs", "6", "--checkpoints", folder / "kept-2", "--resume"))
        assert resumed["best_epoch"] == first["best_epoch"], (resumed, first)
        off = max(abs(x - y) for x, y in zip(predictions("resumed.nn"), predictions("whole.nn"), strict=True)) / scale
        assert off < 1e-3, f"a job that went on with fewer processes is off by {off}"
        print(f"begun by 3 processes and gone on with by 2: off by {off:.1e}")

        # One message, and the status of one process.
        for status, wrong, says in (
            (1, ["--mpi", "--out", folder / "1.nn"], "1.nn is there already; use --force, or another name"),
            (1, ["--mpi", "--out", folder / "x.nn", "--without", "prize"], "prize"),
            (2, ["--mpi", "--out", folder / "x.csv"], "a model of this program is written"),
            (2, ["--out", folder / "x.nn"], "3 processes have been started, by mpirun or srun, and each would train by itself"),
        ):
            job = mpirun(3, program, "train", TABLE, "--target", "price", "--epochs", "1", *wrong).fails()
            errors = [line for line in job.output.splitlines() if line.startswith("error: ")]
            job.expect(errors and all(says in line for line in errors), f"nobody says '{says}'")
            job.expect(job.status == status, f"ends with {job.status}, not {status}")
            # Before they know of each other each speaks for itself.
            job.expect(len(errors) == 1 or status == 2, f"{len(errors)} messages, not one")
            assert not (folder / "x.nn").exists()
        # Another table on one of them.
        other = folder / "other.csv"
        other.write_text("".join(TABLE.read_text().splitlines(keepends=True)[:-7]))
        train_on = [program, "train", "--target", "price", "--epochs", "1", "--mpi", "--out", folder / "x.nn"]
        job = mpirun(2, *train_on[:2], TABLE, *train_on[2:], ":", "-n", 1, *train_on[:2], other, *train_on[2:]).fails()
        errors = [line for line in job.output.splitlines() if line.startswith("error: ")]
        job.expect(len(errors) == 1 and errors[0].startswith("error: rank 2: the "), "nobody says that rank 2 has other data")
        print(errors[0])


if __name__ == "__main__":
    main()
