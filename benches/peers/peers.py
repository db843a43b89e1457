#!/usr/bin/env python3
"""Time full training steps (forward, backward, L2, plain SGD) of another system.

    echo '{"sizes": [2, 4, 4, 4], "activation": "sigmoid", "loss": "bce", "batch": 32}' | python3 peers.py numpy 1

    PEER          settings: the fastest that were found
    torch         PyTorch in f32: eager (torch.compile was never faster on these workloads), fused SGD
    torch-bf16    the same under torch.autocast to bfloat16
    jax           100 steps (4 of a large network) in one jitted scan, parameters donated
    numpy         written out by hand, products by its OpenBLAS
    sklearn       MLPClassifier or MLPRegressor in f32; several small batches in one partial_fit, without validation
    c, numba      programs for the workload's sizes: see narrow.py

THREADS is how many a peer may use. A line on stdin is a workload, and may say how many `repeats` are to be timed (5) and
how many `seconds` each takes (0.4). A line comes back for each: `best_us_per_step` and `us_per_step` of the best repeat
and the median one, or `error`. The first line of all says the peer's `version`.

What is timed is one batch stepped on over and over after a warm-up, as `throughput`, the example of this repository,
does it. A workload that is asked for again without another in between is not set up anew.

With a file as `check` in the line, nothing is timed: the file holds parameters, a batch, and the parameters that this
library makes of them in one step (`nn-peers` writes it). The peer takes that step, and the answer is `difference`, the
largest difference of a parameter as a share of the largest change.
"""

import json
import math
import os
import statistics
import sys
import time
import warnings

from narrow import C, Numba


class Problem:
    """A network with its parameters, a batch, and how to step. The cost J is a mean over samples, summed over outputs."""

    learning_rate, l2 = 0.01, 1e-4

    def __init__(self, sizes, activation, loss, batch):
        import numpy as np

        self.sizes, self.activation, self.loss, self.batch = sizes, activation, loss, batch
        # Weights are S_l+1 x S_l: inputs from N(0, 1), weights from N(0, 1 / S_l); of labels three in ten apply.
        stream = np.random.default_rng(0)
        self.theta = []
        for inputs, outputs in self.pairs():
            weights = stream.standard_normal((outputs, inputs), dtype=np.float32) / np.float32(inputs**0.5)
            self.theta.append((weights, np.zeros(outputs, np.float32)))
        self.x = stream.standard_normal((batch, sizes[0]), dtype=np.float32)
        if loss == "ce":
            self.y = np.eye(sizes[-1], dtype=np.float32)[stream.integers(0, sizes[-1], batch)]
        elif loss == "mse":
            self.y = stream.standard_normal((batch, sizes[-1]), dtype=np.float32)
        else:
            self.y = (stream.random((batch, sizes[-1])) < 0.3).astype(np.float32)
        self.steps_at_once = None  # as many as the peer likes

    def pairs(self):
        return list(zip(self.sizes, self.sizes[1:]))

    def classes(self):
        return self.y.argmax(1)

    def flat(self, theta):
        """Parameters in this library's order: for each layer the weights row by row, then the bias."""
        import numpy as np

        return np.concatenate([np.concatenate([np.asarray(w).ravel(), np.asarray(b).ravel()]) for w, b in theta])

    def layers(self, numbers):
        """The weights and the bias of each layer, views of numbers in this library's order."""
        layers, start = [], 0
        for inputs, outputs in self.pairs():
            bias = start + inputs * outputs
            layers.append((numbers[start:bias].reshape(outputs, inputs), numbers[bias : bias + outputs]))
            start = bias + outputs
        return layers

    def replace(self, numbers, learning_rate, l2):
        """Takes parameters and batch from a file of `check`; returns the parameters after a step."""
        import numpy as np

        count = sum((inputs + 1) * outputs for inputs, outputs in self.pairs())
        theta, x, y, after = np.split(numbers, np.cumsum([count, self.x.size, self.y.size]))
        self.theta, self.x, self.y = self.layers(theta.copy()), x.reshape(self.x.shape), y.reshape(self.y.shape)
        self.learning_rate, self.l2, self.steps_at_once = learning_rate, l2, 1
        return after


class Torch:
    """PyTorch without compilation."""

    bf16 = False

    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        self.version = torch.__version__.partition("+")[0]

    def wrapped(self, network):
        return network

    def steps(self, problem):
        import contextlib

        import torch
        from torch import nn

        hidden = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}
        layers = []
        for (inputs, outputs), (weights, bias) in zip(problem.pairs(), problem.theta):
            layer = nn.Linear(inputs, outputs)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weights))
                layer.bias.copy_(torch.from_numpy(bias))
            layers += ([hidden[problem.activation]()] if layers else []) + [layer]
        network = self.wrapped(nn.Sequential(*layers))
        cost = {"bce": nn.BCEWithLogitsLoss(), "ce": nn.CrossEntropyLoss(), "mse": nn.MSELoss()}[problem.loss]
        x = torch.from_numpy(problem.x)
        y = torch.from_numpy(problem.classes() if problem.loss == "ce" else problem.y)
        # These losses are means over outputs too, and MSELoss has no 1/2. What they are short of J goes into the
        # learning rate and out of the weight decay: that takes no time.
        short = {"bce": problem.sizes[-1], "ce": 1, "mse": problem.sizes[-1] / 2}[problem.loss]
        linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        decay = problem.l2 / problem.batch / short
        groups = [{"params": [layer.weight for layer in linear], "weight_decay": decay}]
        groups += [{"params": [layer.bias for layer in linear]}]
        optimizer = torch.optim.SGD(groups, lr=problem.learning_rate * short, fused=True)
        precision = contextlib.nullcontext
        if self.bf16:
            precision = lambda: torch.autocast("cpu", dtype=torch.bfloat16)

        def run(count):
            for _ in range(count):
                optimizer.zero_grad(set_to_none=True)
                with precision():
                    j = cost(network(x), y)
                j.backward()
                optimizer.step()

        return run, 1, lambda: [(layer.weight.detach(), layer.bias.detach()) for layer in linear]


class TorchBf16(Torch):
    bf16 = True


class Jax:
    """JAX with a scan over steps within one jitted function, so that a step is not dispatched from Python."""

    def __init__(self, threads):
        eigen = "true" if threads > 1 else "false"
        os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
        import jax

        self.version = jax.__version__

    def steps(self, problem):
        import jax
        import jax.numpy as jnp

        hidden = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "tanh": jnp.tanh}.get(problem.activation)
        theta = [(jnp.asarray(weights.T), jnp.asarray(bias)) for weights, bias in problem.theta]
        x, y = jnp.asarray(problem.x), jnp.asarray(problem.classes() if problem.loss == "ce" else problem.y)
        loss, batch, rate, decay = problem.loss, problem.batch, problem.learning_rate, problem.l2 / problem.batch

        def cost(theta):
            a = x
            for index, (weights, bias) in enumerate(theta):
                z = a @ weights + bias
                a = hidden(z) if index < len(theta) - 1 else z
            if loss == "bce":
                j = jnp.sum(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z)))) / batch
            elif loss == "ce":
                j = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))
            else:
                j = 0.5 * jnp.sum((z - y) ** 2) / batch
            return j + 0.5 * decay * sum(jnp.sum(weights * weights) for weights, _ in theta)

        def step(theta, _):
            return jax.tree.map(lambda t, d: t - rate * d, theta, jax.grad(cost)(theta)), None

        length = problem.steps_at_once or (100 if batch <= 1024 and max(problem.sizes) < 512 else 4)
        scan = jax.jit(lambda theta: jax.lax.scan(step, theta, None, length=length)[0], donate_argnums=0)

        def run(count):
            nonlocal theta
            for _ in range(count):
                theta = scan(theta)
            jax.block_until_ready(theta)

        return run, length, lambda: [(weights.T, bias) for weights, bias in theta]


class Numpy:
    """NumPy and its BLAS, written out by hand."""

    def __init__(self, threads):
        import numpy

        self.version = numpy.__version__

    def steps(self, problem):
        import numpy as np

        theta, x, y, batch = problem.theta, problem.x, problem.y, problem.batch
        rate, decay = np.float32(problem.learning_rate), np.float32(problem.l2 / batch)

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def softmax(z):
            e = np.exp(z - z.max(1, keepdims=True))
            e /= e.sum(1, keepdims=True)
            return e

        hidden = {"sigmoid": sigmoid, "relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}.get(problem.activation)
        slopes = {"sigmoid": lambda a: a * (1 - a), "relu": lambda a: a > 0, "tanh": lambda a: 1 - a * a}
        slope = slopes.get(problem.activation)
        output = {"bce": sigmoid, "ce": softmax, "mse": lambda z: z}[problem.loss]

        def run(count):
            for _ in range(count):
                a = [x]
                for index, (weights, bias) in enumerate(theta):
                    z = a[-1] @ weights.T
                    z += bias
                    a.append(hidden(z) if index < len(theta) - 1 else output(z))
                delta = (a[-1] - y) / batch
                for index in reversed(range(len(theta))):
                    weights, bias = theta[index]
                    gradient, bias_gradient = delta.T @ a[index] + decay * weights, delta.sum(0)
                    if index:
                        delta = (delta @ weights) * slope(a[index])
                    weights -= rate * gradient
                    bias -= rate * bias_gradient

        return run, 1, lambda: theta


class Sklearn:
    """scikit-learn's multi-layer perceptrons, whose cost and gradient are those of this library."""

    # Numbers in the samples of one partial_fit: enough to hide its fixed part, few enough to stay in cache.
    NUMBERS = 1 << 18

    def __init__(self, threads):
        import sklearn

        sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
        self.version = sklearn.__version__

    def steps(self, problem):
        import numpy as np
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        warnings.simplefilter("ignore", ConvergenceWarning)
        room = self.NUMBERS // (problem.batch * (problem.sizes[0] + problem.sizes[-1]))
        batches = problem.steps_at_once or min(100, max(1, room))
        y, classes = problem.y, None
        if problem.loss == "ce":
            y, classes = problem.classes(), np.arange(problem.sizes[-1])
        elif problem.loss == "bce":
            classes = np.arange(2) if problem.sizes[-1] == 1 else np.arange(problem.sizes[-1])
        x, y = np.concatenate([problem.x] * batches), np.concatenate([y] * batches)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y.ravel()
        model = (MLPRegressor if problem.loss == "mse" else MLPClassifier)(
            hidden_layer_sizes=problem.sizes[1:-1],
            activation={"sigmoid": "logistic"}.get(problem.activation, problem.activation),
            solver="sgd",
            alpha=problem.l2,
            batch_size=problem.batch,
            learning_rate_init=problem.learning_rate,
            momentum=0,
            shuffle=False,
        )
        words = {} if classes is None else {"classes": classes}
        model.partial_fit(x, y, **words)  # makes the parameters, which are then replaced
        for (weights, bias), coefficients, intercepts in zip(problem.theta, model.coefs_, model.intercepts_):
            coefficients[...], intercepts[...] = weights.T, bias

        def run(count):
            for _ in range(count):
                model.partial_fit(x, y, **words)

        return run, batches, lambda: [(weights.T, bias) for weights, bias in zip(model.coefs_, model.intercepts_)]


PEERS = {"torch": Torch, "torch-bf16": TorchBf16, "jax": Jax, "numpy": Numpy, "sklearn": Sklearn, "c": C, "numba": Numba}


def timed(run, steps, repeats, seconds):
    """Seconds that a step takes, of each repeat; `run(count)` takes `count` times `steps` steps."""

    def clock(count):
        start = time.perf_counter()
        run(count)
        return time.perf_counter() - start

    # A warm-up that doubles until it takes a quarter of a repeat, after what is compiled in the first step.
    run(1)
    count, taken = 2, clock(2)
    while taken < seconds / 4:
        count *= 2
        taken = clock(count)
    count = max(1, math.ceil(seconds * count / taken))
    return [clock(count) / (count * steps) for _ in range(repeats)]


def difference(peer, problem, job):
    """How far the peer's step is from the one in the file, as a share of the largest change."""
    import numpy as np

    after = problem.replace(np.fromfile(job["check"], np.float32), job["learning_rate"], job["l2"])
    before = problem.flat(problem.theta)
    run, steps, theta = peer.steps(problem)
    run(1)
    found = problem.flat(theta())
    if steps != 1 or not found.shape == after.shape == before.shape:
        raise ValueError(f"{found.size} parameters after {steps} steps; the file has {after.size}")
    return float(np.abs(found - after).max() / np.abs(after - before).max())


def main(peer, threads):
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(threads)
    peer = PEERS[peer](threads)
    print(json.dumps({"version": peer.version}), flush=True)
    last, run, steps = None, None, None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            wanted = [job[name] for name in ("sizes", "activation", "loss", "batch")]
            if "check" in job:
                answer = {"difference": difference(peer, Problem(*wanted), job)}
            else:
                if wanted != last:
                    last = run = None  # frees the memory of what was before
                    run, steps, _ = peer.steps(Problem(*wanted))
                    last = wanted
                seconds = timed(run, steps, job.get("repeats", 5), job.get("seconds", 0.4))
                answer = {"best_us_per_step": 1e6 * min(seconds), "us_per_step": 1e6 * statistics.median(seconds)}
        except Exception as error:  # whatever a peer raises is its answer, and the next workload may do better
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in PEERS or not sys.argv[2].isdigit() or int(sys.argv[2]) < 1:
        sys.exit(f"usage: peers.py {{{','.join(PEERS)}}} THREADS\n\n{__doc__}")
    main(sys.argv[1], int(sys.argv[2]))
