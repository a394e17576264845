#!/usr/bin/env python3
"""Prints the rows of BENCHMARKS.md for a corpus: each figure beside its peer and its limit, measured in one run.

    cargo build --release -p galley-index --example store
    server/index/benches/corpus.sh /tmp/corpus
    server/index/benches/run.py --bench target/release/examples/store --corpus /tmp/corpus [--limits PROGRAM]

`--limits` names a program that prints `{"cpu_ms": …}` for `PROGRAM statall CORPUS THREADS` and `PROGRAM parse …`: the
physical limits of looking at every file, and of reading and parsing. Without it those rows compare with our own walk.
The program may know fewer languages: for each folder of the corpus the cold index is measured again on the files alone that
end as in `KNOWN`, in turn with it.
Processor time is compared, because a busy machine changes it least. ripgrep is run where it is installed.
"""
import argparse, json, os, platform, resource, shutil, statistics, subprocess, tempfile, time

# Endings of files that the program of `--limits` parses.
KNOWN = set("rs py pyi c h cc cpp cxx hpp hh go js jsx mjs cjs ts mts cts tsx java".split())
TEXT = [
    ("selective literal", 0.05, ["literal:OrderedDict", "literal:unwrap_unchecked", "literal:compare_exchange_weak",
                                 "literal:npm-package-arg", "literal:IncompleteReadError"]),
    ("regex with a literal", 0.10, [r"regex:fn\s+parse_\w+_token", r"regex:class \w+Warning\(", r"regex:impl<.*> Hasher for",
                                    r"regex:(?i)deprecated_since", r"regex:Mutex(Guard)?Ref\b"]),
    ("worst case", 1.00, ["literal:e", r"regex:\w+\s+\w+", r"regex:^\s*$", "literal:return", r"regex:[a-z]{12,}"]),
]


def run(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu * 1e3, done.stdout


def row(what, ours, peer, ratio, limit, holds):
    print(f"| {what} | {ours} | {peer} | {ratio} | {limit} | {'yes' if holds else '**no**'} |", flush=True)


def ripgrep(corpus, query):
    kind, pattern = query.split(":", 1)
    command = ["rg", "--no-config", "-n", "--no-heading", "--color=never"] + (["-F"] if kind == "literal" else [])
    return run(command + ["-e", pattern, corpus])


def same_files(folder, target):
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            if name.rsplit(".", 1)[-1] in KNOWN and not os.path.islink(file):
                there = os.path.join(target, os.path.relpath(path, folder))
                os.makedirs(there, exist_ok=True)
                shutil.copyfile(file, os.path.join(there, name))


def cold_on_same_files(o, cores):
    for name in sorted(os.listdir(o.corpus)):
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            tree, cache = os.path.join(scratch, "tree"), os.path.join(scratch, "cache")
            same_files(os.path.join(o.corpus, name), tree)
            ours, limits = [], []
            for _ in range(o.rounds):
                shutil.rmtree(cache, ignore_errors=True)
                limits.append(json.loads(run([o.limits, "parse", tree, str(cores)])[1]))
                ours.append(json.loads(run([o.bench, "cold", tree, cache])[1]))
        ratio = lambda key: statistics.median(one[key] / limit["cpu_ms"] for one, limit in zip(ours, limits))
        mine, limit = (statistics.median(one["cpu_ms"] for one in rows) / 1e3 for rows in (ours, limits))
        row(f"cold index of the same files, {name}, {limits[0]['files']:,} files; {ratio('ready_cpu_ms'):.2f} until it answers",
            f"{mine:.1f} s", f"read + parse {limit:.1f} s", f"{ratio('cpu_ms'):.2f}", "1.45", ratio("cpu_ms") <= 1.45)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bench", required=True)
    options.add_argument("--corpus", required=True)
    options.add_argument("--limits")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--symbols", type=int, default=1_000_000)
    o = options.parse_args()
    cache = tempfile.mkdtemp(prefix="bench-")
    json_of = lambda *command: json.loads(run([o.bench, *command])[1])
    cold = json_of("cold", o.corpus, cache)
    lines, size = cold["lines"], cold["bytes"]
    cores = os.cpu_count()
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    print(f"{time.strftime('%Y-%m-%d')}; {model}, {cores} processors; {cold['files']:,} files, {lines:,} lines, "
          f"{size / 1e6:.0f} MB of text, {cold['symbols']:,} symbols\n")
    print("| what | ours | peer | ratio | limit | holds |\n| --- | --- | --- | --- | --- | --- |")
    limit = (lambda mode: json.loads(run([o.limits, mode, o.corpus, str(cores)])[1])["cpu_ms"]) if o.limits else None
    if limit:
        parse = limit("parse")
        row("cold index with text search, on disk, all grammars (CPU)", f"{cold['cpu_ms'] / 1e3:.1f} s",
            f"read + parse of fewer languages {parse / 1e3:.1f} s", f"{cold['cpu_ms'] / parse:.2f}", "1.45", cold["cpu_ms"] <= 1.45 * parse)
        cold_on_same_files(o, cores)
    pairs = [(json_of("warm", o.corpus, cache), limit("statall") if limit else json_of("stat", o.corpus)["cpu_ms"]) for _ in range(o.rounds)]
    warm = statistics.median(pair[0]["cpu_ms"] for pair in pairs)
    ratio = statistics.median(pair[0]["cpu_ms"] / pair[1] for pair in pairs)
    row("warm start, nothing changed (CPU)", f"{warm:.0f} ms", f"stat walk {statistics.median(p[1] for p in pairs):.0f} ms", f"{ratio:.2f}", "3", ratio <= 3)
    row("warm start to cold (CPU)", f"{warm:.0f} ms", f"{cold['cpu_ms']:.0f} ms", f"{warm / cold['cpu_ms']:.4f}", "0.02", warm <= 0.02 * cold["cpu_ms"])
    idle = pairs[-1][0]
    most = 40 * lines / 2**20 + 30
    row("memory after a warm start", f"{idle['rss_mb']:.0f} MB, {idle['anonymous_mb']:.0f} of it not mapped", "–", f"{idle['rss_mb'] * 2**20 / lines:.1f} bytes a line",
        f"40 bytes a line + 30 MB = {most:.0f} MB", idle["rss_mb"] <= most)
    facts = (cold["disk_bytes"] - cold["search_bytes"]) / lines
    row("disk: facts, postings, symbols", f"{(cold['disk_bytes'] - cold['search_bytes']) / 1e6:.1f} MB", "–", f"{facts:.1f} bytes a line", "10", facts <= 10)
    share = cold["search_bytes"] / size
    row("disk: text search", f"{cold['search_bytes'] / 1e6:.1f} MB", f"text {size / 1e6:.0f} MB", f"{share:.1%}", "20 %", share <= 0.2)
    if shutil.which("rg"):
        for what, most, queries in TEXT:
            ours = [json.loads(line) for line in run([o.bench, "text", o.corpus, cache, str(o.rounds), *queries])[1].splitlines()]
            for found in ours:
                peers = [ripgrep(o.corpus, found["query"]) for _ in range(o.rounds)]
                peer = statistics.median(cpu for cpu, _ in peers)
                lines_of_peer = peers[0][1].count(b"\n")
                same = "same" if lines_of_peer == found["lines"] else f"ripgrep {lines_of_peer}"
                ratio = found["cpu_ms"] / peer
                name = found["query"].replace("|", "\\|")
                row(f"{what}: `{name}`, {found['lines']} lines ({same}), {found['read']} files read", f"{found['cpu_ms']:.1f} ms",
                    f"ripgrep {peer:.0f} ms", f"{ratio:.3f}", f"{most}", ratio <= most)
    fuzzy = json_of("symbols", str(o.symbols))
    row(f"symbol search over {fuzzy['symbols']:,} symbols, {fuzzy['queries']} queries, CPU p99 (p50 {fuzzy['cpu_ms_p50']:.1f} ms, slowest `{fuzzy['slowest'][0][0]}`)",
        f"{fuzzy['cpu_ms_p99']:.1f} ms", f"full scan {fuzzy['full_ms_p50']:.0f} ms", "–", "10 ms", fuzzy["cpu_ms_p99"] <= 10)
    shutil.rmtree(cache)


if __name__ == "__main__":
    main()
