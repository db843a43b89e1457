"""The systems that are compared, each a process that is asked again and again, or a program that is run."""

import json
import os
import subprocess

from environment import HERE, PEERS, pinned, say

RUST_PEERS = ("burn", "candle")
# Written for the sizes of a network, of so many units in its widest layer at most: with more of them products take the
# time, for which there are libraries.
NARROW_PEERS, NARROW = ("c", "numba"), 64
# In the order of the tables.
F32_PEERS = ("torch", "jax", "numpy", "sklearn", *RUST_PEERS, *NARROW_PEERS)
ALL_PEERS = (*F32_PEERS, "torch-bf16")
OURS, OURS_BF16 = "nn-train", "nn-train-bf16"
TITLES = {
    "torch": "PyTorch",
    "jax": "JAX",
    "numpy": "NumPy",
    "sklearn": "scikit-learn",
    "burn": "burn",
    "candle": "candle",
    "c": "C",
    "numba": "Numba",
    "torch-bf16": "PyTorch bf16",
    OURS: "this library",
    OURS_BF16: "this library, bf16",
}
# Settings that are no obvious ones: what a reader needs to know to believe that a peer is at its best.
SETTINGS = {
    "torch": "eager (`torch.compile` was never faster), fused SGD; on several threads the quicker of `OMP_WAIT_POLICY`"
    " unset and passive",
    "jax": "100 steps (4 of a large network) in one jitted `lax.scan`, buffers donated",
    "numpy": "written out by hand, products by its OpenBLAS",
    "sklearn": "`partial_fit` of several small batches at once, without its validation of parameters and data",
    "burn": "flex backend, features `simd`, `rayon`, `x86-v4`; native code, fat LTO, mimalloc",
    "candle": "CPU backend with AVX-512 products; native code, fat LTO, mimalloc",
    "c": f"layers of at most {NARROW}: written out for the sizes as constants, vectors of samples, a polynomial as exponential;"
    " no cost is computed and nothing is checked, as no one asks for it; `cc -O3 -march=native -ffast-math -fopenmp`",
    "numba": f"layers of at most {NARROW}: the same in Python, `njit(fastmath=True)` with sizes as constants, `prange`;"
    " its own exponential, as there is no SVML",
    "torch-bf16": "`torch.autocast` to bfloat16, parameters and update in f32; waiting as above",
}
# The C library's allocator keeps what is freed: else every large array of a step is mapped anew, page by page, which
# takes PyTorch up to three times as long. A user would have to know of it; a peer at its best has it.
KEEPING = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
    "MALLOC_TOP_PAD_": str(1 << 26),
}


class Died(Exception):
    """A process that has ended before it answered."""


class Process:
    """A process that answers a line with a line, and is started again should it end."""

    def __init__(self, name, command, threads, core, wait=None, stderr=subprocess.DEVNULL):
        self.name, self.command, self.threads, self.core = name, list(map(str, command)), threads, core
        self.wait, self.stderr = wait, stderr
        self.start()

    def start(self):
        variables = {**os.environ, **KEEPING}
        variables |= {f"{library}_NUM_THREADS": str(self.threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON")}
        variables.pop("OMP_WAIT_POLICY", None)
        if self.wait:
            variables["OMP_WAIT_POLICY"] = self.wait
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.stderr}
        preexec = pinned(self.threads, self.core)
        self.process = subprocess.Popen(self.command, text=True, preexec_fn=preexec, env=variables, **pipes)
        try:
            self.version = self.answer()["version"]
        except Died as died:
            raise SystemExit(f"{died}; is it installed?") from died

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Died(f"{self.name} has ended with the status {self.process.wait()}")
        return json.loads(line)

    def ask(self, job):
        """The answer to a job; one with `error` where there is none."""
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
            return self.answer()
        except (Died, BrokenPipeError) as error:
            self.end()
            self.start()
            return {"error": str(error)}

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def waits(name, threads):
    """How the threads of a peer may wait for one another. Spinning, what OpenMP does unless it is told otherwise, is
    quicker where nothing else runs, and slower by far where something does."""
    return (None, "passive") if (name.startswith("torch") or name in NARROW_PEERS) and threads > 1 else (None,)


def takes_part(name, workload):
    """Whether a system is asked for a workload."""
    return name not in NARROW_PEERS or max(workload["sizes"]) <= NARROW


class Peer:
    """Another system, in a process for each way that its threads may wait."""

    def __init__(self, name, threads, core, python, rust_peers):
        self.name, self.threads = name, threads
        command = [python, HERE / "peers.py", name, threads] if name in PEERS else [rust_peers, name]
        self.processes = [Process(name, command, threads, core, wait) for wait in waits(name, threads)]
        self.version = self.processes[0].version

    def ask(self, job):
        """The best answer to a job; one with `error` where there is none."""
        answers = [{**process.ask(job), **({"wait": process.wait} if process.wait else {})} for process in self.processes]
        return min(answers, key=lambda answer: answer.get("best_us_per_step", float("inf")))

    def end(self):
        for process in self.processes:
            process.end()


def throughput(example, workload, threads, precision, options):
    """What `throughput` says of this library, in f32 or in another precision; `error` where it cannot do it."""
    command = [example, "--json", "--workload", workload["workload"], "--threads", str(threads)]
    command += ["--repeats", str(options.repeats), "--seconds", str(options.seconds)]
    command += ["--precision", precision] if precision else []
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE if precision else None}
    done = subprocess.run(command, text=True, check=False, preexec_fn=pinned(threads, options.core), **pipes)
    if done.returncode and not precision:
        raise SystemExit(f"throughput has ended with the status {done.returncode}")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return {"error": lines[0].removeprefix("error: ") if lines else f"status {done.returncode}"}
    report = json.loads(done.stdout)
    return {
        "best_us_per_step": report["best_us_per_step"],
        "us_per_step": report["us_per_step"],
        # Of the precision that the plan has taken, whatever the peak is called.
        "peak_gflop_s": report.get("peak_gflop_s") or report["fma_peak_gflop_s"],
        "engine": report["engine"],
        "precision": report["precision"],
    }


def measure(recording, example, peers, options):
    """Times everything in turn, round after round, but for what the recording has already."""
    said = set()
    ours = [OURS] + ([OURS_BF16] if "torch-bf16" in options.peer else [])
    for workload in recording.workloads:
        for number in range(options.rounds):
            say(f"{workload['workload']}, round {number + 1} of {options.rounds}")
            for threads in options.threads:
                for system in [*(peer for peer in peers if peer.threads == threads), *ours]:
                    name = system if isinstance(system, str) else system.name
                    key = {"workload": workload["workload"], "system": name, "threads": threads, "round": number}
                    if recording.has(key) or not takes_part(name, workload):
                        continue
                    if name == OURS:
                        answer = throughput(example, workload, threads, None, options)
                    elif name == OURS_BF16:
                        answer = throughput(example, workload, threads, "bf16", options)
                    else:
                        answer = system.ask({**workload, "repeats": options.repeats, "seconds": options.seconds})
                    if "error" in answer and (name, answer["error"]) not in said:
                        say(f"    {name}, threads: {threads}: {answer['error']}")
                        said.add((name, answer["error"]))
                    recording.add({**key, **answer})
