#!/usr/bin/env python3
"""Stands between a scorer that checks out bare trees and a program that reads a repository's history.

    with_history.py --cases CASES.jsonl --repos DIR PROGRAM [ARGUMENT…]

Before each request it puts a `.git` into the request's root whose head is the case's base commit, the objects being those
of the bare repository in DIR: the history ends where the case begins, and nothing of what came later can be read from the
head. Cases are matched by the scorer's order: by repository, then date.
"""
import argparse, json, os, subprocess, sys


def place(root, repository, commit):
    git = os.path.join(root, ".git")
    for folder in ("objects/info", "refs/heads"):
        os.makedirs(os.path.join(git, folder), exist_ok=True)
    for name, text in (("objects/info/alternates", os.path.join(repository, "objects")), ("HEAD", commit),
                       ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = false")):
        with open(os.path.join(git, name), "w") as file:
            file.write(text + "\n")
    # A snapshot may be shallow; without its edge the walk would end at a missing object all the same.
    if os.path.exists(os.path.join(repository, "shallow")):
        with open(os.path.join(repository, "shallow")) as edge, open(os.path.join(git, "shallow"), "w") as file:
            file.write(edge.read())


def repository(base, name):
    base = os.path.join(base, name.replace("/", "+"))
    found = [path for path in (os.path.join(base, "repo"), base) if os.path.isfile(os.path.join(path, "HEAD"))]
    return os.path.abspath(found[0])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", required=True)
    options.add_argument("--repos", required=True)
    options.add_argument("program", nargs=argparse.REMAINDER)
    o = options.parse_args()
    with open(o.cases, encoding="utf-8") as file:
        cases = sorted(map(json.loads, file), key=lambda case: (case["repo"], case.get("date", "")))
    child = subprocess.Popen(o.program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for case, line in zip(cases, sys.stdin):
        place(json.loads(line)["root"], repository(o.repos, case["repo"]), case["parent_commit"])
        child.stdin.write(line)
        child.stdin.flush()
        sys.stdout.write(child.stdout.readline())
        sys.stdout.flush()
    child.stdin.close()
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
