#!/usr/bin/env python3
"""Compare the inputs and targets that nn-train makes of random tables with those of scikit-learn's ColumnTransformer.

    python3 tests/preprocess_agreement.py

Each case is two CSV files, one to learn from and one to apply it to, a way of scaling and a way of filling missing values.
The example `preprocess_inputs` (tests/preprocess_inputs.rs) answers for this library; scikit-learn's side is StandardScaler,
RobustScaler, QuantileTransformer, SimpleImputer, OneHotEncoder and OrdinalEncoder in a ColumnTransformer. It runs in the
environment of tests/sklearn_agreement.py.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, environment_python

TOLERANCE = 1e-9
ORDER = ["low", "middle", "high"]
SCALINGS = ("standard", "robust", "quantile", "none")
FILLINGS = ("error", "mean", "median", "most_frequent", "constant")
NUMBERS = ("normal", "skewed", "few", "far")
TEXTS = ("town", "letter")


def program():
    """The example, built with what all of the workspace is built with, so that nothing is compiled anew for it."""
    build = ["cargo", "build", "--locked", "--quiet", "--release", "--workspace", "--example", "preprocess_inputs"]
    build += ["--message-format", "json-render-diagnostics"]
    messages = subprocess.run(build, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
    return next(path for line in messages.splitlines() if (path := json.loads(line).get("executable")))


def random_table(rng, rows, gaps):
    """Columns by name, with None in a tenth of the places where there are to be gaps, and never in targets."""
    import numpy as np

    table = {
        "normal": rng.normal(3.0, 2.0, rows).tolist(),
        "skewed": np.exp(rng.normal(0.0, 2.0, rows)).tolist(),
        "few": rng.choice([0.0, 1.0, 1.0, 2.0, 5.0], rows).tolist(),
        "far": (1e6 + rng.normal(0.0, 1.0, rows)).tolist(),
        "town": rng.choice(["Ulm", "Aalen, Ost", 'the "Ries"', "Ölbronn"], rows).tolist(),
        "letter": rng.choice(list("abcdef"), rows).tolist(),
        "ordinal": rng.choice(ORDER, rows).tolist(),
    }
    if gaps:
        for column in table.values():
            for row in np.flatnonzero(rng.random(rows) < 0.1):
                column[row] = None
    table["price"] = rng.normal(100.0, 30.0, rows).tolist()
    table["area"] = rng.normal(0.0, 1.0, rows).tolist()
    table["kind"] = rng.choice(["cat", "dog", "cow"], rows).tolist()
    return table


def write(path, table):
    """A CSV file as Python writes it, an empty field where a value is missing."""
    import csv

    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values()))


def column(table, name, kind, missing=float("nan")):
    """A column as scikit-learn takes it."""
    import numpy as np

    return np.array([missing if value is None else value for value in table[name]], dtype=kind).reshape(-1, 1)


def exact_quantiles(settings):
    """A QuantileTransformer of one column that finds its quantiles in whole numbers.

    scikit-learn rounds their places: 12.999999999999996 for 13. Where several numbers are alike, one of their quantiles is then
    another number, and the middle of the others is elsewhere."""
    import numpy as np
    from sklearn.preprocessing import QuantileTransformer

    class ExactQuantiles(QuantileTransformer):
        def fit(self, rows, y=None):
            super().fit(rows, y)
            numbers, last = np.sort(np.asarray(rows, dtype=float)[:, 0]), self.n_quantiles_ - 1
            places = [divmod(quantile * (len(numbers) - 1), last) for quantile in range(last + 1)]
            ends = [(numbers[place], numbers[min(place + 1, len(numbers) - 1)], rest / last) for place, rest in places]
            exact = np.array([low if low == high else low * (1 - rest) + high * rest for low, high, rest in ends])
            assert np.allclose(self.quantiles_[:, 0], exact, rtol=1e-12, atol=1e-9)
            self.quantiles_ = np.maximum.accumulate(exact).reshape(-1, 1)
            return self

    return ExactQuantiles(**settings)


def scaler(scaling, rows):
    from sklearn.preprocessing import FunctionTransformer, RobustScaler, StandardScaler

    return {
        "standard": StandardScaler(),
        "robust": RobustScaler(),
        "quantile": exact_quantiles({"n_quantiles": min(1000, rows), "output_distribution": "normal", "subsample": None}),
        "none": FunctionTransformer(),
    }[scaling]


def imputer(filling, missing_values):
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy=filling, missing_values=missing_values, fill_value=-1.0 if filling == "constant" else None)


def theirs(train, test, scaling, filling, indicators):
    """The inputs that scikit-learn makes of `test`, by the names that this library gives them."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    inputs = {}
    for name in NUMBERS + ("ordinal",):
        fitted, applied = (column(table, name, float if name in NUMBERS else object) for table in (train, test))
        steps = []
        if name == "ordinal":
            steps.append(OrdinalEncoder(categories=[np.array(ORDER + [np.nan], dtype=object)], encoded_missing_value=np.nan))
        if filling != "error":
            steps.append(imputer(filling, np.nan))
        transformer = ColumnTransformer([(name, make_pipeline(*steps, scaler(scaling, len(fitted))), [0])])
        inputs[name] = transformer.fit(fitted).transform(applied)[:, 0]
        if indicators and any(value is None for value in train[name]):
            inputs[name + " missing"] = np.array([float(value is None) for value in test[name]])
    for name in TEXTS:
        fitted, applied = (column(table, name, object, None) for table in (train, test))
        gaps = any(value is None for value in train[name])
        if filling == "most_frequent":
            fill = imputer(filling, None).fit(fitted)
            fitted, applied = fill.transform(fitted), fill.transform(applied)
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        transformer = ColumnTransformer([(name, encoder, [0])]).fit(fitted)
        for category, values in zip(transformer.named_transformers_[name].categories_[0], transformer.transform(applied).T):
            inputs[f"{name} missing" if category is None else f"{name}={category}"] = values
        if gaps and filling == "most_frequent" and indicators:
            inputs[name + " missing"] = np.array([float(value is None) for value in test[name]])
    return inputs


def their_targets(train, test, targets):
    import numpy as np
    from sklearn.preprocessing import LabelBinarizer, StandardScaler

    if targets == ["kind"]:
        return LabelBinarizer().fit(train["kind"]).transform(test["kind"]).astype(float)
    fitted, applied = (np.hstack([column(table, name, float) for name in targets]) for table in (train, test))
    return StandardScaler().fit(fitted).transform(applied)


def difference(ours, expected):
    """The largest |ours - expected|, relative where numbers are above 1; NaN where either holds one."""
    import numpy as np

    if ours.shape != expected.shape:
        raise SystemExit(f"shapes differ: {ours.shape} here, {expected.shape} in scikit-learn")
    return float(np.max(np.abs(ours - expected) / np.maximum(1.0, np.abs(expected))))


def check_the_comparison():
    """A comparison that cannot fail proves nothing: it must see an error just above the tolerance, and a NaN."""
    import numpy as np

    exact = np.linspace(-1.0, 1.0, 5)
    assert difference(exact, exact) <= TOLERANCE
    for wrong in (3e-9, np.nan):
        broken = exact.copy()
        broken[3] += wrong
        assert not difference(broken, exact) <= TOLERANCE, wrong


def compare():
    """Every scaling x filling; the exit status."""
    import numpy as np
    import sklearn

    check_the_comparison()
    cases, requests = [], []
    with tempfile.TemporaryDirectory() as folder:
        for place, scaling in enumerate(SCALINGS):
            for number, filling in enumerate(FILLINGS):
                # Two of the three sizes, each with another target.
                for seed in ((place + number) % 3, (place + number + 1) % 3):
                    rows = (40, 300, 2500)[seed]
                    rng = np.random.default_rng([number, seed, place])
                    gaps, indicators = filling != "error", seed != 1
                    train, test = random_table(rng, rows, gaps), random_table(rng, 200, gaps)
                    if scaling == "quantile":
                        # scikit-learn takes what is within 1e-7 of the ends for the ends.
                        test["far"] = train["far"][:200] + test["far"][len(train["far"][:200]):]
                    targets = (["price"], ["price", "area"], ["kind"])[seed]
                    drop = [name for name in ("price", "area", "kind") if name not in targets]
                    paths = [str(Path(folder) / f"{part}-{len(cases)}.csv") for part in ("train", "test")]
                    for path, table in zip(paths, (train, test)):
                        write(path, {name: values for name, values in table.items() if name not in drop})
                    request = {"train": paths[0], "test": paths[1], "targets": targets, "classes": targets == ["kind"]}
                    request |= {"ordinal": ORDER, "scaling": scaling, "missing": filling, "indicators": indicators}
                    requests.append(json.dumps(request))
                    cases.append((scaling, filling, train, test, targets, indicators))
        process = subprocess.run([program()], input="\n".join(requests), text=True, stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in process.stdout.splitlines()]
    assert len(answers) == len(cases)

    failures, worst = 0, {}
    for (scaling, filling, train, test, targets, indicators), answer in zip(cases, answers):
        rows = len(test["normal"])
        inputs = dict(zip(answer["names"], np.array(answer["inputs"]).reshape(rows, -1).T))
        expected = theirs(train, test, scaling, filling, indicators)
        if set(inputs) != set(expected):
            raise SystemExit(f"{scaling}, {filling}: the inputs are {sorted(inputs)} here, {sorted(expected)} in scikit-learn")
        differences = {name: difference(inputs[name], expected[name]) for name in expected}
        differences["targets"] = difference(np.array(answer["targets"]).reshape(rows, -1), their_targets(train, test, targets))
        wrong = {name: found for name, found in differences.items() if not found <= TOLERANCE}
        if wrong:
            failures += 1
            print(f"DISAGREES: {scaling}, {filling}, {len(train['normal'])} rows: {wrong}")
        worst[scaling] = max(worst.get(scaling, 0.0), *differences.values())
    for scaling, largest in worst.items():
        print(f"{scaling:10} {largest:10.1e}")
    print(f"scikit-learn {sklearn.__version__}: preprocessing of {len(cases) - failures} of {len(cases)} tables within {TOLERANCE:g}")
    return 1 if failures else 0


if __name__ == "__main__":
    if "--inside" in sys.argv[1:]:
        sys.exit(compare())
    python = environment_python(ROOT / "tests" / "sklearn_agreement.py", "scikit-learn")
    sys.exit(subprocess.run([str(python), str(Path(__file__).resolve()), "--inside"], stdin=subprocess.DEVNULL).returncode)
