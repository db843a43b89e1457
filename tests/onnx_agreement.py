#!/usr/bin/env python3
"""Hold the ONNX files of nn-train against onnx and onnxruntime, and read files of others.

    python3 tests/onnx_agreement.py

What is written is checked by onnx.checker with all its shape inference, and predicts in onnxruntime as in the library: every
activation and loss in f32 and f64, on 1, 7 and 1,000 rows; classes; standardised data; every kind of column, scaling and
policy of a Preprocess, with missing values, unseen categories and infinite numbers; and a network that has learned the digits.
What is read are files that PyTorch's exporter by tracing writes, MLPs that skl2onnx writes, and graphs as PyTorch's newer exporter
(dynamo=True) writes them, made with onnx.helper. The example `onnx_files` (tests/onnx_files.rs) answers for this library.

It makes a virtual environment of its own in the target folder. PyTorch is Debian's, as in tests/torch_agreement.py; another
interpreter that has torch is named by NN_TORCH_PYTHON.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, environment_python

TORCH = os.environ.get("NN_TORCH_PYTHON", "/usr/bin/python3")
# As tests/numpy_agreement.py, so that one build serves both.
FEATURES = "nn-examples/all"
# Relative to the size of the outputs, which is that of their column: where the terms of a sum cancel, neither side knows the last
# digits. A column that is 0 throughout, as one of relu may be, counts as this large.
LEAST_SIZE = 1e-3
TOLERANCE = {"f32": 1e-6, "f64": 1e-12}
# All digits but the last few, of each number by itself.
SMALL_TOLERANCE = 1e-14
# Scaling happens in f64, but the quantiles of the normal distribution are computed in another way: to 15 digits.
TABLE_TOLERANCE = {"f32": 1e-6, "f64": 1e-10}
ROWS = (1, 7, 1000)
NETWORKS = [
    ("5 => 9 sigmoid => 7 sigmoid => 4 sigmoid, cross_entropy", []),
    ("5 => 9 sigmoid => 3 softmax, cross_entropy", ["a", "b", "Ölbronn"]),
    ("5 => 9 tanh => 1 sigmoid, cross_entropy", ["no", "yes"]),
    ("5 => 9 tanh => 4 tanh, mae", []),
    ("5 => 9 relu dropout(0.2) => 4 relu, mse", []),
    ("5 => 9 leaky_relu(0.01) => 4 leaky_relu(-0.3), huber(0.5)", []),
    ("5 => 9 elu => 4 elu, mse", []),
    ("5 => 9 gelu => 4 gelu, mse", []),
    ("5 => 9 silu => 4 silu, mae", []),
    ("5 => 9 softplus => 4 softplus, mse", []),
    ("5 => 9 linear => 4 linear, huber(2)", []),
    ("1 => 1 sigmoid, mse", []),
    ("64 => 40 relu => 20 silu => 12 gelu => 10 softmax, cross_entropy", []),
]
SCALINGS = ("standard", "robust", "robust_clipped", "quantile", "none")
FILLINGS = ("error", "mean", "median", "most_frequent", "constant")
UNSEEN = ("zeros", "missing", "error")


def program():
    """The example, built with what all of the workspace is built with, so that nothing is compiled anew for it."""
    build = ["cargo", "build", "--locked", "--quiet", "--release", "--workspace", "--example", "onnx_files", "--features", FEATURES]
    build += ["--message-format", "json-render-diagnostics"]
    messages = subprocess.run(build, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
    return next(path for line in messages.splitlines() if (path := json.loads(line).get("executable")))


def answers(requests):
    """What the library says to each request."""
    text = "\n".join(json.dumps(request) for request in requests)
    process = subprocess.run([program()], input=text, text=True, stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    assert len(lines) == len(requests)
    return lines


def difference(ours, theirs, share=1.0, columns=None):
    """The largest |ours - theirs|, relative to the number or to what this share of its column stays below, if that is larger; NaN
    where either holds one. `columns` are more rows of ours to tell the size of a column by."""
    import numpy as np

    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    columns = ours if columns is None else np.asarray(columns, dtype=float)
    if ours.shape != theirs.shape:
        raise SystemExit(f"shapes differ: {ours.shape} here, {theirs.shape} there")
    size = np.maximum(np.abs(ours), np.maximum(LEAST_SIZE, np.quantile(np.abs(columns), share, axis=0)))
    return float(np.max(np.abs(ours - theirs) / size))


def check_the_comparison():
    """A comparison that cannot fail proves nothing: it must see an error just above the tolerance, and a NaN."""
    import numpy as np

    # A column of ordinary size, one of small probabilities, and one that is nearly 0 throughout.
    for size in (1.0, 0.01, LEAST_SIZE):
        exact = size * np.linspace(-1.0, 1.0, 5)
        assert difference(exact, exact) <= 1e-12
        for wrong in (2e-6 * size, np.nan):
            broken = exact.copy()
            broken[3] += wrong
            assert not difference(broken, exact) <= 1e-6, (size, wrong)
            assert not difference(broken[3:4], exact[3:4], columns=exact) <= 1e-6, (size, wrong)


def open_model(path):
    """A session of onnxruntime, for a file that the checker finds nothing wrong with."""
    import onnx
    import onnxruntime

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    assert opsets in ({"": 11}, {"": 11, "ai.onnx.ml": 2}) and model.ir_version == 6, (opsets, model.ir_version)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]), model


def check_networks(folder):
    """Every activation and loss, in both types, raw, with classes and on standardised data."""
    import numpy as np

    cases, requests = [], []
    for (architecture, classes), element, standardized in itertools.product(NETWORKS, TOLERANCE, (False, True)):
        for names in ([], classes) if classes else ([],):
            path = str(folder / f"network-{len(cases)}.onnx")
            request = {"file": path, "architecture": architecture, "element": element, "rows": max(ROWS)}
            requests.append({"network": request | {"standardized": standardized, "classes": names}})
            cases.append((path, architecture, element, standardized, names))
    worst = {}
    for (path, architecture, element, standardized, names), answer in zip(cases, answers(requests)):
        session, model = open_model(path)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        assert metadata["nn-train.architecture"] == architecture, metadata
        assert metadata["nn-train.loss"] == architecture.split(", ")[1], metadata
        assert answer["read"] or standardized, f"{architecture}: what was written is not what is read"
        kind = np.float32 if element == "f32" else np.float64
        inputs = np.array(answer["inputs"], dtype=kind).reshape(max(ROWS), -1)
        expected = np.array(answer["outputs"]).reshape(max(ROWS), -1)
        if names and expected.shape[1] == 1:
            expected = np.hstack([1.0 - expected, expected])
        for rows in ROWS:
            outputs = session.run(None, {"input": inputs[:rows]})
            found = outputs[-1]
            assert found.dtype == kind
            ours = expected[:rows]
            wrong = difference(ours, found, columns=expected)
            if not wrong <= TOLERANCE[element]:
                raise SystemExit(f"DISAGREES: {architecture} in {element}, {rows} rows: {wrong}")
            worst[element] = max(worst.get(element, 0.0), wrong)
            if names:
                best = [names[int(row[1] >= 0.5) if len(row) == 2 else int(np.argmax(row))] for row in ours]
                assert outputs[0].tolist() == best, architecture
    figures = ", ".join(f"{element} {largest:.1e}" for element, largest in worst.items())
    print(f"onnxruntime: {len(cases)} networks as here: {figures}")


def check_small_numbers(folder):
    """Each activation of numbers that are nearly 0, in f64: there all digits are compared, also those of e^z - 1."""
    import numpy as np
    import onnx
    import onnxruntime

    z = [sign * 10.0**-power for power in range(13) for sign in (1.0, -1.0)]
    activations = ("sigmoid", "tanh", "relu", "leaky_relu(0.01)", "elu", "gelu", "silu", "softplus", "linear")
    paths = [str(folder / f"small-{number}.onnx") for number in range(len(activations))]
    request = {"element": "f64", "rows": 1, "standardized": False, "classes": []}
    answers([{"network": request | {"file": path, "architecture": f"1 => 1 {name}, mse"}} for path, name in zip(paths, activations)])
    for path in paths:
        model = onnx.load(path)
        for tensor in model.graph.initializer:
            # z is the input itself.
            if tensor.name.startswith("layer1."):
                number = 1.0 if tensor.name == "layer1.weight" else 0.0
                tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(tuple(tensor.dims), number), tensor.name))
        onnx.save(model, path)
    found = answers([{"import": {"file": path, "inputs": [[number] for number in z]}} for path in paths])
    worst = 0.0
    for name, path, answer in zip(activations, paths, found):
        assert answer.get("architecture", "").startswith(f"1 => 1 {name},"), (name, answer)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        theirs = session.run(None, {"input": np.array(z).reshape(-1, 1)})[0][:, 0]
        ours = np.array(answer["outputs"])
        # Relative to each number; both are exactly 0 where relu is.
        wrong = float(np.max(np.abs(ours - theirs) / np.where(ours == 0.0, 1.0, np.abs(ours))))
        if not wrong <= SMALL_TOLERANCE:
            raise SystemExit(f"DISAGREES: {name} of small numbers: {wrong}")
        worst = max(worst, wrong)
    print(f"onnxruntime: {len(activations)} activations of small numbers as here: f64 {worst:.1e}")


def random_table(rng, rows, gaps):
    """Columns by name, with None in a tenth of the places where there are to be gaps, and never in targets."""
    import numpy as np

    table = {
        "normal": rng.normal(3.0, 2.0, rows).tolist(),
        "skewed": np.exp(rng.normal(0.0, 2.0, rows)).tolist(),
        "few": rng.choice([0.0, 1.0, 1.0, 2.0, 5.0], rows).tolist(),
        "far": (1e6 + rng.normal(0.0, 1.0, rows)).tolist(),
        "same": [4.0] * rows,
        "town": rng.choice(["Ulm", "Aalen, Ost", 'the "Ries"', "Ölbronn"], rows).tolist(),
        "label": rng.choice(["x", "y"], rows).tolist(),
        "month": rng.choice([1.0, 2.0, 12.0], rows).tolist(),
        "grade": rng.choice(["low", "middle", "high"], rows).tolist(),
    }
    if gaps:
        for name, column in table.items():
            for row in np.flatnonzero(rng.random(rows) < (0.1 if name != "same" else 0.0)):
                column[row] = None
    table["price"] = rng.normal(100.0, 30.0, rows).tolist()
    table["area"] = rng.normal(0.0, 1.0, rows).tolist()
    table["kind"] = rng.choice(["cat", "dog", "cow"], rows).tolist()
    table["sex"] = rng.choice([0.0, 1.0], rows).tolist()
    return table


def odd_rows(table):
    """Rows that no training row is like, one for each thing that is odd in it."""
    usual = {name: next(value for value in values if value is not None) for name, values in table.items()}
    odd = [{"town": "Bopfingen"}, {"label": "X"}, {"month": 7.0}, {"grade": "higher"}, {"normal": 1e9}, {"skewed": 1e300}]
    odd += [{"normal": -1e200}, {"few": 1.5}, {"few": -3.0}, {"few": 9.0}, {"far": 2.0}, {"same": 5.0}, {"same": 4.0}, {"month": -0.0}]
    odd += [{name: None} for name in ("normal", "far", "same", "town", "label", "month", "grade")]
    odd += [{"normal": "inf"}, {"skewed": "-inf"}, {"few": "inf"}, {"town": "ulm"}, {"town": "Ulm"}, {}]
    return [usual | row for row in odd]


def write(path, table):
    """A CSV file as Python writes it, an empty field where a value is missing."""
    import csv

    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values()))


def feed(table, numbers, names):
    """The columns as onnxruntime takes them: [N, 1], NaN and the empty text where a value is missing."""
    import numpy as np

    def column(name):
        if numbers[name]:
            return np.array([np.nan if value is None else float(value) for value in table[name]]).reshape(-1, 1)
        return np.array(["" if value is None else value for value in table[name]], dtype=object).reshape(-1, 1)

    return {name: column(name) for name in names}


def check_tables(folder):
    """Every kind of column x scaling x filling x policy."""
    import numpy as np

    cases, requests = [], []
    for number, (scaling, filling, unseen) in enumerate(itertools.product(SCALINGS, FILLINGS, UNSEEN)):
        # Sums of numbers as they are, 10⁶ beside 1, cancel in f32.
        element = "f64" if number % 3 == 2 or scaling == "none" else "f32"
        targets = (["price"], ["price", "area"], ["kind"], ["sex"])[number % 4]
        rng = np.random.default_rng(number)
        gaps, indicators = filling != "error", number % 2 == 0
        train, test = random_table(rng, (40, 300, 2500)[number % 3], gaps), random_table(rng, 40, gaps)
        for row in odd_rows(train):
            for name, value in row.items():
                test[name].append(value)
        drop = [name for name in ("price", "area", "kind", "sex") if name not in targets]
        paths = [str(folder / f"{part}-{number}.csv") for part in ("train", "test")]
        for path, table in zip(paths, (train, test)):
            write(path, {name: values for name, values in table.items() if name not in drop})
        path = str(folder / f"table-{number}.onnx")
        request = {"file": path, "train": paths[0], "test": paths[1], "targets": targets, "element": element}
        request |= {"classes": targets[0] in ("kind", "sex"), "scale_targets": number % 5 != 0, "scaling": scaling}
        request |= {"missing": filling, "indicators": indicators, "unseen": unseen, "one_hot": ["month"]}
        # By turns, with every scaling, filling and policy.
        request |= {"bins": (0, 0, 3, 20, 1)[number % 5], "common": (None, 3)[number % 7 == 0]}
        requests.append({"table": request | {"ordinal": [["grade", ["low", "middle", "high"]]]}})
        cases.append((path, element, test, request))
    worst, refused, total = {}, 0, 0
    for (path, element, test, request), answer in zip(cases, answers(requests)):
        session, model = open_model(path)
        names = [entry.name for entry in session.get_inputs()]
        assert names == [name for name in test if name not in ("price", "area", "kind", "sex")], names
        columns = feed(test, answer["numbers"], names)
        rows = len(answer["rows"])
        outputs = dict(zip((entry.name for entry in session.get_outputs()), session.run(None, columns)))
        if request["classes"]:
            # There is a column `label`.
            assert list(outputs) == ["label_2", "probabilities"], list(outputs)
            found, labels = outputs["probabilities"], outputs["label_2"].tolist()
            expected = [row["probabilities"] if row else [np.nan] * found.shape[1] for row in answer["rows"]]
            assert labels == [row["label"] if row else "" for row in answer["rows"]], request
        else:
            assert list(outputs) == ["predictions"] and outputs["predictions"].dtype == np.float64, outputs
            found = outputs["predictions"]
            expected = [row["values"] if row else [np.nan] * found.shape[1] for row in answer["rows"]]
        expected, nothing = np.array(expected), np.array([row is None for row in answer["rows"]])
        refused, total = refused + int(nothing.sum()), total + rows
        if not (np.isnan(found) == nothing[:, None]).all():
            wrong = np.flatnonzero(np.isnan(found).any(axis=1) != nothing)
            raise SystemExit(f"DISAGREES: {request}: rows {wrong} are NaN in one of both: {[{n: test[n][r] for n in names} for r in wrong]}")
        # Odd rows, whose outputs may be huge, must not hide what is wrong with the others.
        wrong = difference(expected[~nothing], found[~nothing], share=0.8)
        if not wrong <= TABLE_TOLERANCE[element]:
            raise SystemExit(f"DISAGREES: {request}: {wrong}")
        worst[element] = max(worst.get(element, 0.0), wrong)
        # Row by row the same.
        for row in (0, rows - 1):
            alone = session.run(None, {name: column[row : row + 1] for name, column in columns.items()})[-1]
            assert np.allclose(alone, found[row : row + 1], rtol=1e-6, atol=1e-6, equal_nan=True)
    assert 100 < refused < total / 2, (refused, total)
    figures = ", ".join(f"{element} {largest:.1e}" for element, largest in worst.items())
    print(f"onnxruntime: {len(cases)} tables of {total} rows as here: {figures}; the {refused} rows that are errors are NaN")


def check_digits(folder):
    """The same digits are right, sample by sample."""
    import numpy as np

    path = str(folder / "digits.onnx")
    [answer] = answers([{"digits": {"file": path, "data": str(ROOT / "examples/data/digits.csv")}}])
    session, _ = open_model(path)
    columns = {name: np.array(values).reshape(-1, 1) for name, values in answer["columns"].items()}
    labels, probabilities = session.run(["label", "probabilities"], columns)
    assert labels.tolist() == answer["labels"]
    wrong = difference(np.array(answer["probabilities"]).reshape(probabilities.shape), probabilities)
    assert wrong <= 1e-6, wrong
    right = sum(label == truth for label, truth in zip(labels, answer["truth"]))
    assert right > 0.93 * len(labels), right
    print(f"onnxruntime: {right} of {len(labels)} digits right, the same ones as here; probabilities within {wrong:.1e}")


# --- what others write -----------------------------------------------------------------------------------------------


def export_from_torch(folder):
    """In the interpreter that has PyTorch: files that its exporter writes, with their outputs, and what refuses some of them."""
    import inspect

    import torch
    from torch import nn

    torch.manual_seed(1)
    activations = {
        "relu": nn.ReLU(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "leaky_relu(0.02)": nn.LeakyReLU(0.02), "elu": nn.ELU(),
        "gelu": nn.GELU(approximate="tanh"), "silu": nn.SiLU(), "softplus": nn.Softplus(), "linear": nn.Identity(),
    }
    inputs = torch.randn(20, 6)
    tracing = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    answers = []

    def export(module, opset, kind, expected):
        module = module.to(kind).eval()
        path = str(folder / f"torch-{len(answers)}.onnx")
        names = {"input_names": ["input"], "output_names": ["output"], "dynamic_axes": {"input": {0: "batch"}}}
        torch.onnx.export(module, inputs[:2].to(kind), path, opset_version=opset, **names, **tracing)
        outputs = module(inputs.to(kind)).detach().double().tolist()
        answers.append({"file": path, "outputs": outputs, "expected": expected})

    for (name, activation), kind, opset in itertools.product(activations.items(), (torch.float32, torch.float64), (11, 17)):
        layers = [nn.Flatten(), nn.Linear(6, 5), activation, nn.Dropout(0.3), nn.Linear(5, 4, bias=False), activation, nn.Linear(4, 3)]
        architecture = f"6 => 5 {name} => 4 {name} => 3 "
        for end, ours in ((nn.Softmax(dim=1), "softmax, cross_entropy"), (nn.Sigmoid(), "sigmoid, cross_entropy"), (nn.Identity(), "linear, mse")):
            export(nn.Sequential(*layers, end), opset, kind, architecture + ours)
    for layers, operator in (
        ([nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 1)], "Erf"),
        ([nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 1)], "LayerNormalization"),
        ([nn.Linear(6, 5), nn.ReLU6(), nn.Linear(5, 1)], "Clip"),
        ([nn.Linear(6, 5), nn.Hardtanh(-2.0, 2.0), nn.Linear(5, 1)], "Clip"),
        ([nn.BatchNorm1d(6), nn.Linear(6, 1)], "BatchNormalization"),
        ([nn.Linear(6, 5), nn.ELU(0.5), nn.Linear(5, 1)], "Elu"),
        ([nn.Linear(6, 5), nn.Softplus(beta=2), nn.Linear(5, 1)], ""),
    ):
        try:
            export(nn.Sequential(*layers), 17, torch.float32, None)
            answers[-1]["operator"] = operator
        except torch.onnx.errors.OnnxExporterError:
            pass
    (folder / "torch.json").write_text(json.dumps({"inputs": inputs.double().tolist(), "files": answers}))


def check_torch(folder):
    """What PyTorch writes is read, and predicts as in PyTorch."""
    import numpy as np

    if subprocess.run([TORCH, "-c", "import torch"], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit(f"{TORCH} has no torch: apt-get install --no-install-recommends python3-torch, or set NN_TORCH_PYTHON")
    command = [TORCH, str(Path(__file__).resolve()), "--torch", str(folder)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    exported = json.loads((folder / "torch.json").read_text())
    files = exported["files"]
    found = answers([{"import": {"file": entry["file"], "inputs": exported["inputs"]}} for entry in files])
    refused = 0
    for entry, answer in zip(files, found):
        if entry["expected"] is None:
            assert "error" in answer and f"operator {entry['operator']}" in answer["error"], (entry["operator"], answer)
            refused += 1
            continue
        assert answer.get("architecture") == entry["expected"], (entry["expected"], answer)
        outputs = np.array(entry["outputs"])
        wrong = difference(outputs, np.array(answer["outputs"]).reshape(outputs.shape))
        assert wrong <= 1e-6, (entry["expected"], wrong)
    print(f"{len(files) - refused} files of PyTorch's predict here as there; {refused} others are refused by name")


def newer_pytorch_graphs(rng):
    """Graphs of nn.Sequential as PyTorch's exporter with dynamo=True writes them, with the operators of version 18, and how ONNX
    itself expands them: weights as initialisers, constants in several forms. The nodes are made here, since a PyTorch that has
    this exporter is many times as large as all else that is needed."""
    import numpy as np
    from onnx import helper, numpy_helper

    widths = (6, 5, 4, 3)

    def model(nodes, initializers, kind):
        element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        graph = helper.make_graph(
            nodes,
            "main_graph",
            [helper.make_tensor_value_info("input", element, ["batch", widths[0]])],
            [helper.make_tensor_value_info("output", element, ["batch", None])],
            [numpy_helper.from_array(array, name) for name, array in initializers.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="pytorch", ir_version=8)

    # What stands between Gemm and Gemm: nodes from z to a.
    def plain(operator, **attributes):
        return lambda z, a: [helper.make_node(operator, [z], [a], **attributes)]

    def silu(z, a):
        return [helper.make_node("Sigmoid", [z], [f"{a}_s"]), helper.make_node("Mul", [z, f"{a}_s"], [a])]

    def softplus(z, a):
        return [
            helper.make_node("Softplus", [z], [f"{a}_s"]),
            helper.make_node("Constant", [], [f"{a}_float"], value_float=20.0),
            helper.make_node("CastLike", [f"{a}_float", z], [f"{a}_threshold"]),
            helper.make_node("Greater", [z, f"{a}_threshold"], [f"{a}_above"]),
            helper.make_node("Where", [f"{a}_above", z, f"{a}_s"], [a]),
        ]

    def gelu(z, a):
        def number(name, value):
            return [
                helper.make_node("Constant", [], [f"{a}_{name}_float"], value_float=value),
                helper.make_node("CastLike", [f"{a}_{name}_float", z], [f"{a}_{name}"]),
            ]

        nodes = number("cubic", 0.044715) + number("two", 2.0) + number("pi", 3.1415927) + number("half", 0.5) + number("one", 1.0)
        steps = [
            ("Constant", [], "three", {"value_ints": [3]}), ("Pow", [z, "three"], "cube", {}), ("Mul", ["cubic", "cube"], "scaled", {}),
            ("Add", [z, "scaled"], "sum", {}), ("Div", ["two", "pi"], "ratio", {}), ("Sqrt", ["ratio"], "root", {}),
            ("Mul", ["root", "sum"], "inner", {}), ("Tanh", ["inner"], "tanh", {}), ("Add", ["tanh", "one"], "upper", {}),
            ("Mul", [z, "upper"], "twice", {}),
        ]
        for operator, names, output, attributes in steps:
            names = [name if name == z else f"{a}_{name}" for name in names]
            nodes.append(helper.make_node(operator, names, [f"{a}_{output}"], **attributes))
        return nodes + [helper.make_node("Mul", [f"{a}_half", f"{a}_twice"], [a])]

    forms = {
        "relu": plain("Relu"), "sigmoid": plain("Sigmoid"), "tanh": plain("Tanh"), "elu": plain("Elu", alpha=1.0),
        "leaky_relu(0.02)": plain("LeakyRelu", alpha=0.02), "softplus": softplus, "silu": silu, "gelu": gelu,
    }
    for (name, form), kind in itertools.product(forms.items(), (np.float32, np.float64)):
        nodes, initializers, tensor = [], {}, "input"
        for number in range(3):
            keys = [f"{2 * number}.weight", f"{2 * number}.bias"]
            shape = (widths[number + 1], widths[number])
            initializers |= dict(zip(keys, [rng.normal(size=shape).astype(kind), rng.normal(size=shape[0]).astype(kind)]))
            z = f"linear_{number}"
            nodes.append(helper.make_node("Gemm", [tensor, *keys], [z], f"node_{z}", alpha=1.0, beta=1.0, transB=1))
            if number < 2:
                tensor = f"activation_{number}"
                nodes += form(z, tensor)
        nodes.append(helper.make_node("Softmax", [z], ["output"], "softmax", axis=-1))
        yield f"6 => 5 {name} => 4 {name} => 3 softmax, cross_entropy", kind, model(nodes, initializers, kind)
    # Without bias: MatMul by weights that are turned beforehand, or by an operator; a dropout left in.
    for weights, nodes in (
        ((6, 3), [helper.make_node("MatMul", ["input", "w"], ["z"])]),
        ((3, 6), [helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]), helper.make_node("MatMul", ["input", "t"], ["z"])]),
    ):
        nodes += [helper.make_node("Dropout", ["z"], ["kept", "mask"]), helper.make_node("Identity", ["kept"], ["output"])]
        yield "6 => 3 linear, mse", np.float32, model(nodes, {"w": rng.normal(size=weights).astype(np.float32)}, np.float32)


def refused_graphs():
    """Graphs that are none of a plain network, with what the message has to name."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)

    def model(nodes, initializers, shape=("N", 4)):
        graph = helper.make_graph(
            nodes, "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.asarray(array, dtype=kind), name) for name, (array, kind) in initializers.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)

    f32 = np.float32
    w = {"w": (rng.normal(size=(4, 4)), f32)}
    gemm = helper.make_node("Gemm", ["x", "w"], ["z"], "first")
    yield model([helper.make_node("Conv", ["x", "w"], ["y"], "convolution")], w), 'node "convolution" is the operator Conv'
    yield model([gemm, helper.make_node("Gelu", ["z"], ["y"], "g")], w), "approximate is none"
    yield model([gemm, helper.make_node("Erf", ["z"], ["y"], "erf")], w), 'node "erf" is the operator Erf'
    yield model([gemm, helper.make_node("LSTM", ["z", "w", "w"], ["y"], "l")], w), "LSTM"
    yield model([gemm, helper.make_node("BatchNormalization", ["z", "b", "b", "b", "b"], ["y"], "norm")], w | {"b": (np.ones(4), f32)}), "BatchNormalization"
    yield model([gemm, helper.make_node("Add", ["z", "x"], ["y"], "residual")], w), 'node "residual" is the operator Add'
    yield model([gemm, helper.make_node("Elu", ["z"], ["y"], "e", alpha=0.5)], w), 'node "e", the operator Elu'
    yield model([gemm, helper.make_node("Mul", ["z", "b"], ["y"], "scaled")], w | {"b": (np.ones(4), f32)}), 'node "scaled"'
    yield model([helper.make_node("Sub", ["x", "m"], ["d"], "centre"), helper.make_node("Gemm", ["d", "w"], ["y"])], w | {"m": (np.ones(4), f32)}), 'node "centre"'
    yield model([helper.make_node("Gemm", ["x", "w"], ["y"], "g", transA=1)], w), "transA"
    yield model([helper.make_node("Gemm", ["x", "w"], ["y"], "g", alpha=0.5)], w), "alpha is 0.5"
    yield model([gemm, helper.make_node("Gemm", ["z", "w"], ["y"], "g")], w), 'tensor "w": it is the weights of two layers'
    yield model([helper.make_node("Gemm", ["x", "w"], ["y"], "g")], {"w": (np.ones((4, 4)), np.float16)}), "FLOAT16"
    yield model([helper.make_node("Gemm", ["x", "w"], ["y"], "g")], {"w": (np.full((4, 4), np.nan), f32)}), "not finite"
    yield model([gemm, helper.make_node("Softmax", ["z"], ["s"]), helper.make_node("Log", ["s"], ["y"], "log")], w), "log"
    yield model([helper.make_node("Relu", ["x"], ["r"], "r"), helper.make_node("Gemm", ["r", "w"], ["y"])], w), 'node "r"'
    yield model([helper.make_node("Identity", ["x"], ["y"], "nothing")], {}), "product with weights"
    external = model([helper.make_node("Gemm", ["x", "w"], ["y"], "g")], w)
    tensor = external.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "model.onnx.data"
    yield external, 'the file "model.onnx.data"; expected numbers in the file itself'


def check_imports(folder):
    """What others write is read, and predicts as in onnxruntime."""
    import numpy as np
    import onnx
    import onnxruntime

    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(20, 6))
    expected, requests = [], []
    for number, (architecture, kind, model) in enumerate(newer_pytorch_graphs(rng)):
        onnx.checker.check_model(model, full_check=True)
        path = str(folder / f"pytorch-{number}.onnx")
        onnx.save(model, path)
        requests.append({"import": {"file": path, "inputs": inputs.tolist()}})
        name = architecture.split()[3].split("(")[0]
        if kind == np.float64 and name in ("elu", "leaky_relu", "softplus"):
            # onnxruntime has no such kernel of f64; onnx' reference computes it.
            from onnx.reference import ReferenceEvaluator

            found = ReferenceEvaluator(model).run(None, {"input": inputs.astype(kind)})[0]
        else:
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            found = session.run(None, {"input": inputs.astype(kind)})[0]
        expected.append((architecture, found, 1e-6))
    for architecture, path, found in scikit_learn_files(folder, inputs):
        requests.append({"import": {"file": path, "inputs": inputs.tolist()}})
        expected.append((architecture, found, 1e-6))
    refused = list(refused_graphs())
    for number, (model, _) in enumerate(refused):
        path = str(folder / f"refused-{number}.onnx")
        Path(path).write_bytes(model.SerializeToString())
        requests.append({"import": {"file": path, "inputs": []}})
    found = answers(requests)
    for (architecture, outputs, tolerance), answer in zip(expected, found):
        assert answer.get("architecture") == architecture, (architecture, answer)
        ours = np.array(answer["outputs"]).reshape(len(inputs), -1)
        if ours.shape[1] == 1 and outputs.shape[1] == 2:
            ours = np.hstack([1.0 - ours, ours])
        wrong = difference(outputs, ours)
        assert wrong <= tolerance, (architecture, wrong)
    for (_, message), answer in zip(refused, found[len(expected) :]):
        assert message in answer.get("error", ""), (message, answer)
    print(f"{len(expected)} files of scikit-learn's and in PyTorch's newer forms predict here as there; {len(refused)} others are refused by name")


def scikit_learn_files(folder, inputs):
    """Files that skl2onnx writes of MLPs, with their outputs in scikit-learn, which computes in the inputs' f32."""
    import warnings

    import numpy as np
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    rng = np.random.default_rng(2)
    rows = rng.normal(size=(100, 6)).astype(np.float32)
    labels = rng.choice(["a", "b", "c"], 100)
    x = inputs.astype(np.float32)
    names = {"relu": "relu", "logistic": "sigmoid", "tanh": "tanh", "identity": "linear"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for theirs, ours in names.items():
            settings = {"hidden_layer_sizes": (5, 4), "activation": theirs, "max_iter": 3, "random_state": 0}
            several = MLPClassifier(**settings).fit(rows, labels)
            two = MLPClassifier(**settings).fit(rows, labels == "a")
            regressor = MLPRegressor(**settings).fit(rows, rows[:, 0])
            front = f"6 => 5 {ours} => 4 {ours} => "
            for model, end, outputs in (
                (several, "3 softmax, cross_entropy", several.predict_proba(x)),
                (two, "1 sigmoid, cross_entropy", two.predict_proba(x)),
                (regressor, "1 linear, mse", regressor.predict(x).reshape(-1, 1)),
            ):
                path = str(folder / f"sklearn-{theirs}-{end.split()[0]}-{end.split()[1]}.onnx")
                options = {"zipmap": False} if hasattr(model, "predict_proba") else None
                onnx_model = to_onnx(model, rows[:1], options=options)
                Path(path).write_bytes(onnx_model.SerializeToString())
                yield front + end, path, outputs


def compare():
    check_the_comparison()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        check_networks(folder)
        check_small_numbers(folder)
        check_tables(folder)
        check_digits(folder)
        check_torch(folder)
        check_imports(folder)
    return 0


if __name__ == "__main__":
    if "--inside" in sys.argv[1:]:
        sys.exit(compare())
    if "--torch" in sys.argv[1:]:
        sys.exit(export_from_torch(Path(sys.argv[-1])))
    python = environment_python(__file__, "onnxruntime")
    sys.exit(subprocess.run([str(python), str(Path(__file__).resolve()), "--inside"], stdin=subprocess.DEVNULL).returncode)
