#!/usr/bin/env python3
"""Tests of what compare.py makes of measurements, on numbers that are known; and whether files are whole PNGs.

    python3 test_comparison.py [FILE.png …]
"""

import struct
import sys
import tempfile
import time
import unittest
import zlib
from pathlib import Path

from peers import timed
from recording import Recording
from systems import NARROW, NARROW_PEERS, Peer, takes_part, waits
from table import BEGIN, END, bf16_table, f32_table, markdown, placed, short, summary, thousands

FILES = []


def known():
    """Two workloads, on one of which a peer is faster; PyTorch in bf16, and this library without."""
    about = {"versions": {"torch": "1", "burn": "2", "torch-bf16": "1"}, "threads": [1, 2], "rounds": 2, "repeats": 1}
    about |= {"seconds": 0.1, "date": "2026-01-01", "processor": "a CPU", "cores": 2, "load": None, "rustc": "rustc 1"}
    about |= {"python": "3", "commit": "abc", "command": "compare", "pinned": True}
    shape = {"activation": "relu", "loss": "ce", "flops_per_sample": 1e6, "sizes": [3, 4, 2]}
    workloads = [{"workload": "won", "batch": 100, **shape}, {"workload": "lost", "batch": 100, **shape}]
    steps = {
        ("won", 1): {"nn-train": 100, "torch": 300, "burn": 400, "torch-bf16": 50},
        ("won", 2): {"nn-train": 100, "torch": 350, "burn": 250, "torch-bf16": 50},
        ("lost", 1): {"nn-train": 400, "torch": 500, "burn": 200},
        ("lost", 2): {"nn-train": 400, "torch": 600, "burn": 250},
    }
    recording = Recording(about, workloads)
    for (workload, threads), systems in steps.items():
        for system, step in systems.items():
            for number in (0, 1):
                found = {"workload": workload, "system": system, "threads": threads, "round": number}
                found["best_us_per_step"] = step * (2 - number)
                if system == "nn-train":
                    found |= {"peak_gflop_s": 2000.0 * threads, "engine": "tile"}
                recording.measurements.append(found)
            if system == "burn":
                recording.measurements.append({**found, "system": "nn-train-bf16", "error": "no bf16"})
                del recording.measurements[-1]["best_us_per_step"]
    return recording


class Answering:
    """A process that knows one answer."""

    def __init__(self, wait, answer):
        self.wait, self.answer = wait, answer

    def ask(self, job):
        return self.answer


class Comparison(unittest.TestCase):
    def test_what_is_written_for_narrow_networks_takes_part_in_them_alone(self):
        for sizes, part in [([NARROW, 4], True), ([2, NARROW + 1, 4], False), ([NARROW + 1, 4], False)]:
            for name in NARROW_PEERS:
                self.assertEqual(takes_part(name, {"sizes": sizes}), part)
            self.assertTrue(takes_part("torch", {"sizes": sizes}))

    def test_a_compilation_is_no_part_of_a_repeat(self):
        counts = []

        def run(count):
            time.sleep(1e-4 * count if counts else 0.05)
            counts.append(count)

        timed(run, 1, 2, 0.02)
        # A hundred or so, and one if the first call's time were taken for that of steps.
        self.assertTrue(all(count >= 20 for count in counts[-2:]), counts)

    def test_of_the_ways_to_wait_the_quickest_counts(self):
        self.assertEqual([waits("torch", 1), waits("jax", 2)], [(None,), (None,)])
        self.assertEqual([waits("torch-bf16", 2), waits("c", 2)], [(None, "passive")] * 2)
        peer = Peer.__new__(Peer)
        for spinning, passive, best in [(3, 2, {"best_us_per_step": 2, "wait": "passive"}), (1, 2, {"best_us_per_step": 1})]:
            answers = [(None, {"best_us_per_step": spinning}), ("passive", {"best_us_per_step": passive})]
            peer.processes = [Answering(*answer) for answer in answers]
            self.assertEqual(peer.ask({}), best)
        peer.processes = [Answering(None, {"error": "died"}), Answering("passive", {"best_us_per_step": 7})]
        self.assertEqual(peer.ask({})["best_us_per_step"], 7)

    def test_the_best_round_counts(self):
        recording = known()
        won, lost = recording.workloads
        self.assertEqual(recording.rate(won, "nn-train", 1), 1e6)
        self.assertEqual(recording.best_peer(won, 1), ("torch", 1e8 / 300))
        self.assertEqual(recording.best_peer(won, 2), ("burn", 1e8 / 250))
        # On one thread it was faster than on two.
        self.assertEqual(recording.best_peer(lost, 2), ("burn", 1e8 / 200))
        self.assertAlmostEqual(recording.ratio(lost, 2), 0.5)
        self.assertAlmostEqual(recording.percent(won, "nn-train", 1), 50.0)
        self.assertAlmostEqual(recording.geometric_mean(1), (3 * 0.5) ** 0.5)

    def test_tables_show_wins_and_losses(self):
        recording = known()
        rows = f32_table(recording, 1)
        self.assertEqual(rows[2], "| won | 333 | 250 | **1,000** | 3.0 | 50.0 | tile |")
        self.assertEqual(rows[3], "| lost | 200 | **500** | 250 | 0.50 | 12.5 | tile |")
        self.assertIn("fastest system on 1 of 2", summary(recording, 1))
        self.assertEqual(bf16_table(recording, 1)[2:], ["| won | 2000 |  |  |  |  | 1000 |  |  |"])
        text = markdown(recording, "plot.png")
        self.assertIn("no number in bf16: no bf16.", text)
        self.assertIn("](plot.png)", text)
        self.assertEqual(thousands(None), "")

    def test_bf16_is_set_against_its_own_peak(self):
        recording = known()
        half = {"workload": "won", "system": "nn-train-bf16", "threads": 1, "round": 2, "best_us_per_step": 40}
        recording.measurements.append({**half, "peak_gflop_s": 5000.0, "engine": "blocked"})
        row = "| won | 2000 | 2500 | 1.25 | 40.0 | 50.0 | 1000 | 2.5 | blocked |"
        self.assertEqual(bf16_table(recording, 1)[2:], [row])

    def test_a_table_has_as_many_cells_in_each_row(self):
        recording = known()
        for rows in (f32_table(recording, 2), bf16_table(recording, 2), short(recording, "docs")[2:6]):
            self.assertEqual(len({row.count("|") for row in rows}), 1, rows)

    def test_a_document_keeps_what_is_outside_the_marks(self):
        self.assertEqual(placed(f"a\n{BEGIN}\nold\n{END}\nb", ["new"]), f"a\n{BEGIN}\n\nnew\n\n{END}\nb")
        self.assertIsNone(placed("a\nb", ["new"]))
        self.assertIsNone(placed(f"a\n{BEGIN}\nb", ["new"]))

    def test_a_recording_reads_back(self):
        recording = known()
        with tempfile.TemporaryDirectory() as folder:
            recording.file = Path(folder) / "comparison.json"
            recording.add({"workload": "won", "system": "burn", "threads": 1, "round": 7, "error": "it has ended"})
            again = Recording.read(recording.file)
        self.assertEqual(again.measurements, recording.measurements)
        self.assertEqual((again.about, again.workloads), (recording.about, recording.workloads))
        self.assertTrue(again.has({"workload": "won", "system": "burn", "threads": 1, "round": 7}))
        self.assertFalse(again.has({"workload": "won", "system": "burn", "threads": 1, "round": 8}))

    def test_plots_are_whole(self):
        for file in FILES:
            data = Path(file).read_bytes()
            self.assertTrue(data.startswith(b"\x89PNG\r\n\x1a\n"), file)
            at, names = 8, []
            while at < len(data):
                (length,) = struct.unpack(">I", data[at : at + 4])
                chunk = data[at + 4 : at + 8 + length]
                self.assertEqual(zlib.crc32(chunk), struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0])
                names.append(chunk[:4])
                at += 12 + length
            self.assertEqual((names[0], names[-1]), (b"IHDR", b"IEND"))
            width, height = struct.unpack(">II", data[16:24])
            self.assertTrue(width >= 400 and height >= 100, (width, height))


if __name__ == "__main__":
    FILES += sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
