#!/usr/bin/env python3
"""Read what pyarrow, pandas and polars write: Parquet files, Arrow IPC files (Feather) and streams.

    python3 tests/parquet_agreement.py

Tables of every type that the library reads are written in every encoding, version and packing. The example `typed_tables`
(tests/typed_tables.rs) reads them; every number must be the same to the last bit, every text the same, and missing what is null or NaN.
It runs in a virtual environment with what parquet_agreement.txt lists, made when it is missing (the first time it takes a while).
"""

import datetime
import decimal
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, environment_python

# With those of the example plots, so that one build serves all.
FEATURES = "nn-examples/all"
ROWS = 1000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def program():
    """The example, built with what all of the workspace is built with, so that nothing is compiled anew for it."""
    build = ["cargo", "build", "--locked", "--quiet", "--release", "--workspace", "--example", "typed_tables", "--features", FEATURES]
    build += ["--message-format", "json-render-diagnostics"]
    messages = subprocess.run(build, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
    return next(path for line in messages.splitlines() if (path := json.loads(line).get("executable")))


def number(value):
    """A number as the program writes it."""
    return None if value is None or value != value else struct.unpack("<Q", struct.pack("<d", value))[0]


def columns(np, pa, generator, nulls):
    """A column of each type, and what is to be read of it."""
    found = {}

    def add(name, values, type, expected):
        missing = generator.random(len(values)) < nulls
        values = [None if gone else value for value, gone in zip(values, missing)]
        found[name] = (pa.array(values, type), [None if value is None else expected(value) for value in values])

    whole = lambda value: number(float(value))
    for bits in (8, 16, 32, 64):
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        values = [low, high, *map(int, generator.integers(low, high, ROWS - 2, endpoint=True))]
        add(f"int{bits}", values, pa.type_for_alias(f"int{bits}"), whole)
        values = [0, 2**bits - 1, *map(int, generator.integers(0, 2**bits - 1, ROWS - 2, endpoint=True, dtype=np.uint64))]
        add(f"uint{bits}", values, pa.type_for_alias(f"uint{bits}"), whole)
    add("few", [int(value) for value in generator.integers(-3, 4, ROWS)], pa.int32(), whole)
    add("rising", [10**12 + 7 * row for row in range(ROWS)], pa.int64(), whole)
    for name, kind in (("half", np.float16), ("float", np.float32), ("double", np.float64)):
        values = generator.standard_normal(ROWS).astype(kind)
        values[:5] = [np.nan, np.inf, -np.inf, -0.0, np.finfo(kind).smallest_subnormal]
        add(name, list(values), pa.from_numpy_dtype(kind), lambda value: number(float(value)))
    add("truth", [bool(value) for value in generator.integers(0, 2, ROWS)], pa.bool_(), whole)
    add("all_true", [True] * ROWS, pa.bool_(), whole)
    for precision, scale in ((7, 2), (18, 5), (38, 10), (38, 38)):
        digits = [int(value) for value in generator.integers(-4 * 10**6, 4 * 10**6, ROWS)]
        digits = [value * 10 ** (precision - 7) + abs(value) for value in digits]
        values = [decimal.Decimal(value).scaleb(-scale, decimal.Context(prec=50)) for value in digits]
        add(f"decimal_{precision}_{scale}", values, pa.decimal128(precision, scale), lambda value: number(float(value)))
    days = [int(value) for value in generator.integers(-40_000, 40_000, ROWS)]
    add("date", [EPOCH.date() + datetime.timedelta(days=day) for day in days], pa.date32(), lambda value: whole((value - EPOCH.date()).days))
    for unit, second in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        values = [int(value) for value in generator.integers(-(2**31) * second, 2**31 * second, ROWS)]
        add(f"timestamp_{unit}", values, pa.timestamp(unit), lambda value, second=second: number(float(value) / second))
        add(f"zoned_{unit}", values, pa.timestamp(unit, "Europe/Berlin"), lambda value, second=second: number(float(value) / second))
    for unit, second, kind in (("ms", 10**3, pa.time32), ("us", 10**6, pa.time64), ("ns", 10**9, pa.time64)):
        values = [int(value) for value in generator.integers(0, 86400 * second, ROWS)]
        add(f"time_{unit}", values, kind(unit), lambda value, second=second: number(float(value) / second))
    texts = ["", "a", "naïve", "日本", "a text of more than twelve bytes", "x" * 300]
    chosen = [texts[value] for value in generator.integers(0, len(texts), ROWS)]
    add("text", chosen, pa.string(), str)
    add("large_text", chosen, pa.large_string(), str)
    add("different", [f"row number {row * row}" for row in range(ROWS)], pa.string(), str)
    add("nothing", [None] * ROWS, pa.float64(), None)
    category, expected = found["text"]
    found["category"] = (category.dictionary_encode(), expected)
    return found


def write(folder, np, pa):
    import pandas as pd
    import polars as pl
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    expected = {}

    def case(name, columns):
        expected[name] = {column: values for column, (_, values) in columns.items()}
        return folder / name, pa.table({column: values for column, (values, _) in columns.items()})

    generator = np.random.default_rng(1)
    sets = {nulls: columns(np, pa, generator, nulls) for nulls in (0, 0.2, 0.98)}
    for nulls, all_columns in sets.items():
        # What Parquet has no type for comes back as another one.
        whole = {name: column for name, column in all_columns.items() if name != "timestamp_s" and name != "zoned_s"}
        for version in ("1.0", "2.0"):
            for packed in ("none", "snappy", "gzip", "zstd", "lz4"):
                for dictionary in (True, False):
                    path, table = case(f"{nulls}-{version}-{packed}-{dictionary}.parquet", whole)
                    pq.write_table(
                        table, path, compression=packed, data_page_version=version, use_dictionary=dictionary, row_group_size=ROWS * 2 // 3,
                        data_page_size=1000, write_page_checksum=True, store_schema=False,
                    )  # fmt: skip
        encodings = {
            "DELTA_BINARY_PACKED": pa.types.is_integer,
            "DELTA_LENGTH_BYTE_ARRAY": lambda type: pa.types.is_string(type) or pa.types.is_large_string(type),
            "DELTA_BYTE_ARRAY": lambda type: pa.types.is_string(type) or pa.types.is_large_string(type),
            "BYTE_STREAM_SPLIT": lambda type: pa.types.is_floating(type) or type in (pa.int32(), pa.int64()) or pa.types.is_decimal(type),
            "RLE": pa.types.is_boolean,
        }
        for encoding, suits in encodings.items():
            chosen = {name: column for name, column in whole.items() if suits(column[0].type)}
            path, table = case(f"{nulls}-{encoding}.parquet", chosen)
            pq.write_table(table, path, use_dictionary=False, column_encoding=dict.fromkeys(chosen, encoding), compression="none")
        path, table = case(f"{nulls}-int96.parquet", {name: all_columns[name] for name in ("timestamp_us", "timestamp_ms", "int8")})
        for name, second in (("timestamp_us", 10**6), ("timestamp_ms", 10**3)):
            # Days, and nanoseconds of the day.
            times = [None if value is None else divmod(value, 86400 * second) for value in all_columns[name][0].cast(pa.int64()).to_pylist()]
            times = [None if time is None else number(time[0] * 86400.0 + float(time[1] * (10**9 // second)) / 1e9) for time in times]
            expected[path.name][name] = times
        pq.write_table(table, path, use_deprecated_int96_timestamps=True)

        for packed in ("uncompressed", "lz4", "zstd"):
            path, table = case(f"{nulls}-{packed}.arrow", all_columns)
            feather.write_feather(table, path, compression=packed, chunksize=ROWS // 3)
        views = {"view": (pa.array(all_columns["text"][0].to_pylist(), pa.string_view()), all_columns["text"][1])}
        views["duration"] = (all_columns["rising"][0].cast(pa.duration("ms")), [None if value is None else number(float(value) / 1000) for value in all_columns["rising"][0].to_pylist()])
        views["null"] = (pa.nulls(ROWS), [None] * ROWS)
        views["date64"] = (all_columns["date"][0].cast(pa.date64()), all_columns["date"][1])
        views["numbers_of_a_dictionary"] = (all_columns["few"][0].dictionary_encode(), all_columns["few"][1])
        path, table = case(f"{nulls}-more.arrows", {**all_columns, **views})
        with pa.ipc.new_stream(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd", emit_dictionary_deltas=True)) as writer:
            for batch in table.to_batches(ROWS // 4):
                writer.write_batch(batch)
        path, table = case(f"{nulls}.arrows", all_columns)
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table, ROWS // 4)

        # The dictionary grows and is replaced from batch to batch.
        parts = [all_columns["text"][0].slice(start, 200).dictionary_encode() for start in range(0, ROWS, 200)]
        for deltas in (True, False):
            path = folder / f"{nulls}-dictionaries-{deltas}.arrows"
            expected[path.name] = {"category": all_columns["text"][1]}
            schema = pa.schema({"category": parts[0].type})
            with pa.ipc.new_stream(path, schema, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)) as writer:
                for part in parts:
                    writer.write_batch(pa.record_batch([part], schema))

        nested = pa.array([[1, 2], None, []] * (ROWS // 3) + [[3]], pa.list_(pa.int64()))
        structure = pa.array([{"a": 1, "b": ["x"]}, None] * (ROWS // 2), pa.struct({"a": pa.int8(), "b": pa.list_(pa.string_view())}))
        for name, values in (("list", nested), ("struct", structure), ("map", pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int8())))):
            table = pa.table({"few": all_columns["few"][0], "nested": values, "text": all_columns["text"][0]})
            for end in ("parquet", "arrow"):
                path = folder / f"nested-{name}-{nulls}.{end}"
                expected[path.name] = {column: all_columns[column][1] for column in ("few", "text")}
                if end == "parquet":
                    if name != "struct":
                        pq.write_table(table, path)
                    else:
                        pq.write_table(table.set_column(1, "nested", values.cast(pa.struct({"a": pa.int8(), "b": pa.list_(pa.string())}))), path)
                else:
                    feather.write_feather(table, path)

        # What pandas and polars make of it, with their own defaults.
        few = {name: all_columns[name] for name in ("few", "float", "double", "text", "truth", "timestamp_us", "different")}
        path, table = case(f"{nulls}-pandas.parquet", few)
        table.to_pandas().to_parquet(path)
        path, table = case(f"{nulls}-pandas.arrow", few)
        table.to_pandas().to_feather(path)
        few = {**few, "int64": all_columns["int64"], "decimal": all_columns["decimal_18_5"], "category": all_columns["category"], "date": all_columns["date"]}
        path, table = case(f"{nulls}-polars.parquet", few)
        frame = pl.from_arrow(table)
        frame.write_parquet(path)
        for packed in ("uncompressed", "lz4", "zstd"):
            path, _ = case(f"{nulls}-polars-{packed}.arrow", few)
            frame.write_ipc(path, compression=packed)
            path, _ = case(f"{nulls}-polars-{packed}.arrows", few)
            frame.write_ipc_stream(path, compression=packed)
    empty = pa.table({"x": pa.array([], pa.int32()), "t": pa.array([], pa.string())})
    for end, write in (("parquet", pq.write_table), ("arrow", feather.write_feather)):
        expected[f"empty.{end}"] = {"x": [], "t": []}
        write(empty, folder / f"empty.{end}")
    assert pd.__version__
    return expected


def compare(folder, expected):
    for name, columns in expected.items():
        first, second = json.loads((folder / f"{name}.json").read_text())
        assert "error" not in first, (name, first["error"])
        assert [column for column, _ in first] == list(columns), (name, first, list(columns))
        found_of = dict(first)
        for column, values in columns.items():
            found = found_of[column]
            assert len(found) == len(values), (name, column, len(found), len(values))
            for row, (value, wanted) in enumerate(zip(found, values)):
                assert value == wanted, (name, column, row, value, wanted)
        if name.startswith("nested"):
            assert 'column "nested": found' in second["error"], (name, second)
        else:
            assert second == first, name


def main():
    import numpy as np
    import pyarrow as pa

    example = program() if len(sys.argv) < 3 else sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        expected = write(folder, np, pa)
        subprocess.run([example, folder], check=True)
        compare(folder, expected)
        print(f"pyarrow {pa.__version__}: {len(expected)} files read alike, to the last bit")


if __name__ == "__main__":
    if "--inside" in sys.argv[1:]:
        sys.exit(main())
    python = environment_python(Path(__file__), "pyarrow, pandas and polars")
    sys.exit(subprocess.run([str(python), str(Path(__file__).resolve()), "--inside"], stdin=subprocess.DEVNULL).returncode)
