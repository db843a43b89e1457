#!/usr/bin/env python3
"""Train on Fashion-MNIST with PyTorch, and say how accuracy rose with the seconds of training.

    echo '{"hidden": [256], "learning_rate": 0.001, "batch_size": 128, "epochs": 1, "evaluations": 10, "seed": 1}' |
        python3 train_torch.py 1 /usr/share/datasets/fashion-mnist

The arguments are the number of threads and the folder of the data. A line on stdin is a training run; a line comes back
for each, with its `points`, as the example `fashion` of this repository prints them: the same network, initialisation,
optimiser and points of evaluation, a fresh shuffle each epoch. The first line of all says the `version`.

What is fastest was found by trying, on a Zen 4: Adam with fused=True (without it an epoch takes a fifth longer), all
samples as one tensor and index_select for a batch, costs kept as tensors until the network is judged, inference_mode
for that. torch.compile of network and loss made it no faster, neither did flushing denormal numbers: both are left
out. How threads wait for one another is tried by accuracy.py. Before the first run, a network is trained for 20 steps
and thrown away.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn


def idx(folder, stem, dimensions):
    """The bytes of an IDX file, plain or compressed, under one of its names."""
    names = [f"{stem}{mark}idx{dimensions}-ubyte{end}" for mark in "-." for end in ("", ".gz")]
    path = next((folder / name for name in names if (folder / name).exists()), None)
    if path is None:
        sys.exit(f"no {names[0]} in {folder}")
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    sizes = np.frombuffer(data, ">u4", dimensions, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(sizes)


def samples(folder, part):
    """All pixels as they are, and their classes."""
    pixels, labels = idx(folder, f"{part}-images", 3), idx(folder, f"{part}-labels", 1)
    return pixels.reshape(len(pixels), -1), labels


def tensors(train, test, limit):
    """Samples as one tensor of f32 each, the training pixels at mean 0 and deviation 1, and their classes."""
    train = [part[:limit] for part in train]
    mean, deviation = train[0].mean(dtype=np.float64), train[0].std(dtype=np.float64)
    scaled = ((np.arange(256) - mean) / deviation).astype(np.float32)
    parts = (train, test)
    return [(torch.from_numpy(scaled[pixels]), torch.from_numpy(labels.astype(np.int64))) for pixels, labels in parts]


def network(hidden):
    """Relu in the hidden layers, softmax at the output; weights drawn after Glorot, biases of 0."""
    sizes = [784, *hidden, 10]
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        linear = nn.Linear(inputs, outputs)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def accuracy(model, inputs, labels):
    with torch.inference_mode():
        return (model(inputs).argmax(1) == labels).sum().item() / len(labels)


def train(job, train_set, test_set):
    """The points of a training run; the clock stands still while the network is judged."""
    inputs, labels = train_set
    torch.manual_seed(job["seed"])
    model = network(job["hidden"])
    size, evaluations = job["batch_size"], job["evaluations"]
    batches = -(-len(inputs) // size)
    points, seconds = [], 0.0
    start = time.perf_counter()
    optimizer = torch.optim.Adam(model.parameters(), lr=job["learning_rate"], fused=True)
    cost = nn.CrossEntropyLoss()
    reached = [-(-point * batches // evaluations) for point in range(evaluations + 1)]
    for epoch in range(job["epochs"]):
        order = torch.randperm(len(inputs)).split(size)
        for begin, end in zip(reached, reached[1:]):
            if begin == end:
                continue
            costs = []
            for indices in order[begin:end]:
                optimizer.zero_grad(set_to_none=True)
                j = cost(model(inputs.index_select(0, indices)), labels.index_select(0, indices))
                j.backward()
                optimizer.step()
                costs.append(j.detach())
            seconds += time.perf_counter() - start
            count = sum(map(len, order[begin:end]))
            points.append(
                {
                    "epoch": epoch + end / batches,
                    "step": epoch * batches + end,
                    "seconds": seconds,
                    "cost": sum(j.item() * len(indices) for j, indices in zip(costs, order[begin:end])) / count,
                    "accuracy": accuracy(model, *test_set),
                }
            )
            start = time.perf_counter()
    return points


def main(threads, folder):
    torch.set_num_threads(threads)
    print(json.dumps({"version": torch.__version__.partition("+")[0]}), flush=True)
    train_set, test_set = samples(folder, "train"), samples(folder, "t10k")
    limit, sets = 0, None
    for line in sys.stdin:
        job = json.loads(line)
        if sets is None or job.get("limit") != limit:
            limit = job.get("limit")
            sets = tensors(train_set, test_set, limit)
            # What a process does once, such as choosing kernels, is not training.
            (inputs, labels), rows = sets[0], 20 * job["batch_size"]
            train({**job, "epochs": 1}, (inputs[:rows], labels[:rows]), sets[1])
        print(json.dumps({"points": train(job, *sets)}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        sys.exit(f"usage: train_torch.py THREADS FOLDER\n\n{__doc__}")
    main(int(sys.argv[1]), Path(sys.argv[2]))
