#!/usr/bin/env python3
"""Time full training steps (forward, backward, L2, plain SGD) of another system, in f32.

    echo '{"sizes": [2, 4, 4, 4], "activation": "sigmoid", "loss": "bce", "batch": 32}' | python3 peers.py numpy 1

PEER is `torch` (eager, fused SGD), `jax` (many steps in one jitted scan) or `numpy`; THREADS is how many it may use. A
line on stdin is a workload, and may say how many `repeats` are to be timed (5) and how many `seconds` each takes (0.4).
A line comes back for each: `best_us_per_step` and `us_per_step` of the best repeat and the median one, or `error`. The
first line of all says the peer's `version`.

What is timed is one batch stepped on over and over after a warm-up, as `throughput`, the example of this repository,
does it. A workload that is asked for again without another in between is not set up anew.
"""

import json
import math
import os
import statistics
import sys
import time

LEARNING_RATE, L2 = 0.01, 1e-4


def samples(sizes, loss, batch):
    """Inputs from N(0, 1), and targets: labels of which three in ten apply, classes, or numbers from N(0, 1)."""
    import numpy as np

    stream = np.random.default_rng(0)
    x = stream.standard_normal((batch, sizes[0]), dtype=np.float32)
    if loss == "ce":
        y = stream.integers(0, sizes[-1], batch)
    elif loss == "mse":
        y = stream.standard_normal((batch, sizes[-1]), dtype=np.float32)
    else:
        y = (stream.random((batch, sizes[-1])) < 0.3).astype(np.float32)
    return x, y


class Torch:
    """PyTorch without compilation, which on these workloads was never faster."""

    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        self.version = torch.__version__.partition("+")[0]

    def steps(self, sizes, activation, loss, batch):
        import torch
        from torch import nn

        hidden = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[activation]
        layers = []
        for index, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            layers += ([hidden()] if index else []) + [nn.Linear(inputs, outputs)]
        network = nn.Sequential(*layers)
        cost = {"bce": nn.BCEWithLogitsLoss(), "ce": nn.CrossEntropyLoss(), "mse": nn.MSELoss()}[loss]
        x, y = map(torch.from_numpy, samples(sizes, loss, batch))
        weights = [theta for name, theta in network.named_parameters() if name.endswith("weight")]
        biases = [theta for name, theta in network.named_parameters() if name.endswith("bias")]
        groups = [{"params": weights, "weight_decay": L2}, {"params": biases}]
        optimizer = torch.optim.SGD(groups, lr=LEARNING_RATE, fused=True)

        def run(count):
            for _ in range(count):
                optimizer.zero_grad(set_to_none=True)
                cost(network(x), y).backward()
                optimizer.step()

        return run, 1


class Jax:
    """JAX with a scan over steps within one jitted function, so that a step is not dispatched from Python."""

    def __init__(self, threads):
        eigen = "true" if threads > 1 else "false"
        os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
        import jax

        self.version = jax.__version__

    def steps(self, sizes, activation, loss, batch):
        import jax
        import jax.numpy as jnp

        hidden = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "tanh": jnp.tanh}[activation]
        key = jax.random.PRNGKey(0)
        theta = [(jax.random.normal(key, (a, b)) / a**0.5, jnp.zeros(b)) for a, b in zip(sizes, sizes[1:])]
        x, y = map(jnp.asarray, samples(sizes, loss, batch))

        def cost(theta):
            a = x
            for index, (weights, bias) in enumerate(theta):
                z = a @ weights + bias
                a = hidden(z) if index < len(theta) - 1 else z
            if loss == "bce":
                j = jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
            elif loss == "ce":
                j = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))
            else:
                j = jnp.mean((z - y) ** 2)
            return j + 0.5 * L2 * sum(jnp.sum(weights * weights) for weights, _ in theta)

        def step(theta, _):
            return jax.tree.map(lambda t, d: t - LEARNING_RATE * d, theta, jax.grad(cost)(theta)), None

        length = 100 if batch <= 1024 and max(sizes) < 512 else 4
        scan = jax.jit(lambda theta: jax.lax.scan(step, theta, None, length=length)[0], donate_argnums=0)

        def run(count):
            nonlocal theta
            for _ in range(count):
                theta = scan(theta)
            jax.block_until_ready(theta)

        return run, length


class Numpy:
    """NumPy and its BLAS, written out by hand."""

    def __init__(self, threads):
        import numpy

        self.version = numpy.__version__

    def steps(self, sizes, activation, loss, batch):
        import numpy as np

        stream = np.random.default_rng(1)
        theta = []
        for a, b in zip(sizes, sizes[1:]):
            weights = (stream.standard_normal((b, a)) / a**0.5).astype(np.float32)
            theta.append([weights, np.zeros(b, np.float32)])
        x, y = samples(sizes, loss, batch)
        if loss == "ce":
            y = np.eye(sizes[-1], dtype=np.float32)[y]

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def softmax(z):
            e = np.exp(z - z.max(1, keepdims=True))
            e /= e.sum(1, keepdims=True)
            return e

        hidden = {"sigmoid": sigmoid, "relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}[activation]
        slope = {"sigmoid": lambda a: a * (1 - a), "relu": lambda a: a > 0, "tanh": lambda a: 1 - a * a}[activation]
        output = {"bce": sigmoid, "ce": softmax, "mse": lambda z: z}[loss]

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
                    gradient, bias_gradient = delta.T @ a[index] + L2 * weights, delta.sum(0)
                    if index:
                        delta = (delta @ weights) * slope(a[index])
                    weights -= LEARNING_RATE * gradient
                    bias -= LEARNING_RATE * bias_gradient

        return run, 1


PEERS = {"torch": Torch, "jax": Jax, "numpy": Numpy}


def timed(run, steps, repeats, seconds):
    """Seconds that a step takes, of each repeat; `run(count)` takes `count` times `steps` steps."""

    def clock(count):
        start = time.perf_counter()
        run(count)
        return time.perf_counter() - start

    # A warm-up that doubles until it takes a quarter of a repeat.
    count, taken = 2, clock(2)
    while taken < seconds / 4:
        count *= 2
        taken = clock(count)
    count = max(1, math.ceil(seconds * count / taken))
    return [clock(count) / (count * steps) for _ in range(repeats)]


def main(peer, threads):
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    peer = PEERS[peer](threads)
    print(json.dumps({"version": peer.version}), flush=True)
    last, run, steps = None, None, None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            wanted = [job[name] for name in ("sizes", "activation", "loss", "batch")]
            if wanted != last:
                last = run = None  # frees the memory of what was before
                run, steps = peer.steps(*wanted)
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
