#!/usr/bin/env python3
"""Time training steps that two processes take together, one core each, here and in PyTorch: strong and weak scaling.

    python3 benches/peers/scaling.py                             # both workloads, and the table of docs/distributed.md
    python3 benches/peers/scaling.py --from docs/scaling.json    # the table anew, nothing measured
    python3 benches/peers/scaling.py --rounds 1 --workload wide-b1024 --output target/scaling

The example `throughput` is started by mpirun, with the feature `mpi`; PyTorch's side is DistributedDataParallel over gloo, in
scaling_torch.py, with the quicker of two sizes of buckets. Both take the same step, of one batch over and over: forward,
back-propagation, L2, the sum of the gradients and plain SGD. Strong: the ranks share the workload's batch. Weak: each rank
has a batch of that size. In every round each system has its turn on one rank and on several; ranks are processes of one thread
that are bound to a core of their own. The best repeat of all rounds counts, for both alike.

It wants a machine that does nothing else; where there is none, `--before "chrt -f 20"` keeps others off the cores most of the
time, and the threads that sum from computing side by side. Everything is written to scaling.json as soon as it is there.
"""

import argparse
import datetime
import json
import os
import socket
import statistics
import subprocess
import sys
from pathlib import Path

from environment import HERE, ROOT, built, commit, counted, environment_python, load, output_of, pinned, processor, say
from systems import KEEPING
from table import table, thousands, times

SYSTEMS = {"ours": "this library", "torch": "PyTorch"}
BUCKETS_MB = (25, 4)
BEGIN, END = "<!-- scaling: written by benches/peers/scaling.py -->", "<!-- end of scaling -->"
# OpenMPI's sums over two and three ranks take half the time as rings; over more it does so by itself.
RINGS = ("--mca", "coll_libnbc_iallreduce_algorithm", "1")
MPI_ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def mpirun(ranks, *command, words=("--bind-to", "core")):
    """What rank 0 of a program prints that runs as so many ranks, a core each."""
    command = ["mpirun", "-n", ranks, *RINGS, *words, *command]
    environment = {**os.environ, **MPI_ENVIRONMENT}
    return subprocess.run(list(map(str, command)), env=environment, text=True, stdout=subprocess.PIPE, check=True).stdout


def rank_program(*examples):
    """Examples built with the feature `mpi`."""
    arguments = ["--release", "--package", "nn-examples", "--features", "mpi", "--example"]
    return [built(example, ROOT, *arguments, example) for example in examples]


def network_arguments(workload, batch):
    """A workload on a batch of another size, as `throughput` is told of it."""
    words = ["--network", ",".join(map(str, workload["sizes"])), "--loss", workload["loss"], "--batch", batch]
    return words + (["--activation", workload["activation"]] if len(workload["sizes"]) > 2 else [])


def ours(program, ranks, workload, batch, options):
    words = ["--mpi", "--json", "--threads", 1, "--repeats", options.repeats, "--seconds", options.seconds]
    return json.loads(mpirun(ranks, *options.before, program, *words, *network_arguments(workload, batch)))


def torch(python, ranks, workload, batch, options, bucket_mb=25):
    """PyTorch's answer to a workload from as many processes, each pinned to a core."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = {name: workload[name] for name in ("sizes", "activation", "loss")}
    job |= {"batch": batch, "repeats": options.repeats, "seconds": options.seconds, "bucket_mb": bucket_mb}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    environment = {**os.environ, **KEEPING, **meeting}
    processes = []
    for rank in range(ranks):
        command = [*options.before, python, HERE / "scaling_torch.py", str(rank), str(ranks)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, text=True, env=environment, preexec_fn=pinned(1, rank), **pipes)
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.close()
        processes.append(process)
    said = [process.stdout.read() for process in processes]
    for process in processes:
        # gloo ends some processes by an abort after all is done.
        process.wait()
    if len(said[0].splitlines()) != 2:
        sys.exit("a rank of PyTorch's has failed")
    version, answer = map(json.loads, said[0].splitlines())
    return {**answer, **version, "bucket_mb": bucket_mb}


def configurations(options):
    """What is timed of a workload: a name, the ranks, and by how much its batch is multiplied."""
    several = [count for count in options.ranks if count > 1]
    return [("one", 1, 1), *(("strong", count, 1) for count in several), *(("weak", count, count) for count in several)]


def measure(programs, recording, options, save):
    example, python = programs
    for number in range(options.rounds):
        for workload in recording["workloads"]:
            # Who comes first changes from round to round.
            for system in list(SYSTEMS)[:: 1 if number % 2 == 0 else -1]:
                for kind, ranks, times_batch in configurations(options):
                    batch = workload["batch"] * times_batch
                    answers = (
                        [ours(example, ranks, workload, batch, options)]
                        if system == "ours"
                        else [torch(python, ranks, workload, batch, options, mb) for mb in BUCKETS_MB[: 1 if ranks == 1 else None]]
                    )
                    for answer in answers:
                        found = {"workload": workload["workload"], "system": system, "kind": kind, "ranks": ranks}
                        found |= {"batch": batch, "round": number, "best_us_per_step": answer["best_us_per_step"]}
                        kept = ("us_per_step", "peak_gflop_s", "engine", "isa", "bucket_mb", "version")
                        found |= {name: answer[name] for name in kept if name in answer}
                        recording["measurements"].append(found)
                        rate = thousands(batch / found["best_us_per_step"] * 1e6)
                        say(f"round {number + 1}: {found['workload']}, {SYSTEMS[system]}, {kind}, {ranks}: {rate} thousand samples/s")
                    save()


def select(recording, workload, system, kind, ranks, number=None):
    """The measurements of a cell, or of one round of it."""
    wanted = {"workload": workload["workload"], "system": system, "kind": kind, "ranks": ranks}
    wanted |= {} if number is None else {"round": number}
    return [m for m in recording["measurements"] if all(m[name] == value for name, value in wanted.items())]


def rate(found):
    """Samples a second of the best repeat."""
    return max((m["batch"] / m["best_us_per_step"] * 1e6 for m in found), default=None)


def share(recording, workload, found, ranks):
    """The best repeat's share of the FMA peak of as many cores, in per cent: of the greatest peak that was measured."""
    peaks = [m["peak_gflop_s"] / m["ranks"] for m in recording["measurements"] if m.get("peak_gflop_s")]
    best = rate(found)
    return f"{100 * best * workload['flops_per_sample'] / (max(peaks) * 1e9 * ranks):.0f}" if best and peaks else ""


def spread(recording, workload, system, kind, ranks):
    """The least and the greatest ratio of a round to one rank in the same round."""
    ratios = []
    for number in range(recording["rounds"]):
        one, several = (rate(select(recording, workload, system, *place, number)) for place in (("one", 1), (kind, ranks)))
        if one and several:
            ratios.append(several / one)
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""


def lines(recording):
    """The table, with what it says."""
    kinds = sorted({(m["kind"], m["ranks"]) for m in recording["measurements"]}, key=lambda k: (k[0] != "one", k))
    heads = ["workload", "system", "scaling", "ranks", "batch", "samples/s, thousands", "× one rank", "in the rounds", "% of peak", "× PyTorch"]
    rows = []
    for workload in recording["workloads"]:
        for kind, ranks in kinds:
            rates = {system: rate(select(recording, workload, system, kind, ranks)) for system in SYSTEMS}
            for system, title in SYSTEMS.items():
                found = select(recording, workload, system, kind, ranks)
                if not found:
                    continue
                one = rate(select(recording, workload, system, "one", 1))
                scaled = "" if kind == "one" else f"**{rates[system] / one:.2f}**"
                beside = times(rates["ours"] / rates["torch"]) if system == "ours" and rates["torch"] else ""
                rows.append(
                    [
                        workload["workload"],
                        title,
                        "" if kind == "one" else kind,
                        str(ranks),
                        f"{found[0]['batch']:,}",
                        thousands(rates[system]),
                        scaled,
                        "" if kind == "one" else spread(recording, workload, system, kind, ranks),
                        share(recording, workload, found, ranks),
                        beside,
                    ]
                )
    versions = {m["version"] for m in recording["measurements"] if "version" in m}
    text = table(heads, len(heads) - 1, rows)
    # Its first three columns are words.
    text[1] = text[1].replace("|---:|---:", "|---|---", 1)
    return [
        *text,
        "",
        f"{recording['date']}; {recording['about']}; {recording['mpi']}; PyTorch {', '.join(sorted(versions))}; commit"
        f" {recording['commit']}. The best repeat of {recording['rounds']} rounds; in the rounds: median, least and greatest of the ratios"
        " to one rank in the same round. The share is that of the FMA peak of as many cores. Printed by",
        "",
        f"    {recording['command']}",
        "",
    ]


def put(path, begin, end, text):
    """Puts lines between their marks of a document."""
    before, _, rest = path.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f"{path} has no place for what stands between {begin} and {end}")
    path.write_text("\n".join([before + begin, "", *text, end + after]))


def machine():
    """The processor in words that hold where its name says little."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines() if ":" in line)
        fields = {name.strip(): value.strip() for name, value in fields.items()}
    except OSError:
        return processor()
    widest = "AVX-512" if "avx512f" in fields.get("flags", "") else "AVX2"
    virtual = ", a virtual machine" if "hypervisor" in fields.get("flags", "") else ""
    family = f"family {fields.get('cpu family')} model {fields.get('model')}"
    return f"{processor()}, {family}, {widest}, {os.cpu_count()} cores{virtual}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", metavar="NAME", help="repeatable (default: wide-b1024, tabular-b64k)")
    parser.add_argument("--ranks", type=counted(1), nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--rounds", type=counted(1), default=5, metavar="N", help="default: 5")
    parser.add_argument("--repeats", type=counted(1), default=5, metavar="N", help="repeats in a round (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.5, metavar="S", help="of a repeat (default: 0.5)")
    parser.add_argument("--before", type=str.split, default=[], metavar="WORDS", help="what each program is started by")
    parser.add_argument("--python", type=Path, help="an interpreter that has PyTorch")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", metavar="DIR", help="where to write to (default: docs)")
    parser.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="measure nothing: the table of FILE")
    found = parser.parse_args()
    found.workload = found.workload or ["wide-b1024", "tabular-b64k"]
    found.ranks = sorted({1, *found.ranks})
    return found


def command_line(options):
    words = [f"--workload {name}" for name in options.workload] if options.workload != ["wide-b1024", "tabular-b64k"] else []
    words += [f'--before "{" ".join(options.before)}"'] if options.before else []
    words += [f"--rounds {options.rounds} --repeats {options.repeats} --seconds {options.seconds}"]
    return " ".join(["python3 benches/peers/scaling.py", *words])


def main():
    options = arguments()
    page = options.output / "distributed.md"
    if options.kept:
        recording = json.loads(options.kept.read_text())
    else:
        (example,) = rank_program("throughput")
        python = options.python or environment_python(["torch"])
        chosen = [word for name in options.workload for word in ("--workload", name)]
        listed = subprocess.run([example, "--list", *chosen], text=True, stdout=subprocess.PIPE, check=True).stdout
        recording = {
            "command": command_line(options),
            "date": datetime.date.today().isoformat(),
            "about": machine(),
            "mpi": output_of("mpirun", "--version").partition("\n")[0].replace("mpirun (", "").replace(")", ""),
            "commit": commit(),
            "load": load(),
            "rounds": options.rounds,
            "workloads": list(map(json.loads, listed.splitlines())),
            "measurements": [],
        }
        options.output.mkdir(parents=True, exist_ok=True)
        path = options.output / "scaling.json"

        def save():
            path.write_text(json.dumps(recording, indent=1) + "\n")

        measure((example, python), recording, options, save)
    print("\n".join(lines(recording)))
    if page.exists():
        put(page, BEGIN, END, lines(recording))


if __name__ == "__main__":
    main()
