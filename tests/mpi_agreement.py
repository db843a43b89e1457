#!/usr/bin/env python3
"""Sums over processes: right numbers with the same bits on each, and a clear end where one of them does not come.

    python3 tests/mpi_agreement.py PROGRAM            PROGRAM is the example mpi_ranks (tests/mpi_ranks.rs), built

It needs mpirun (Debian: openmpi-bin). Ranks may be more than cores.
"""

import sys
from pathlib import Path

from mpirun import mpirun

RIGHT = ("sums", "beside", "broadcast", "barrier", "same")


def main():
    program = Path(sys.argv[1]).resolve()
    for ranks in (1, 2, 3, 4):
        for what in RIGHT:
            job = mpirun(ranks, program, what).succeeds()
            for rank in range(ranks):
                job.expect(f"rank {rank} of {ranks}: {what} as it should be" in job.output, f"rank {rank} does not say so")
    print("1, 2, 3 and 4 ranks: " + ", ".join(RIGHT))

    mpirun(2, program, "long").succeeds()
    # Ranks that come to their end at different times wait for each other, and nothing is said of it.
    mpirun(3, program, "late", "2.5").succeeds()
    for ranks, leaver in ((2, 1), (4, 0), (4, 2)):
        others = [rank for rank in range(ranks) if rank != leaver]

        def left(reason):
            return [f"rank {rank}: error: rank {leaver} has left: {reason}" for rank in others]

        reason = "shard 3: row 7 is ∞"
        jobs = {
            "leaves": mpirun(ranks, program, "leave", leaver, reason).fails(f"rank {leaver}: error: {reason}", *left(reason)),
            # A reason of 2,000 bytes is cut after 1,000, where a letter ends.
            "leaves with many words": mpirun(ranks, program, "leave", leaver, "Z" + "ü" * 1000).fails(*left("Z" + "ü" * 499)),
            "panics": mpirun(ranks, program, "panic", leaver).fails("on purpose", *left("it has panicked")),
            "ends": mpirun(ranks, program, "end", leaver).fails(*left("it has come to its end, and others have not")),
            # From there on nobody can go on or end by itself; that job is aborted.
            "panics beside a sum": mpirun(ranks, program, "panic_beside", leaver).fails("on purpose"),
            "is killed": mpirun(ranks, program, "kill", leaver).fails(),
        }
        silent = mpirun(ranks, program, "silent", leaver).fails()
        said = [line for line in silent.output.splitlines() if ": the other ranks did not come within 2 s" in line]
        silent.expect(said, "nobody says that it has waited for 2 s")
        jobs["is silent"] = silent
        print(f"rank {leaver} of {ranks} " + ", ".join(f"{what} ({job.seconds:.1f} s)" for what, job in jobs.items()))


if __name__ == "__main__":
    main()
