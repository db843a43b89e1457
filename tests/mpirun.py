"""Jobs of several processes, for the scripts that try them."""

import os
import subprocess
import sys
import time
from pathlib import Path

# mpirun refuses root unless told so. A rank has no core of its own where there are fewer of them.
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "RUST_BACKTRACE": "0"}
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none"]


class Job:
    """What a job came to: its exit status, what its ranks and mpirun said, and how long it took."""

    def __init__(self, command, limit=120):
        self.command = [str(word) for word in command]
        start = time.monotonic()
        process = subprocess.Popen(
            self.command, env=ENVIRONMENT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            self.output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            # It ends its ranks.
            process.terminate()
            self.output, _ = process.communicate()
            self.fail(f"does not end within {limit} s")
        self.status, self.seconds = process.returncode, time.monotonic() - start

    def fail(self, why):
        sys.exit(f"{' '.join(self.command)}\n{why}\n{self.output}")

    def expect(self, truth, why):
        if not truth:
            self.fail(why)

    def succeeds(self):
        """All ranks have ended as they should."""
        self.expect(self.status == 0, f"ends with the status {self.status}")
        return self

    def fails(self, *lines, within=30):
        """The job has ended with an error in so many seconds, and these are among what was said."""
        self.expect(self.status != 0, "ends with the status 0")
        self.expect(self.seconds < within, f"takes {self.seconds:.1f} s, not below {within}")
        for line in lines:
            self.expect(line in self.output.splitlines(), f"nobody says '{line}'")
        return self


def mpirun(ranks, *command, limit=120):
    """Runs a program as so many ranks on this machine."""
    return Job([*MPIRUN, "-n", ranks, *command], limit)


def process_of(program, rank):
    """The process that is this rank."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == str(program).encode() and f"OMPI_COMM_WORLD_RANK={rank}".encode() in environment:
            return int(folder.name)
    return None
