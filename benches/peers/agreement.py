"""Whether the Python peers compute what this library does: one step of each from the same parameters and batch."""

import subprocess
import tempfile
from pathlib import Path

from environment import say
from systems import NARROW, TITLES, Peer, takes_part

# Of the largest change of a parameter. bfloat16 has 8 bits, and each layer rounds its products to them.
TOLERANCE = {"torch-bf16": 0.05}
IN_F32 = 1e-4
# Enough for a check, and the reason why the largest network is left out: it is the wide one again. Of narrow networks so many
# that several threads have a part, and that the last block is not whole.
ROWS, NARROW_ROWS, PARAMETERS = 96, 5000, 1 << 23


def check(names, workloads, python, rust_peers):
    """Prints the largest difference of each peer on each workload; the exit status."""
    peers = [Peer(name, 2, 0, python, rust_peers) for name in names]
    status = 0
    print(f"{'':14}" + "".join(f"{TITLES[name]:>14}" for name in names))
    with tempfile.TemporaryDirectory() as folder:
        for workload in workloads:
            sizes = workload["sizes"]
            rows = min(NARROW_ROWS if max(sizes) <= NARROW else ROWS, workload["batch"])
            if sum(a * b for a, b in zip(sizes, sizes[1:])) > PARAMETERS:
                continue
            file = Path(folder) / "telling.f32"
            subprocess.run([rust_peers, "telling", workload["workload"], str(rows), str(file)], check=True)
            # The settings of `Problem::telling`, under which each part of a step shows.
            job = {**workload, "batch": rows, "check": str(file), "learning_rate": 1.0, "l2": rows / 2}
            cells = []
            for peer in peers:
                if not takes_part(peer.name, workload):
                    cells.append(" " * 14)
                    continue
                answer = peer.ask(job)
                found = answer.get("difference", float("nan"))
                agrees = found <= TOLERANCE.get(peer.name, IN_F32)
                status = status if agrees else 1
                cells.append(f"{found:>12.1e}" + ("  " if agrees else " !"))
                if "error" in answer:
                    say(f"    {peer.name}: {answer['error']}")
            print(f"{workload['workload']:14}" + "".join(cells), flush=True)
    for peer in peers:
        peer.end()
    print("all agree" if status == 0 else "a peer (!) does not take the same step")
    return status
