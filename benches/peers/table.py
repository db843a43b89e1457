"""The Markdown of a recording."""

from systems import ALL_PEERS, OURS, OURS_BF16, SETTINGS, TITLES

BEGIN, END = "<!-- comparison: written by benches/peers/compare.py -->", "<!-- end of the comparison -->"


def thousands(rate):
    """Samples a second in thousands, to three digits or whole."""
    if rate is None:
        return ""
    rate /= 1000
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def times(ratio):
    if ratio is None:
        return ""
    return f"{ratio:.1f}" if ratio >= 2 else f"{ratio:.2f}"


def fixed(number):
    return "" if number is None else f"{number:.1f}"


def gflops(number):
    return "" if number is None else f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def table(heads, right, rows):
    """A table whose columns from the second on are set to the right, `right` of them."""
    rule = "|---" + "|---:" * right + "|---" * (len(heads) - 1 - right) + "|"
    return ["| " + " | ".join(heads) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]


def plural(threads):
    return f"{threads} thread" + ("" if threads == 1 else "s")


def network(workload):
    """A workload in words: `784 => 128 => 10 sigmoid, 128`."""
    return " => ".join(map(str, workload["sizes"])) + f" {workload['activation']}, {workload['batch']:,}"


def summary(recording, threads):
    """Wins and losses in a sentence, or nothing where no peer was measured."""
    ratios = [ratio for workload in recording.workloads if (ratio := recording.ratio(workload, threads))]
    if not ratios:
        return ""
    won = sum(ratio > 1 for ratio in ratios)
    return (
        f"On {plural(threads)} this library is the fastest system on {won} of {len(ratios)} workloads; it is"
        f" {times(min(ratios))} to {times(max(ratios))} times as fast as the best peer, in the geometric mean"
        f" {times(recording.geometric_mean(threads))} times." + beside_written(recording, [threads])
    )


def beside_written(recording, counts):
    """The same beside programs that are written for one network, where they were measured."""
    found = []
    for threads in counts:
        ratios = [ratio for w in recording.workloads if (ratio := recording.ratio(w, threads, written=True))]
        if ratios:
            found.append(f"{times(min(ratios))} to {times(max(ratios))} times as fast on {plural(threads)}")
    if not found:
        return ""
    return f" Beside the step written out for one narrow network and batch alone, in C or for Numba, it is {', '.join(found)}."


def f32_rows(recording, threads):
    for workload in recording.workloads:
        rates = [recording.rate(workload, peer, threads) for peer in recording.peers()]
        ours = recording.rate(workload, OURS, threads)
        fastest = max([rate for rate in [*rates, ours] if rate], default=None)
        cells = [thousands(rate) if rate != fastest else f"**{thousands(rate)}**" for rate in [*rates, ours]]
        percent = fixed(recording.percent(workload, OURS, threads))
        engine = recording.engine(workload, OURS, threads)
        ratios = [times(recording.ratio(workload, threads))]
        if recording.systems() != recording.peers():
            ratios.append(times(recording.ratio(workload, threads, written=True)))
        yield [workload["workload"], *cells, *ratios, percent, engine]


def f32_table(recording, threads):
    heads = ["workload", *(TITLES[peer] for peer in recording.peers()), TITLES[OURS]]
    written = ["× C or Numba"] if recording.systems() != recording.peers() else []
    heads += ["× best peer", *written, "% of FMA peak", "engine"]
    return table(heads, len(heads) - 2, f32_rows(recording, threads))


def bf16_rows(recording, threads):
    for workload in recording.workloads:
        theirs = recording.gflops(workload, "torch-bf16", threads)
        single, half = (recording.gflops(workload, system, threads) for system in (OURS, OURS_BF16))
        if not (theirs or half):
            continue
        yield [
            workload["workload"],
            gflops(theirs),
            gflops(half),
            times(half / theirs if half and theirs else None),
            fixed(recording.percent(workload, "torch-bf16", threads, of=OURS_BF16)),
            fixed(recording.percent(workload, OURS_BF16, threads)),
            gflops(single),
            times(half / single if half and single else None),
            recording.engine(workload, OURS_BF16, threads),
        ]


def bf16_table(recording, threads):
    heads = ["workload", TITLES["torch-bf16"], TITLES[OURS_BF16], "× PyTorch", "PyTorch, % of bf16 peak"]
    heads += ["this library, % of bf16 peak", "this library, f32", "bf16 × f32", "engine"]
    return table(heads, len(heads) - 2, bf16_rows(recording, threads))


def about(recording):
    """Where, when and with what."""
    kept = recording.about
    load = "" if kept["load"] is None else f", load {kept['load']} before"
    held = ", its AVX-512 hidden from all" if kept.get("isa") == "avx2" else ""
    return (
        f"{kept['date']}; {kept['processor']}, {kept['cores']} cores{held}{load}; {kept['rustc']},"
        f" Python {kept['python']}; commit {kept['commit']}."
    )


def markdown(recording, plot):
    """The whole document; `plot` is the plot's name beside it."""
    kept = recording.about
    peers = [peer for peer in ALL_PEERS if peer in kept["versions"]]
    lines = [
        "# Full training steps, compared",
        "",
        about(recording),
        "",
        "Forward, backward, L2 and a plain SGD update, one batch over and over, the best of",
        f"{kept['rounds']} × {kept['repeats']} repeats of {kept['seconds']} s: in each of the rounds each system has"
        " its turn. Printed by",
        "",
        "    " + kept["command"],
        "",
        "which installs and builds what it needs. All systems compute the same step, as"
        " `compare.py --check` and `cargo test` in benches/peers show.",
        "",
        f"![speed of each system beside this library]({plot})",
        "",
        *(f"- {sentence}" for threads in kept["threads"] if (sentence := summary(recording, threads))),
        "",
        *table(
            ["peer", "version", "settings"], 0, ([TITLES[p], kept["versions"][p], SETTINGS[p]] for p in peers)
        ),
    ]
    for threads in kept["threads"]:
        core = ", all pinned to one core" if kept["pinned"] and threads == 1 else ""
        upto = " with up to that many threads" if threads > kept["threads"][0] else ""
        lines += [
            "",
            f"## f32, {plural(threads)}",
            "",
            f"Thousands of samples a second. × best peer: against the fastest system{upto}{core}; programs written for one network"
            " apart.",
            "",
            *f32_table(recording, threads),
        ]
    if "torch-bf16" in kept["versions"]:
        for threads in kept["threads"]:
            lines += ["", f"## bf16, {plural(threads)}", "", "GFLOP/s.", "", *bf16_table(recording, threads)]
        if any(m["system"] == OURS_BF16 and m.get("precision") == "full" for m in recording.measurements):
            lines += ["", "Blank where the plan keeps f32, which it estimates to be as fast."]
        errors = recording.errors(OURS_BF16)
        if errors:
            lines += ["", "Blank where this library has no number in bf16: " + "; ".join(errors) + "."]
    workloads = ([w["workload"], network(w), w["loss"]] for w in recording.workloads)
    lines += ["", "## Workloads", "", *table(["name", "network, batch", "loss"], 0, workloads)]
    return "\n".join(lines) + "\n"


def short(recording, folder):
    """What the README shows: the plot, and a table of this library beside the best peer."""
    kept = recording.about
    heads, rows = ["network, batch"], []
    for threads in kept["threads"]:
        heads += [plural(threads), "best peer", "×"]
    for workload in recording.workloads:
        cells = [network(workload)]
        for threads in kept["threads"]:
            best = recording.best_peer(workload, threads)
            cells += [thousands(recording.rate(workload, OURS, threads))]
            cells += [f"{thousands(best[1])} {TITLES[best[0]]}" if best else ""]
            cells += [times(recording.ratio(workload, threads))]
        rows.append(cells)
    return [
        f"![speed of each system beside this library]({folder}/comparison.png)",
        "",
        *table(heads, len(heads) - 1, rows),
        "",
        f"{kept['cores']} cores, {kept['processor']}, {kept['date']}. [The whole table]({folder}/comparison.md) has",
        "each system by itself, bf16, versions and settings, and the command."
        + beside_written(recording, kept["threads"]).replace(" it is ", " this library is "),
    ]


def placed(text, lines):
    """A document with the lines between its marks, or None where it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return "\n".join([before + begin, "", *lines, "", end + after]) if begin and end else None
