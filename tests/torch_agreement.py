#!/usr/bin/env python3
"""Let PyTorch read what this library writes, and this library what PyTorch and scikit-learn write: files of safetensors.

    apt-get install --no-install-recommends python3-torch
    python3 tests/torch_agreement.py

The example `models` (tests/models.rs) writes networks of every activation and both number types. PyTorch makes the module
that the example prints, takes the file by `load_state_dict(strict=True)`, and must give the same outputs. Then PyTorch saves
the `state_dict()` of modules of its own, in float64, float32, float16 and bfloat16, and the example must give PyTorch's
outputs. Last, scikit-learn trains classifiers and regressors, tools/sklearn_to_nn.py writes them, and the example must give
what `predict` and `predict_proba` give.

PyTorch is Debian's, for CPUs alone: what PyPI has brings gigabytes of CUDA. Another interpreter that has torch is named by
NN_TORCH_PYTHON. scikit-learn and safetensors come from the environment of tests/sklearn_agreement.py.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, TARGET, environment_python

SCRIPT = Path(__file__).resolve()
# As tests/numpy_agreement.py, so that one build serves both.
FEATURES = "nn-examples/all"
# Relative to the largest output: where the terms of a sum cancel out, neither side knows the last digits of what is left.
TOLERANCES = {"f32": 1e-6, "f64": 1e-12}
SAFETENSORS = "safetensors==0.8.0"
# Ours, PyTorch's module, PyTorch's for messages of what a user has to name.
ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
    "leaky_relu(0.01)": "nn.LeakyReLU()",
    "leaky_relu(-0.5)": "nn.LeakyReLU(-0.5)",
    "elu": "nn.ELU()",
    "gelu": "nn.GELU(approximate='tanh')",
    "silu": "nn.SiLU()",
    # It is z itself from 20 on, which samples here do not reach.
    "softplus": "nn.Softplus()",
    "linear": "nn.Identity()",
}


def program():
    """The example, built with what all of the workspace is built with, so that nothing is compiled anew for it."""
    build = ["cargo", "build", "--locked", "--quiet", "--release", "--workspace", "--example", "models", "--features", FEATURES]
    build += ["--message-format", "json-render-diagnostics"]
    messages = subprocess.run(build, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
    return next(path for line in messages.splitlines() if (path := json.loads(line).get("executable")))


def difference(np, found, wanted):
    """The largest difference relative to the largest output; NaN where there is one."""
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    return float(np.max(np.abs(found - wanted)) / np.max(np.abs(wanted)))


def check(np, name, kind, found, wanted):
    """Ends the program unless two arrays agree."""
    largest = difference(np, found, wanted)
    if not largest <= TOLERANCES[kind]:
        sys.exit(f"{name}: outputs differ by {largest}, expected at most {TOLERANCES[kind]}")
    return largest


def check_the_comparison(np):
    """A comparison that cannot fail proves nothing: it must see an error just above the tolerance, and a NaN."""
    exact = np.array([[1.0, -2.0], [0.5, 0.25]])
    assert difference(np, exact, exact) == 0.0
    for wrong in (1e-5, np.nan):
        broken = exact.copy()
        broken[1, 0] += wrong
        assert not difference(np, broken, exact) <= TOLERANCES["f32"], wrong


def read(example, folder, lines):
    """Has this library predict with the files of `folder`."""
    subprocess.run([example, "read", folder], input="\n".join(" ".join(line) for line in lines), text=True, check=True)


# --- in the interpreter that has PyTorch ---------------------------------------------------------------------------


def torch_reads(folder):
    """PyTorch's side of what the example `write` wrote."""
    import numpy as np
    import torch
    from safetensors.torch import load_file
    from torch import nn

    check_the_comparison(np)
    worst = {"f32": 0.0, "f64": 0.0}
    lines = (folder / "written.txt").read_text().splitlines()
    for line in lines:
        name, kind, module = line.split(maxsplit=2)
        model = eval(module, {"nn": nn}).to({"f32": torch.float32, "f64": torch.float64}[kind]).eval()
        model.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=True)
        with torch.no_grad():
            theirs = model(torch.from_numpy(np.load(folder / f"{name}.x.npy"))).numpy()
        worst[kind] = max(worst[kind], check(np, name, kind, theirs, np.load(folder / f"{name}.ours.npy")))
    print(f"PyTorch {torch.__version__} reads {len(lines)} networks; its outputs differ by {worst['f32']:.1e} in f32, {worst['f64']:.1e} in f64")


def torch_writes(folder):
    """Modules of PyTorch's: a line of each to standard output, and its state, samples and outputs to the folder."""
    import numpy as np
    import torch
    from safetensors.torch import save_file
    from torch import nn

    torch.manual_seed(1)
    types = {"f32": torch.float32, "f64": torch.float64}

    def write(name, model, kind, activations, stored=None):
        model = model.to(types[kind]).eval()
        if stored is not None:
            # What is computed with is what the narrower type holds.
            model = model.to(stored).to(types[kind])
        x = 3 * torch.randn(50, next(iter(model.parameters())).shape[1], dtype=types[kind])
        state = {key: value.to(stored or types[kind]).clone() for key, value in model.state_dict().items()}
        save_file(state, folder / f"{name}.safetensors")
        np.save(folder / f"{name}.x.npy", x.numpy())
        with torch.no_grad():
            np.save(folder / f"{name}.theirs.npy", model(x).numpy())
        print(name, kind, ",".join(activations))

    for index, (ours, module) in enumerate(ACTIVATIONS.items()):
        for kind in types:
            layers = [nn.Linear(5, 8), eval(module, {"nn": nn}), nn.Linear(8, 6), eval(module, {"nn": nn}), nn.Dropout(0.3), nn.Linear(6, 3)]
            write(f"torch-{index}-{kind}", nn.Sequential(*layers), kind, [ours, ours, "linear"])
    # More than ten modules, whose numbers the alphabet puts in another order.
    deep = [module for _ in range(7) for module in (nn.Linear(4, 4), nn.Tanh())]
    write("torch-deep", nn.Sequential(*deep), "f32", ["tanh"] * 7)
    write("torch-softmax", nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3), nn.Softmax(dim=-1)), "f64", ["relu", "softmax"])
    write("torch-no-bias", nn.Sequential(nn.Linear(4, 9, bias=False), nn.ReLU(), nn.Linear(9, 3)), "f32", ["relu", "linear"])
    write("torch-one", nn.Linear(4, 2), "f32", ["linear"])
    for stored in (torch.float16, torch.bfloat16):
        model = nn.Sequential(nn.Linear(4, 9), nn.SiLU(), nn.Linear(9, 3))
        write(f"torch-{str(stored).split('.')[1]}", model, "f32", ["silu", "linear"], stored)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(4, 9), nn.Linear(9, 3)

        def forward(self, x):
            return self.fc2(torch.sigmoid(self.fc1(x)))

    write("torch-module", Model(), "f64", ["sigmoid", "linear"])
    refused = {
        "conv": (nn.Conv2d(1, 2, 3), "0.weight"),
        "norm": (nn.BatchNorm1d(4), "0.num_batches_tracked"),
        "layer_norm": (nn.LayerNorm(4), "0.weight"),
    }
    for name, (module, tensor) in refused.items():
        save_file(nn.Sequential(module, nn.Linear(4, 2)).state_dict(), folder / f"{name}.safetensors")
        np.save(folder / f"{name}.x.npy", np.zeros((1, 4), np.float32))
        print("refused", name, tensor)


# --- in the interpreter that has scikit-learn ----------------------------------------------------------------------


def sklearn_writes(folder):
    """Models of scikit-learn's: a line of each to standard output, and the file, samples and outputs to the folder."""
    import warnings

    import joblib
    import numpy as np
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    sys.path.insert(0, str(ROOT / "tools"))
    import sklearn_to_nn

    warnings.simplefilter("ignore", ConvergenceWarning)
    rng = np.random.default_rng(1)
    x = rng.normal(5.0, 3.0, (200, 4)) * [1.0, 100.0, 0.01, 1.0]
    numbers = x @ [0.5, 0.01, 3.0, -1.0] + rng.normal(0.0, 1.0, 200)
    three = np.array(["Ulm", "Aalen", "Ölbronn"])[np.digitize(numbers, [0.0, 3.0])]
    several = np.stack([numbers > 0.0, x[:, 0] > 5.0], axis=1).astype(int)
    settings = {"hidden_layer_sizes": (8, 6), "max_iter": 30, "random_state": 1}

    def write(name, model, targets, samples=x, theirs=None):
        model.fit(samples, targets)
        sklearn_to_nn.save(model, folder / f"{name}.safetensors")
        if theirs is None:
            theirs = model.predict_proba if hasattr(model, "predict_proba") else model.predict
        theirs = theirs(samples).reshape(len(samples), -1)
        network = model[-1] if hasattr(model, "steps") else model
        if hasattr(model, "classes_") and len(theirs[0]) == 2 and network.n_outputs_ == 1:
            # The probability of the second class is ours.
            theirs = theirs[:, 1:]
        if hasattr(model, "classes_") and targets.ndim == 1:
            (folder / f"{name}.predicted.txt").write_text("\n".join(str(label) for label in model.predict(samples)))
        kind = "f32" if samples.dtype == np.float32 else "f64"
        np.save(folder / f"{name}.x.npy", samples)
        np.save(folder / f"{name}.theirs.npy", theirs)
        print(name, kind, "-")

    scaled = StandardScaler().fit_transform(x)
    for activation in ("identity", "logistic", "tanh", "relu"):
        write(f"sklearn-classes-{activation}", MLPClassifier(activation=activation, **settings), three, scaled)
        write(f"sklearn-numbers-{activation}", MLPRegressor(activation=activation, **settings), numbers, scaled)
    write("sklearn-binary", make_pipeline(StandardScaler(), MLPClassifier(**settings)), several[:, 0])
    write("sklearn-three", make_pipeline(StandardScaler(), MLPClassifier(**settings)), three)
    write("sklearn-several-labels", MLPClassifier(**settings), several, scaled)
    write("sklearn-several-numbers", MLPRegressor(solver="lbfgs", **settings), np.stack([numbers, x[:, 0]], axis=1), scaled)
    write("sklearn-single", MLPRegressor(**settings), numbers.astype(np.float32), scaled.astype(np.float32))
    write("sklearn-no-hidden", MLPClassifier(hidden_layer_sizes=(), random_state=1, max_iter=30), three, scaled)
    write("sklearn-shifted", make_pipeline(StandardScaler(with_std=False), MLPRegressor(**settings)), numbers, scaled)
    both = TransformedTargetRegressor(make_pipeline(StandardScaler(), MLPRegressor(**settings)), transformer=StandardScaler())
    write("sklearn-both-scaled", both, 1e4 * numbers + 1e5)

    for model, message in [
        (make_pipeline(MinMaxScaler(), MLPRegressor(**settings)), "a MinMaxScaler; expected a StandardScaler"),
        (make_pipeline(StandardScaler(), StandardScaler(), MLPRegressor(**settings)), "a Pipeline of StandardScaler, StandardScaler, MLPRegressor"),
        (TransformedTargetRegressor(MLPRegressor(**settings), func=np.log1p, inverse_func=np.expm1), "a function of the targets"),
        (TransformedTargetRegressor(both, transformer=StandardScaler()), "a TransformedTargetRegressor in another"),
        (StandardScaler(), "a StandardScaler; expected an MLPClassifier or MLPRegressor"),
    ]:
        model.fit(x, np.abs(numbers))
        try:
            sklearn_to_nn.save(model, folder / "refused.safetensors")
        except sklearn_to_nn.Refused as refused:
            assert str(refused).startswith(message), refused
        else:
            sys.exit(f"{model} is not refused")
    # From the command line.
    joblib.dump(both, folder / "model.joblib")
    joblib.dump(StandardScaler(), folder / "wrong.joblib")
    script = ROOT / "tools" / "sklearn_to_nn.py"
    subprocess.run([sys.executable, script, folder / "model.joblib", folder / "model.safetensors"], check=True)
    assert (folder / "model.safetensors").read_bytes() == (folder / "sklearn-both-scaled.safetensors").read_bytes()
    wrong = subprocess.run([sys.executable, script, folder / "wrong.joblib", folder / "wrong.safetensors"], stderr=subprocess.PIPE, text=True)
    assert wrong.returncode == 1 and "wrong.joblib: it holds a StandardScaler; expected an MLP" in wrong.stderr, wrong.stderr


def compare(folder):
    """What the example made of the files, with what PyTorch or scikit-learn made of the same samples."""
    import numpy as np
    import sklearn

    check_the_comparison(np)
    worst, counts = {}, {}
    for line in (folder / "read.txt").read_text().splitlines():
        name, kind, _ = line.split()
        system = name.partition("-")[0]
        ours, theirs = np.load(folder / f"{name}.ours.npy"), np.load(folder / f"{name}.theirs.npy")
        largest = check(np, name, kind, ours, theirs)
        worst[system, kind] = max(worst.get((system, kind), 0.0), largest)
        counts[system] = counts.get(system, 0) + 1
        predicted = folder / f"{name}.predicted.txt"
        if predicted.exists():
            assert (folder / f"{name}.labels.txt").read_text() == predicted.read_text(), f"{name}: other classes"
    figures = ", ".join(f"{value:.1e} in {kind} of {system}" for (system, kind), value in sorted(worst.items()))
    print(f"{counts['torch']} models of PyTorch and {counts['sklearn']} of scikit-learn {sklearn.__version__} are read; outputs differ by {figures}")


# --- the whole -----------------------------------------------------------------------------------------------------


def torch_environment(python):
    """An interpreter that has PyTorch, and where it finds safetensors, which Debian has not."""
    interpreter = os.environ.get("NN_TORCH_PYTHON", "/usr/bin/python3")
    found = subprocess.run([interpreter, "-c", "import torch"], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    if found.returncode != 0:
        sys.exit(f"{interpreter} has no torch: apt-get install --no-install-recommends python3-torch, or set NN_TORCH_PYTHON")
    packages = TARGET / "torch-agreement"
    if not (packages / "safetensors").exists():
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps"]
        subprocess.run([*pip, "--target", str(packages), SAFETENSORS], check=True, stdin=subprocess.DEVNULL)
    return interpreter, {**os.environ, "PYTHONPATH": str(packages)}


def main():
    sklearn = environment_python(SCRIPT.with_name("sklearn_agreement.py"), "scikit-learn and NumPy")
    torch, environment = torch_environment(sklearn)
    example = program()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def inside(interpreter, part, **options):
            return subprocess.run([str(interpreter), str(SCRIPT), part, str(folder)], check=True, stdin=subprocess.DEVNULL, text=True, **options)

        with open(folder / "written.txt", "w") as lines:
            subprocess.run([example, "write", folder], check=True, stdout=lines)
        inside(torch, "--torch-reads", env=environment)
        written = inside(torch, "--torch-writes", env=environment, stdout=subprocess.PIPE).stdout
        written += inside(sklearn, "--sklearn-writes", stdout=subprocess.PIPE).stdout
        lines = [line.split() for line in written.splitlines()]
        models = [line for line in lines if line[0] != "refused"]
        (folder / "read.txt").write_text("\n".join(" ".join(line) for line in models))
        read(example, folder, models)
        inside(sklearn, "--compare")
        refused = [line[1:] for line in lines if line[0] == "refused"]
        assert len(refused) == 3, refused
        for name, tensor in refused:
            result = subprocess.run([example, "read", folder], input=f"{name} f32 linear,linear", text=True, stderr=subprocess.PIPE)
            message = result.stderr
            assert result.returncode == 1 and f"{name}.safetensors: the tensor \"{tensor}\"" in message, message


PARTS = {"--torch-reads": torch_reads, "--torch-writes": torch_writes, "--sklearn-writes": sklearn_writes, "--compare": compare}

if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in PARTS:
        PARTS[sys.argv[1]](Path(sys.argv[2]))
    else:
        main()
