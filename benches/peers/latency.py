#!/usr/bin/env python3
"""How long a prediction takes beside onnxruntime, PyTorch and scikit-learn: of one sample, and of a batch.

    python3 benches/peers/latency.py                         # ten minutes or so; writes the table in docs/performance.md
    python3 benches/peers/latency.py --rounds 1 --seconds 0.01 --workload seed-b32 --print

Each round asks every system in turn for every network: one sample, then the workload's batch. What a call takes in the best repeat of
all rounds counts, for every system alike. On one thread all are pinned to the same core.

    this library    Predictor::predict_into and Predictor::predict_batch (benches/latency.rs)
    onnxruntime     run_with_iobinding to memory that is there, the quickest way that it has; Gemm, activation, softmax or sigmoid
    PyTorch         eager under inference_mode; eager was quicker than torch.jit.trace with freeze on most
    scikit-learn    predict_proba or predict in f32, without its validation of parameters
"""

import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

BEGIN, END = "<!-- latency: written by benches/peers/latency.py -->", "<!-- end of the latencies -->"
EXTRA = ("onnx==1.23.2", "onnxruntime==1.32.0")
TITLES = {"ours": "this library", "onnxruntime": "onnxruntime", "torch": "PyTorch", "sklearn": "scikit-learn"}


class OnnxRuntime:
    def __init__(self, threads):
        import onnxruntime

        self.threads, self.version = threads, onnxruntime.__version__

    def predict(self, problem):
        import numpy as np
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper

        hidden = {"sigmoid": "Sigmoid", "relu": "Relu", "tanh": "Tanh"}[problem.activation]
        output = {"bce": "Sigmoid", "ce": "Softmax", "mse": None}[problem.loss]
        nodes, numbers, name = [], [], "x"
        for index, (weights, bias) in enumerate(problem.theta):
            numbers += [numpy_helper.from_array(weights, f"w{index}"), numpy_helper.from_array(bias, f"b{index}")]
            nodes.append(helper.make_node("Gemm", [name, f"w{index}", f"b{index}"], [f"z{index}"], transB=1))
            name = f"z{index}"
            activation = hidden if index < len(problem.theta) - 1 else output
            if activation:
                nodes.append(helper.make_node(activation, [name], [f"a{index}"]))
                name = f"a{index}"
        values = [
            helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", width])
            for value, width in (("x", problem.sizes[0]), (name, problem.sizes[-1]))
        ]
        graph = helper.make_graph(nodes, "network", values[:1], values[1:], numbers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        out = np.empty((problem.batch, problem.sizes[-1]), np.float32)
        binding = session.io_binding()
        binding.bind_cpu_input("x", problem.x)
        binding.bind_output(name, "cpu", 0, np.float32, out.shape, out.ctypes.data)
        self.kept = out
        return lambda: session.run_with_iobinding(binding)


class Torch:
    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        self.version = torch.__version__.partition("+")[0]

    def predict(self, problem):
        import torch
        from torch import nn

        hidden = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[problem.activation]
        layers = []
        for weights, bias in problem.theta:
            layer = nn.Linear(*reversed(weights.shape))
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weights))
                layer.bias.copy_(torch.from_numpy(bias))
            layers += [layer, hidden()]
        layers[-1:] = {"bce": [nn.Sigmoid()], "ce": [nn.Softmax(1)], "mse": []}[problem.loss]
        network, x = nn.Sequential(*layers).eval(), torch.from_numpy(problem.x)

        def run():
            with torch.inference_mode():
                return network(x)

        return run


class Sklearn:
    def __init__(self, threads):
        import sklearn

        sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
        self.version = sklearn.__version__

    def predict(self, problem):
        import warnings

        import numpy as np
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        warnings.simplefilter("ignore")
        activation = {"sigmoid": "logistic"}.get(problem.activation, problem.activation)
        outputs = problem.sizes[-1]
        # A fit of a few samples makes the parameters, which are then replaced.
        few = np.zeros((max(outputs, 2), problem.sizes[0]), np.float32)
        if problem.loss == "mse":
            model = MLPRegressor(hidden_layer_sizes=problem.sizes[1:-1], activation=activation, max_iter=1)
            model.fit(few, np.zeros((len(few), outputs), np.float32))
        else:
            model = MLPClassifier(hidden_layer_sizes=problem.sizes[1:-1], activation=activation, max_iter=1)
            labels = np.eye(len(few), outputs, dtype=int) if problem.loss == "bce" and outputs > 1 else np.arange(len(few))
            model.fit(few, labels)
        model.coefs_ = [weights.T.copy() for weights, _ in problem.theta]
        model.intercepts_ = [bias for _, bias in problem.theta]
        predict = model.predict if problem.loss == "mse" else model.predict_proba
        return lambda: predict(problem.x)


PEERS = {"onnxruntime": OnnxRuntime, "torch": Torch, "sklearn": Sklearn}


def serve(name, threads):
    """Answers jobs from the standard input, a line each: what a prediction takes."""
    from peers import Problem

    peer = PEERS[name](threads)
    print(json.dumps({"version": peer.version}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            run = peer.predict(Problem(job["sizes"], job["activation"], job["loss"], job["rows"]))
            print(json.dumps(timed(run, job["seconds"], job["repeats"])), flush=True)
        except Exception as error:  # what a peer cannot do is a blank in the table
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


def timed(run, seconds, repeats):
    def clock(count):
        start = time.perf_counter()
        for _ in range(count):
            run()
        return time.perf_counter() - start

    run()
    count, taken = 1, clock(1)
    while taken < seconds / 2:
        count *= 2
        taken = clock(count)
    count = max(1, math.ceil(seconds * count / taken))
    found = [clock(count) / count * 1e6 for _ in range(repeats)]
    return {"best_us": min(found), "us": statistics.median(found)}


def microseconds(number):
    return "" if number is None else f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def page(found, versions, options):
    """The Markdown: a table a number of threads, what is quickest in bold."""
    from environment import commit, processor
    from table import plural, table

    peers = [peer for peer in TITLES if peer in versions]
    lines = [
        f"Microseconds a call, the best of {options.rounds} rounds of {options.repeats} repeats of {options.seconds} s each, on"
        f" {processor()}, {time.strftime('%Y-%m-%d')}, commit {commit()}. "
        + ", ".join(f"{TITLES[peer]} {versions[peer]}" for peer in peers if peer != "ours")
        + ". The last column is how many times as fast this library is as the best of the others.",
    ]
    for threads in options.threads:
        rows, ratios = [], []
        for (name, samples, count), answers in found.items():
            if count != threads:
                continue
            others = [time for peer, time in answers.items() if peer != "ours"]
            ratio = min(others) / answers["ours"] if others else None
            if ratio:
                ratios.append(ratio)
            best = min(answers.values())
            cells = [microseconds(answers.get(peer)) for peer in peers]
            cells = [f"**{cell}**" if answers.get(peer) == best else cell for peer, cell in zip(peers, cells)]
            rows.append([name, f"{samples:,}", *cells, f"{ratio:.2f}" if ratio else ""])
        lines += ["", f"On {plural(threads)}:", ""]
        lines += table(["network", "samples", *(TITLES[peer] for peer in peers), "times"], len(peers) + 2, rows)
        if ratios:
            won = sum(ratio > 1 for ratio in ratios)
            mean = math.exp(statistics.fmean(map(math.log, ratios)))
            lines += ["", f"The quickest on {won} of {len(ratios)}; the least ratio is {min(ratios):.2f}, the geometric mean {mean:.1f}."]
    return "\n".join(lines)


def main():
    from environment import EXAMPLE, ROOT, built, counted, environment_python, say
    from systems import Process

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=counted(1), nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=counted(1), default=5)
    parser.add_argument("--repeats", type=counted(1), default=3)
    parser.add_argument("--seconds", type=float, default=0.05, help="seconds that a repeat takes [0.05]")
    parser.add_argument("--workload", action="append", help="a standard workload [all]")
    parser.add_argument("--peer", action="append", choices=list(PEERS), help="another system [all]")
    parser.add_argument("--core", type=int, default=0, help="the core of one thread [0]")
    parser.add_argument("--print", action="store_true", help="print the table, and write nothing")
    options = parser.parse_args()
    names = options.peer or list(PEERS)

    # A benchmark is built as an example is, with the workspace's features.
    latency = built("latency", ROOT, *EXAMPLE[:-1], "--bench", "latency")
    throughput = built("throughput", ROOT, *EXAMPLE, "throughput")
    import subprocess

    workloads = [json.loads(line) for line in subprocess.check_output([throughput, "--list"], text=True).splitlines()]
    if unknown := set(options.workload or ()) - {workload["workload"] for workload in workloads}:
        parser.error(f"unknown workload {', '.join(sorted(unknown))}")
    workloads = [w for w in workloads if not options.workload or w["workload"] in options.workload]
    python = environment_python([name for name in names if name != "onnxruntime"], EXTRA if "onnxruntime" in names else ())

    class Ours(Process):
        def ask(self, job):
            self.process.stdin.write("{workload} {rows} {seconds} {repeats}\n".format(**job))
            self.process.stdin.flush()
            return self.answer()

    found, versions = {}, {}
    for threads in options.threads:
        systems = {"ours": Ours("latency", [latency, "serve", threads], threads, options.core, stderr=None)}
        for name in names:
            command = [python, HERE / "latency.py", "--serve", name, threads]
            systems[name] = Process(name, command, threads, options.core, stderr=None)
        versions |= {name: system.version for name, system in systems.items()}
        for round_ in range(options.rounds):
            say(f"{threads} thread(s), round {round_ + 1} of {options.rounds} ...")
            seen = set()
            for workload in workloads:
                job = {**workload, "seconds": options.seconds, "repeats": options.repeats}
                single = str(workload["sizes"]) not in seen
                seen.add(str(workload["sizes"]))
                for rows in ([1] if single else []) + [workload["batch"]]:
                    network = workload["workload"].rpartition("-b")[0]
                    answers = found.setdefault((network, rows, threads), {})
                    for name, system in systems.items():
                        answer = system.ask({**job, "rows": rows})
                        if "error" in answer:
                            say(f"{TITLES[name]}, {network}, {rows}: {answer['error']}")
                        else:
                            answers[name] = min(answers.get(name, math.inf), answer["best_us"])
        for system in systems.values():
            system.end()
    text = page(found, versions, options)
    if options.print:
        print(text)
        return
    path = ROOT / "docs" / "performance.md"
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path}: there are no lines {BEGIN!r} and {END!r}")
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{behind}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        main()
