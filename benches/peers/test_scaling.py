#!/usr/bin/env python3
"""Tests of the model of the step time, and of what scaling.py makes of measurements, on numbers that are known."""

import unittest

from scaling import lines, rate, select
from scaling_model import PART, Link, computing, fit, parts, step


def workload(sizes, steps):
    return {"workload": "w", "sizes": sizes, "batch": 64, "steps": steps, "flops_per_sample": 1e6}


class Model(unittest.TestCase):
    def test_sums_are_those_of_the_formulas(self):
        link = Link(alpha=2.0, beta=3.0, gamma=5.0)
        self.assertEqual(link.ring(8, 4), 2 * 3 * 2 + 2 * 3 / 4 * 8 * 3 + 3 / 4 * 8 * 5)
        self.assertEqual(link.tree(8, 5), 2 * 3 * (2 + 8 * 3) + 3 * 8 * 5)
        self.assertEqual(link.sum(8, 1), 0)
        # Few bytes over many ranks go over the tree, many over the ring.
        self.assertEqual(link.sum(1, 1024), link.tree(1, 1024))
        self.assertEqual(link.sum(1 << 20, 16), link.ring(1 << 20, 16))

    def test_a_fit_finds_what_there_is(self):
        alpha, beta, error = fit({str(n): 2 * 3e-6 + n * 5e-10 for n in (4, 1000, 1 << 20)})
        self.assertAlmostEqual(alpha / 3e-6, 1)
        self.assertAlmostEqual(beta / 5e-10, 1)
        self.assertLess(error, 1e-9)

    def test_parts_are_the_engines(self):
        wide = 4 << 20
        found = parts([1024, 1024, 1024, 1024, 10])
        sizes = [wide + 4 * 10_240, wide, wide, 4 * (3 * 1024 + 10)]
        self.assertEqual([n for n, _ in found], sizes)
        self.assertTrue(all(n >= PART for n, _ in found[:-1]))
        ready = [share for _, share in found]
        self.assertEqual((ready, ready[-2:]), (sorted(ready), [1.0, 1.0]))
        # 6 operations a weight, but 4 in the first layer: of the wide ones' 2 + 2 + 2 + 4 + 4 + 2 the first four are done.
        self.assertAlmostEqual(ready[0], 10 / 16, places=2)
        # One message, in f64 where it is small.
        self.assertEqual(parts([2, 4, 1]), [(8 * 17, 1.0)])
        self.assertEqual(parts([64, 64, 64]), [(4 * 2 * 65 * 64, 1.0)])

    def test_a_step_hides_what_it_can(self):
        wide = workload([1024, 1024, 1024], {"1": 1.0, "4": 4.0, "64": 64.0})
        self.assertAlmostEqual(computing(wide, 2), 2.0)
        self.assertEqual(computing(wide, 0.5), 1.0)
        nothing = {"update_s_per_byte": 0.0}
        beside, after = Link(0.0, 1e-9), Link(0.0, 1e-9, beside=False)
        self.assertEqual(step(nothing, wide, 64, 1, beside), 64.0)
        whole, last = after.sum(8 << 20, 2), after.sum(4 << 20, 2)
        biases, rows = after.sum(4 * 2048, 2), after.sum(48, 2)
        self.assertAlmostEqual(step(nothing, wide, 64, 2, after), 64 + whole + biases + rows, places=9)
        # Of two parts the second is finished with the step.
        self.assertAlmostEqual(step(nothing, wide, 64, 2, beside), 64 + last + biases + rows, places=9)


class Table(unittest.TestCase):
    def test_ratios_are_of_the_best_repeats(self):
        steps = {("one", 1): (100, 90), ("strong", 2): (60, 50), ("weak", 2): (100, 95)}
        recording = {"rounds": 2, "workloads": [workload([2, 1], {})], "date": "d", "about": "a", "mpi": "m", "commit": "c"}
        recording |= {"command": "x", "measurements": []}
        for (kind, ranks), found in steps.items():
            for number, us in enumerate(found):
                for system, slower in (("ours", 1), ("torch", 2)):
                    cell = {"workload": "w", "system": system, "kind": kind, "ranks": ranks, "round": number}
                    cell |= {"batch": 128 if kind == "weak" else 64, "best_us_per_step": us * slower}
                    cell |= {"peak_gflop_s": 1000.0 * ranks} if system == "ours" else {"version": "2"}
                    recording["measurements"].append(cell)
        self.assertEqual(rate(select(recording, recording["workloads"][0], "ours", "one", 1)), 64e6 / 90)
        text = "\n".join(lines(recording))
        self.assertIn("**1.80** | 1.73 (1.67 to 1.80)", text)
        self.assertIn("**1.89** | 1.95 (1.89 to 2.00)", text)
        # 64 samples in 90 µs, of 10⁶ operations each, are 711 GFLOP/s of 1,000.
        self.assertIn("| 71 | 2.0 |", text)


if __name__ == "__main__":
    unittest.main()
