#!/usr/bin/env python3
"""Compare cost, gradient and prediction with scikit-learn's MLPClassifier on the same weights, in f64.

    python3 tests/sklearn_agreement.py

The two were written independently of each other, so a mistake in the derivation would have to be made twice.
scikit-learn's `alpha` is the lambda of docs/derivation.md, scaled alike: mean loss + alpha / 2m * |W|^2.

The script installs scikit-learn into a virtual environment under the target folder (the source tree stays
clean), and asks the example `cost_and_gradient` (tests/cost_and_gradient.rs) for this library's numbers.
"""

import functools
import json
import subprocess
import sys
from pathlib import Path

from environment import ROOT, environment_python

TOLERANCE = 1e-10
LAMBDAS = (0.0, 0.5, 3.0)
SAMPLES = (1, 7, 64)


@functools.cache
def program():
    """The example, built with what all of the workspace is built with, so that nothing is compiled anew for it."""
    build = ["cargo", "build", "--locked", "--quiet", "--release", "--workspace", "--example", "cost_and_gradient"]
    build += ["--message-format", "json-render-diagnostics"]
    messages = subprocess.run(build, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
    return next(path for line in messages.splitlines() if (path := json.loads(line).get("executable")))


def library(lines):
    """What the example `cost_and_gradient` answers to `lines`, line by line."""
    answer = subprocess.run([program()], input="\n".join(lines) + "\n", text=True, stdout=subprocess.PIPE, check=True)
    return answer.stdout.splitlines()


def numbers(array):
    """The array as text that reads back to the same bits."""
    return " ".join(repr(float(x)) for x in array.ravel())


def largest_difference(ours, theirs):
    """The largest |ours - theirs|; NaN where either holds one."""
    import numpy as np

    if ours.shape != theirs.shape:
        raise SystemExit(f"shapes differ: {ours.shape} here, {theirs.shape} in scikit-learn")
    return float(np.max(np.abs(ours - theirs)))


def agree(difference):
    """Whether a difference is small enough; a NaN is not."""
    return difference <= TOLERANCE


def check_the_comparison():
    """A comparison that cannot fail proves nothing: it must see an error just above the tolerance, and a NaN."""
    import numpy as np

    exact = np.linspace(-1.0, 1.0, 5)
    assert agree(largest_difference(exact, exact))
    for wrong in (3e-10, np.nan):
        broken = exact.copy()
        broken[3] += wrong
        assert not agree(largest_difference(broken, exact)), wrong


class Network:
    """One network of the example, as its list describes it: name, hidden activation, output activation, widths."""

    def __init__(self, line):
        self.name, self.hidden, self.output, *widths = line.split()
        self.widths = [int(w) for w in widths]

    def parameters(self, rng):
        """Random weights (S_l x S_l+1, scikit-learn's way round) and biases of every layer."""
        pairs = list(zip(self.widths, self.widths[1:]))
        weights = [rng.normal(0.0, 1.0 / a**0.5, (a, b)) for a, b in pairs]
        return weights, [rng.normal(0.0, 0.5, b) for _, b in pairs]

    def data(self, rng, samples):
        """Samples and targets: classes for a softmax output, independent labels for a sigmoid one."""
        import numpy as np

        x = rng.normal(0.0, 1.0, (samples, self.widths[0]))
        outputs = self.widths[-1]
        if self.output == "softmax":
            return x, np.eye(outputs)[rng.integers(0, outputs, samples)]
        return x, rng.integers(0, 2, (samples, outputs)).astype(float)

    def classifier(self, alpha):
        """An MLPClassifier of this shape, fitted on nothing that matters: its weights are set afterwards."""
        import numpy as np
        from sklearn.neural_network import MLPClassifier

        outputs = self.widths[-1]
        if self.output == "softmax":
            targets = np.arange(outputs)
        elif outputs == 1:
            targets = np.array([0, 1])
        else:
            targets = np.vstack([np.eye(outputs, dtype=int), 1 - np.eye(outputs, dtype=int)])
        activation = {"sigmoid": "logistic"}.get(self.hidden, self.hidden)
        model = MLPClassifier(self.widths[1:-1], activation=activation, alpha=alpha, max_iter=1, solver="sgd", random_state=0)
        model.fit(np.zeros((len(targets), self.widths[0])), targets)
        expected = {"sigmoid": "logistic"}.get(self.output, self.output)
        assert model.out_activation_ == expected, (model.out_activation_, expected)
        return model


def sklearn_cost_and_gradient(model, weights, biases, x, y):
    """Cost and gradient, the latter in this library's order: the rows of Theta_w, then the bias, layer by layer."""
    import inspect

    import numpy as np

    model.coefs_ = [w.copy() for w in weights]
    model.intercepts_ = [b.copy() for b in biases]
    count = len(weights)
    lists = ([x] + [None] * count, [None] * count, [None] * count, [None] * count)
    # Since 1.7 the sample weights stand between the targets and the activations.
    weighted = "sample_weight" in inspect.signature(model._backprop).parameters
    cost, coefs, intercepts = model._backprop(x, y, *([None] if weighted else []), *lists)
    return float(cost), np.concatenate([np.concatenate([c.T.ravel(), b]) for c, b in zip(coefs, intercepts)])


def compare():
    """Every network x lambda x batch size; the exit status."""
    import warnings

    import numpy as np
    import sklearn
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
    check_the_comparison()
    networks = [Network(line) for line in library(["list"])]
    assert networks, "the example lists no network"
    cases, request = [], []
    for index, network in enumerate(networks):
        for alpha in LAMBDAS:
            for samples in SAMPLES:
                rng = np.random.default_rng([index, int(alpha * 10), samples])
                weights, biases = network.parameters(rng)
                x, y = network.data(rng, samples)
                cases.append((network, alpha, samples, weights, biases, x, y))
                theta = np.concatenate([np.concatenate([w.T.ravel(), b]) for w, b in zip(weights, biases)])
                request += [f"{network.name} {alpha!r}", numbers(theta), numbers(x), numbers(y)]
    answers = iter(library(request))

    print(f"scikit-learn {sklearn.__version__}, numpy {np.__version__}; largest difference over lambda in {LAMBDAS}, m in {SAMPLES}")
    print(f"{'network':34} {'cost':>10} {'gradient':>10} {'prediction':>10}")
    failures = 0
    worst = {}
    for network, alpha, samples, weights, biases, x, y in cases:
        cost = np.array([float(next(answers))])
        gradient = np.array(next(answers).split(), dtype=float)
        prediction = np.array(next(answers).split(), dtype=float)
        model = network.classifier(alpha)
        their_cost, their_gradient = sklearn_cost_and_gradient(model, weights, biases, x, y)
        theirs = model.predict_proba(x)
        if network.widths[-1] == 1:
            theirs = theirs[:, 1:]
        differences = [
            largest_difference(cost, np.array([their_cost])),
            largest_difference(gradient, their_gradient),
            largest_difference(prediction, theirs.ravel()),
        ]
        if not all(agree(d) for d in differences):
            failures += 1
            print(f"DISAGREES: {network.name} lambda={alpha} m={samples}: cost, gradient, prediction differ by {differences}")
        worst[network] = np.maximum(worst.get(network, 0.0), differences)
    for network, (cost, gradient, prediction) in worst.items():
        shape = " => ".join(map(str, network.widths))
        print(f"{network.hidden + '/' + network.output + ' ' + shape:34} {cost:10.1e} {gradient:10.1e} {prediction:10.1e}")
    overall = max(float(np.max(d)) for d in worst.values())
    print(f"scikit-learn agreement: {len(cases) - failures} of {len(cases)} cases within {TOLERANCE:g}; largest difference {overall:.1e}")
    return 1 if failures else 0


if __name__ == "__main__":
    if "--inside" in sys.argv[1:]:
        sys.exit(compare())
    sys.exit(subprocess.run([str(environment_python(__file__, "scikit-learn")), str(Path(__file__).resolve()), "--inside"], stdin=subprocess.DEVNULL).returncode)
