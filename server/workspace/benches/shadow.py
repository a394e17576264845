#!/usr/bin/env python3
"""Prints the tables of BENCHMARKS.md: our shadows beside other ways to a private copy of a tree, measured in one run.

    cargo build --release -p galley-workspace --example shadow
    server/workspace/benches/shadow.py --bench target/release/examples/shadow [--at FOLDER] [--files N] [--bytes N]

Makes a tree (100,000 files of 2 GB together unless told otherwise) below `--at`, and removes everything afterwards. As
administrator, with `mkfs.xfs` or `mkfs.btrfs` installed, it measures again on such a file system in a loop-mounted file, where
blocks can be shared. What is not installed is left out, and said. Processor time counts the process and its children.

For each way: the time until the first command has read a file in the copy, what the copy takes of the disk, and the time
until a command sees a change to one file that a task made. `write-through` says whether a program that writes to a file of
the copy changes the original, which is tried. After our shadows, in which a build also spoiled whatever it could reach, the
state of the whole tree (content, modes, owners, inodes, times, links, extended attributes) is compared with what it was.
"""
import argparse, hashlib, json, os, platform, random, resource, shutil, statistics, subprocess, sys, tempfile, time

def make_tree(top, files, size):
    """Folders of fifty files, most of them small, a few large; under git with everything committed."""
    noise = random.Random(7)
    shares = [noise.paretovariate(1.1) for _ in range(files)]
    scale = size / sum(min(share, 2000) for share in shares)
    block = b"\n".join(noise.randbytes(30).hex().encode() for _ in range(1 << 14))
    for number, share in enumerate(shares):
        folder = os.path.join(top, f"part{number // 5000:02}", f"module{number // 50 % 100:02}")
        if number % 50 == 0:
            os.makedirs(folder)
        length, start = max(1, int(min(share, 2000) * scale)), noise.randrange(len(block) // 2)
        with open(os.path.join(folder, f"file{number % 50:02}.txt"), "wb") as file:
            file.write(b"file %d\n" % number)
            while length > 0:
                file.write(block[start:start + min(length, len(block) // 2)])
                length -= len(block) // 2


def state(top):
    digest = hashlib.blake2b()
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in [""] + sorted(files):
            path = os.path.join(folder, name)
            found = os.lstat(path)
            digest.update(repr((path, found.st_mode, found.st_uid, found.st_gid, found.st_ino, found.st_mtime_ns,
                                found.st_nlink if name else 0, sorted(os.listxattr(path, follow_symlinks=False)))).encode())
            if name:
                with open(path, "rb") as file:
                    digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def used(path):
    """What the file system says after writing everything down: the only one to know of shared blocks."""
    run("sync", "-f", path)
    found = os.statvfs(path)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def taken(copy, tree):
    """What lies in the copy and is not also the original's, where no blocks are shared."""
    theirs, total = {entry.inode() for entry in walked(tree)}, 0
    for entry in walked(copy):
        total += 0 if entry.inode() in theirs else entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def walked(top):
    for entry in os.scandir(top):
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from walked(entry.path)


def measured(act):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    answer = act()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return answer, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout


def size(bytes_of_it):
    return f"{bytes_of_it / 1e6:,.1f} MB"


def row(name, wall, cpu, own, second, seen, through):
    print(f"| {name} | {wall} | {cpu} | {own} | {second} | {seen} | {through} |", flush=True)


def ours(options, method, at, tree, file):
    states, found = [], []
    for number in range(options.rounds):
        folder = os.path.join(at, f"state-{method}")
        os.makedirs(folder)
        answer, wall, cpu = measured(lambda: json.loads(run(options.bench, method, tree, folder, file)))
        found.append((answer, cpu))
        shutil.rmtree(folder)
    middle = lambda key: statistics.median(answer[key] for answer, _ in found)
    cpu = statistics.median(cpu for _, cpu in found)
    name = {"Overlayfs": "**shadow, union**", "Reflink": "**shadow, blocks shared**", "Copy": "**shadow, copied**"}[found[0][0]["method"]]
    row(name, f"{middle('first_ms') / 1e3:.2f} s", f"{cpu:.2f} s (with ten changes and the second)", size(middle("own_bytes")),
        f"{middle('second_ms') / 1e3:.2f} s", f"{middle('apply_ms'):.1f} ms; {middle('seen_ms'):.0f} ms with the command", "no")
    return {key: middle(key) for key in ("first_ms", "own_bytes", "apply_ms", "second_ms")}


def theirs(options, name, at, tree, file, first, again, clean=None, goes_on=True):
    copy = os.path.join(at, "copy")
    walls, seconds, cpus, owns = [], [], [], []
    through = "no"
    for number in range(options.rounds):
        before = used(at) if options.shares else 0
        try:
            _, wall, cpu = measured(lambda: first(copy))
        except RuntimeError as error:
            print(f"<!-- {name} left out: {error} -->")
            shutil.rmtree(copy, ignore_errors=True)
            return
        owns.append(used(at) - before if options.shares else taken(copy, tree))
        walls.append(wall)
        cpus.append(cpu)
        if not goes_on:
            shutil.rmtree(copy)
        seconds.append(measured(lambda: again(copy))[1])
        original = os.path.join(tree, file)
        kept, times = open(original, "rb").read(), os.stat(original)
        with open(os.path.join(copy, file), "r+b") as written:
            written.write(b"X")
        if open(original, "rb").read() != kept:
            through = "**yes**"
            with open(original, "r+b") as mended:
                mended.write(kept)
            os.utime(original, ns=(times.st_atime_ns, times.st_mtime_ns))
        clean(copy) if clean else shutil.rmtree(copy)
    middle = statistics.median
    row(name, f"{middle(walls):.2f} s", f"{middle(cpus):.2f} s", size(middle(owns)), f"{middle(seconds):.2f} s", "by writing the file", through)


def table(options, kind, at):
    tree = os.path.join(at, "tree")
    make_tree(tree, options.files, options.bytes)
    total, folders = 0, 0
    for folder, _, files in os.walk(tree):
        folders += 1
        total += sum(os.lstat(os.path.join(folder, name)).st_size for name in files)
    file = "part00/module03/file07.txt"
    print(f"\n## {kind}: {options.files:,} files in {folders:,} folders, {total / 1e9:.2f} GB\n")
    before = state(tree)
    print("| means | first, wall | processor | own disk | second, wall | one change seen | write-through |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    layered = ours(options, "layered", at, tree, file)
    ours(options, "copied", at, tree, file)
    untouched = state(tree) == before
    for name, command in [("`cp -r`", ["cp", "-r"]), ("`cp -r --reflink=always`", ["cp", "-r", "--reflink=always"]),
                          ("`cp -al`", ["cp", "-al"]), ("`rsync -a`", ["rsync", "-a"])]:
        if shutil.which(command[0]) is None:
            print(f"<!-- {name} left out: not installed -->")
            continue
        tail = "/" if command[0] == "rsync" else ""
        act = lambda copy, command=command, tail=tail: run(*command, tree + tail, copy)
        # cp cannot go on with a copy: its second one is made anew.
        theirs(options, name, at, tree, file, act, act, goes_on=command[0] == "rsync")
    if shutil.which("git"):
        git = ["git", "-C", tree, "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.looseCompression=1", "-c", "gc.auto=0"]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
            run(*git, *command)
        theirs(options, "`git worktree add` (after a commit of everything)", at, tree, file, lambda copy: run(*git, "worktree", "add", "--detach", copy),
               lambda copy: run("git", "-C", copy, "reset", "-q", "--hard"),
               lambda copy: run(*git, "worktree", "remove", "--force", copy))
        shutil.rmtree(os.path.join(tree, ".git"))
    print()
    for what, value, most in [("first shadow", layered["first_ms"] / 1e3, 2), ("own disk in MB", layered["own_bytes"] / 1e6, 50),
                              ("change laid, in ms", layered["apply_ms"], 20)]:
        print(f"- {what}: {value:.2f}, limit {most}: {'holds' if value < most else '**does not hold**'}")
    print(f"- the original after our shadows and a hostile build in them: {'as before' if untouched else '**changed**'}", flush=True)
    shutil.rmtree(tree)


def loop(options, at, kind):
    """A file system that shares blocks, in a file."""
    image, place = os.path.join(at, "image"), os.path.join(at, kind)
    program = shutil.which(f"mkfs.{kind}")
    if program is None or os.geteuid() != 0:
        print(f"\n<!-- {kind} left out: it takes an administrator and mkfs.{kind} -->")
        return
    with open(image, "wb") as file:
        file.truncate(max(1 << 30, options.bytes * 6))
    run(program, image)
    os.mkdir(place)
    run("mount", "-o", "loop", image, place)
    try:
        table(options, f"{kind}, loop-mounted", place)
    finally:
        run("umount", place)
        os.remove(image)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bench", required=True)
    options.add_argument("--at", default=None)
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--bytes", type=int, default=2_000_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only-loop", action="store_true")
    options.add_argument("--loop", nargs="*", default=["xfs"])
    o = options.parse_args()
    o.bench = os.path.abspath(o.bench)
    at = tempfile.mkdtemp(prefix="shadow-bench-", dir=o.at)
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    kind = run("findmnt", "-n", "-o", "FSTYPE", "-T", at).decode().strip()
    print(f"{time.strftime('%Y-%m-%d')}; {model}, {os.cpu_count()} processors, Linux {platform.release().split('-')[0]}; medians of {o.rounds}; load {os.getloadavg()[0]:.0f}")
    try:
        o.shares = False
        if not o.only_loop:
            table(o, kind, at)
        o.shares = True
        for kind in o.loop:
            loop(o, at, kind)
    finally:
        shutil.rmtree(at, ignore_errors=True)


if __name__ == "__main__":
    main()
