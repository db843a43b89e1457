#!/usr/bin/env python3
"""Read what NumPy writes, and let NumPy read what this library writes: NPY, NPZ, and files of records.

    python3 tests/numpy_agreement.py

NumPy saves arrays of every type, order and byte order that nn_train::arrays reads, every float16 there is among them. The example
`arrays` (tests/arrays.rs) reads them and writes them again as float64, float32 and int64; NumPy compares, to the last bit. It is run in the virtual environment of sklearn_agreement.py, which has NumPy.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, environment_python

# One build serves all the scripts that ask examples.
FEATURES = "nn-examples/all"
ORDERS = "<>"
TYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


def program():
    """The example, built with what all of the workspace is built with, so that nothing is compiled anew for it."""
    build = ["cargo", "build", "--locked", "--quiet", "--release", "--workspace", "--example", "arrays", "--features", FEATURES]
    build += ["--message-format", "json-render-diagnostics"]
    messages = subprocess.run(build, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
    return next(path for line in messages.splitlines() if (path := json.loads(line).get("executable")))


def samples(np, generator, name, shape):
    """Numbers of a type, its extremes among them."""
    kind = np.dtype(name)
    if kind.kind == "f":
        numbers = generator.standard_normal(shape)
        return numbers.astype(kind)
    if kind.kind == "b":
        return generator.integers(0, 2, shape).astype(kind)
    # What is read as int64 has to fit in it.
    info = np.iinfo(kind)
    low, high = info.min, min(info.max, np.iinfo(np.int64).max)
    numbers = generator.integers(low, high, shape, endpoint=True, dtype=kind)
    if numbers.size > 1:
        numbers.flat[0], numbers.flat[1] = low, high
    return numbers


def main():
    import numpy as np

    example, generator = program(), np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        arrays = {}
        for name in TYPES:
            for order in ORDERS:
                for shape in ((), (0,), (7,), (5, 3), (4, 3, 2)):
                    for memory in "CF":
                        array = samples(np, generator, name, shape).astype(np.dtype(name).newbyteorder(order), order=memory)
                        arrays[f"a{len(arrays)}"] = array
        arrays["halves"] = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        np.savez(folder / "stored.npz", **arrays)
        np.savez_compressed(folder / "deflated.npz", **arrays)
        subprocess.run([example, folder, *arrays], check=True)

        for name, array in arrays.items():
            wanted = array.astype(np.float64)
            for found in (np.load(folder / f"{name}.f64.npy"), np.load(folder / "stored.f64.npz")[name], np.load(folder / "deflated.f64.npz")[name]):
                assert found.dtype == np.float64 and found.shape == array.shape, (name, found.dtype, found.shape)
                assert np.array_equal(found, wanted, equal_nan=True), (name, array.dtype, found, array)
            narrow = np.load(folder / f"{name}.f32.npy")
            assert narrow.dtype == np.float32 and np.array_equal(narrow, array.astype(np.float32), equal_nan=True), (name, array.dtype)
            if array.dtype.kind != "f":
                whole = np.load(folder / f"{name}.i64.npy")
                assert whole.dtype == np.int64 and np.array_equal(whole, array.astype(np.int64)), (name, array.dtype)

        # 1000 records of 3 inputs, 2 targets and a weight, which are one after the other the whole numbers by 8.
        rows = np.memmap(folder / "rows.nnr", dtype=[("input", "<f4", 3), ("target", "<f4", 2), ("weight", "<f4")], mode="r", offset=64, shape=1000)
        numbers = np.concatenate([rows["input"], rows["target"], rows["weight"][:, None]], axis=1)
        assert np.array_equal(numbers, np.arange(6000, dtype=np.float32).reshape(1000, 6) / 8)
        print(f"NumPy {np.__version__}: {len(arrays)} arrays of {len(TYPES)} types and a file of records read alike")


if __name__ == "__main__":
    if "--inside" in sys.argv[1:]:
        sys.exit(main())
    python = environment_python(Path(__file__).with_name("sklearn_agreement.py"), "scikit-learn and NumPy")
    sys.exit(subprocess.run([str(python), str(Path(__file__).resolve()), "--inside"], stdin=subprocess.DEVNULL).returncode)
