#!/usr/bin/env python3
"""One rank of PyTorch's DistributedDataParallel over gloo, which scaling.py starts: the step of peers.py on a share of the batch.

    echo '{"sizes": [2, 4, 4, 4], "activation": "sigmoid", "loss": "bce", "batch": 32}' | python3 scaling_torch.py 0 1

The arguments are the rank and the number of ranks, one thread each; MASTER_ADDR and MASTER_PORT say where they meet. All
ranks get the same lines: workloads as in peers.py, whose `batch` is that of all ranks together, and `bucket_mb`, the size of the
buckets in which gradients are summed. Rank 0 answers each with `best_us_per_step` and `us_per_step`, and says the `version` first.

Of what makes DistributedDataParallel faster all is set: gradients are views of the buckets, and the graph is said to be static.
With one rank there is none of it, as in peers.py.
"""

import json
import math
import os
import statistics
import sys
import time

from peers import Problem, Torch


class Distributed(Torch):
    bucket_mb = 25

    def wrapped(self, network):
        from torch.nn.parallel import DistributedDataParallel

        fast = {"gradient_as_bucket_view": True, "static_graph": True}
        return DistributedDataParallel(network, bucket_cap_mb=self.bucket_mb, **fast)


class Share(Problem):
    """The rows of one rank. The batch stays that of all, by which L2 is divided."""

    def __init__(self, rank, size, *workload):
        super().__init__(*workload)
        rows = slice(rank * self.batch // size, (rank + 1) * self.batch // size)
        self.x, self.y = self.x[rows], self.y[rows]


def timed(run, longest, repeats, seconds):
    """Seconds that a step takes, of each repeat: ranks begin together, and the last to end counts."""

    def clock(count):
        longest(0.0)
        start = time.perf_counter()
        run(count)
        return longest(time.perf_counter() - start)

    count, taken = 2, clock(2)
    while taken < seconds / 4:
        count *= 2
        taken = clock(count)
    count = max(1, math.ceil(seconds * count / taken))
    return [clock(count) / count for _ in range(repeats)]


def main(rank, size):
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    import torch
    from torch import distributed

    peer = (Distributed if size > 1 else Torch)(1)
    if size > 1:
        distributed.init_process_group("gloo", rank=rank, world_size=size)

    def longest(seconds):
        if size == 1:
            return seconds
        number = torch.tensor([seconds], dtype=torch.float64)
        distributed.all_reduce(number, distributed.ReduceOp.MAX)
        return number.item()

    def say(answer):
        if rank == 0:
            print(json.dumps(answer), flush=True)

    say({"version": peer.version})
    for line in sys.stdin:
        job = json.loads(line)
        problem = Share(rank, size, *(job[name] for name in ("sizes", "activation", "loss", "batch")))
        peer.bucket_mb = job.get("bucket_mb", Distributed.bucket_mb)
        run, _, _ = peer.steps(problem)
        seconds = timed(run, longest, job.get("repeats", 5), job.get("seconds", 0.4))
        say({"best_us_per_step": 1e6 * min(seconds), "us_per_step": 1e6 * statistics.median(seconds)})
    if size > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    if len(sys.argv) != 3 or not all(word.isdigit() for word in sys.argv[1:]):
        sys.exit(f"usage: scaling_torch.py RANK RANKS\n\n{__doc__}")
    main(*map(int, sys.argv[1:]))
