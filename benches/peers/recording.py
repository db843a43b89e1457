"""What was measured, kept in a file as it comes, and what follows from it."""

import json
import math
import os
from pathlib import Path

from systems import F32_PEERS, NARROW_PEERS, OURS, OURS_BF16


class Recording:
    """Measurements with what they were made of: the machine, the versions, the command, the workloads."""

    def __init__(self, about, workloads, measurements=(), file=None):
        self.about, self.workloads, self.measurements = about, workloads, list(measurements)
        self.file = file

    @classmethod
    def read(cls, file):
        kept = json.loads(Path(file).read_text())
        return cls(kept["about"], kept["workloads"], kept["measurements"], Path(file))

    def write(self):
        """The file is replaced whole, one measurement a line, so that an interrupted run can be resumed."""
        lines = ",\n".join(json.dumps(measurement) for measurement in self.measurements)
        workloads = ",\n".join(json.dumps(workload) for workload in self.workloads)
        about = json.dumps(self.about, indent=1)
        text = f'{{"about": {about},\n"workloads": [\n{workloads}\n],\n"measurements": [\n{lines}\n]}}\n'
        new = self.file.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.file)

    def has(self, key):
        return any(key.items() <= measurement.items() for measurement in self.measurements)

    def add(self, measurement):
        self.measurements.append(measurement)
        self.write()

    def of(self, workload, system, threads):
        keys = {"workload": workload["workload"], "system": system, "threads": threads}.items()
        found = [measurement for measurement in self.measurements if keys <= measurement.items()]
        # Where the plan has kept f32, there is nothing in bf16.
        return [m for m in found if system != OURS_BF16 or m.get("precision") != "full"]

    def rate(self, workload, system, threads):
        """Samples a second in the best repeat of all rounds, or None."""
        steps = [m["best_us_per_step"] for m in self.of(workload, system, threads) if "best_us_per_step" in m]
        return 1e6 * workload["batch"] / min(steps) if steps else None

    def gflops(self, workload, system, threads):
        rate = self.rate(workload, system, threads)
        return rate and rate * workload["flops_per_sample"] / 1e9

    def peak(self, workload, system, threads):
        """GFLOP/s of the arithmetic of the system's precision, measured beside it."""
        return max((m["peak_gflop_s"] for m in self.of(workload, system, threads) if "peak_gflop_s" in m), default=None)

    def percent(self, workload, system, threads, of=None):
        """The share of the peak, of the peak measured beside the system `of`."""
        found, peak = self.gflops(workload, system, threads), self.peak(workload, of or system, threads)
        return 100 * found / peak if found and peak else None

    def engine(self, workload, system, threads):
        return next((m["engine"] for m in self.of(workload, system, threads) if "engine" in m), "")

    def errors(self, system):
        """What went wrong, each thing once."""
        return list(dict.fromkeys(m["error"] for m in self.measurements if m["system"] == system and "error" in m))

    def peers(self):
        """The peers in f32 that were measured, in the order of the table."""
        return [peer for peer in F32_PEERS if peer in self.about["versions"]]

    def systems(self):
        """The peers that train any network."""
        return [peer for peer in self.peers() if peer not in NARROW_PEERS]

    def best_peer(self, workload, threads, written=False):
        """The fastest system on up to so many threads, or of the programs written for the network alone: name and samples a
        second, or None."""
        rates = {}
        for peer in set(self.peers()) - set(self.systems()) if written else self.systems():
            for count in self.about["threads"]:
                rate = self.rate(workload, peer, count) if count <= threads else None
                if rate:
                    rates[peer] = max(rate, rates.get(peer, 0.0))
        return max(rates.items(), key=lambda item: item[1], default=None)

    def ratio(self, workload, threads, written=False):
        """How many times as fast as the best peer this library is."""
        ours, best = self.rate(workload, OURS, threads), self.best_peer(workload, threads, written)
        return ours / best[1] if ours and best else None

    def geometric_mean(self, threads):
        ratios = [ratio for workload in self.workloads if (ratio := self.ratio(workload, threads))]
        return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None
