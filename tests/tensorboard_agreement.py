#!/usr/bin/env python3
"""Read a run's event files with TensorBoard's own reader, and compare them with the run's table of epochs.

    cargo run --release --example plots --features plots -- FOLDER
    python3 tests/tensorboard_agreement.py FOLDER

FOLDER has `epochs.csv` and `tensorboard/digits/`, which the example `plots` writes. Then the event file is cut at many
places, as a run that is killed leaves it, and must be read to its last whole record each time.

The script installs TensorBoard into a virtual environment under the target folder.
"""

import csv
import math
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import environment_python

COLUMNS = {
    "epoch/cost": "cost",
    "epoch/validation_cost": "validation_cost",
    "epoch/accuracy": "accuracy",
    "epoch/learning_rate": "learning_rate",
    "epoch/samples_per_second": "samples_per_second",
}


def read(folder):
    """All that TensorBoard's reader finds in a folder's event files."""
    from tensorboard.backend.event_processing.event_accumulator import HISTOGRAMS, SCALARS, TENSORS, EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={SCALARS: 0, HISTOGRAMS: 0, TENSORS: 0})
    accumulator.Reload()
    return accumulator


def bits(number):
    """A number as f32, which event files have."""
    return struct.unpack("f", struct.pack("f", float(number)))[0]


def compare(folder):
    with open(folder / "epochs.csv", newline="") as table:
        epochs = list(csv.DictReader(table))
    log = read(folder / "tensorboard" / "digits")
    assert log.file_version == 2, log.file_version
    for tag, column in COLUMNS.items():
        found = [(event.step, event.value) for event in log.Scalars(tag)]
        expected = [(int(epoch["steps"]), bits(epoch[column])) for epoch in epochs]
        assert found == expected, (tag, found, expected)
    steps = [event.step for event in log.Scalars("step/cost")]
    assert steps == list(range(10, int(epochs[-1]["steps"]) + 1, 10)), steps
    assert all(event.value > 0 for event in log.Scalars("step/gradient_norm"))

    counts = {"layer1/weights": 64 * 40, "layer1/bias": 40, "layer2/weights": 40 * 10, "layer2/bias": 10}
    counts |= {f"{tag}_gradient": count for tag, count in counts.items()}
    tags = log.Tags()["histograms"]
    assert tags == list(counts), tags
    for tag, count in counts.items():
        histograms = log.Histograms(tag)
        assert [event.step for event in histograms] == [int(epoch["steps"]) for epoch in epochs]
        for histogram in (event.histogram_value for event in histograms):
            assert histogram.num == count == sum(histogram.bucket) and len(histogram.bucket) == 30, tag
            assert histogram.bucket_limit[-1] == histogram.max > histogram.min
            assert math.isclose(histogram.max, max(histogram.bucket_limit))
    print(f"TensorBoard reads {len(epochs)} epochs, {len(steps)} steps and {len(counts) * len(epochs)} histograms as written")


def cut(folder):
    """An event file that is cut anywhere is read to its last whole record."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

    (path,) = (folder / "tensorboard" / "digits").iterdir()
    data = path.read_bytes()
    ends, end = [], 0
    while end < len(data):
        end += struct.unpack_from("<Q", data, end)[0] + 16
        ends.append(end)
    assert ends[-1] == len(data)
    cuts = [length for length in range(len(data)) if length % 997 == 0 or any(abs(length - end) < 2 for end in ends)]
    with tempfile.TemporaryDirectory() as temporary:
        for length in cuts:
            part = Path(temporary) / "events.out.tfevents.0"
            part.write_bytes(data[:length])
            records = list(RawEventFileLoader(str(part)).Load())
            assert len(records) == sum(end <= length for end in ends), (length, len(records))
    print(f"a file cut at any of {len(cuts)} places is read to its last whole record")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        python = environment_python(__file__, "TensorBoard")
        sys.exit(subprocess.run([str(python), __file__, sys.argv[1], "--here"], check=False).returncode)
    if len(sys.argv) != 3 or sys.argv[2] != "--here":
        sys.exit(__doc__)
    compare(Path(sys.argv[1]))
    cut(Path(sys.argv[1]))
