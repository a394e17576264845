#!/usr/bin/env python3
"""A stand-in for `galley lsp` on stdio: it speaks the protocol, thinks nothing, and keeps documents truly.

Proposals are made of whole new texts: by the request `mock/propose {title?, files: [{path, kind?, to?, text?}],
requires?: {number: [numbers]}, evidence?}`, or by `galley/task/start` from the JSON file named in MOCK_SCENARIO.
`mock/ask {approval}` sends an approval request and answers with what the person chose; `mock/revise {hunk, text}`,
`mock/task {task}` and `mock/quit` do what they say. Every message goes to MOCK_LOG as a line of JSON.
"""
import difflib, json, os, sys
from urllib.parse import quote, unquote, urlparse

LOG = open(os.environ["MOCK_LOG"], "a", buffering=1) if os.environ.get("MOCK_LOG") else None
root = os.getcwd()
documents = {}   # uri -> [text, version]
proposals = {}   # id -> proposal
tasks = {}
waiting = {}     # id of a request of ours -> what to do with its answer
last_id = 0
made = 0
EVIDENCE = [{"check": "test", "command": "cargo test range::", "exitCode": 0, "status": "passed", "before": "2 failing",
             "summary": "2 failing before, 0 after, 9 passed", "seconds": 3.1, "sandbox": "namespaces", "hash": "7f3a", "stale": False}]


def log(way, message):
    if LOG:
        LOG.write(json.dumps({"way": way, "message": message}) + "\n")


def send(message):
    message["jsonrpc"] = "2.0"
    log("out", message)
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def notify(method, params):
    send({"method": method, "params": params})


def request(method, params, then=lambda result: None):
    global last_id
    last_id += 1
    waiting[last_id] = then
    send({"id": last_id, "method": method, "params": params})


def uri_of(path):
    return "file://" + quote(os.path.join(root, path))


def path_of(uri):
    return unquote(urlparse(uri).path)


def text_of(uri):
    if uri in documents:
        return documents[uri][0]
    try:
        return open(path_of(uri), newline="").read()
    except OSError:
        return ""


def lines(text):
    return text.splitlines(keepends=True)


def span(first, after, text):
    """LSP range of whole lines; behind a last line without end it starts at that line's end."""
    have = lines(text)
    def at(n):
        if n >= len(have) and have and not have[-1].endswith("\n"):
            return {"line": len(have) - 1, "character": len(have[-1])}
        return {"line": min(n, len(have)), "character": 0}
    return {"start": at(first), "end": at(after)}


def make_proposal(spec):
    global made
    made += 1
    pid = "p%d" % made
    files, number = [], 0
    for f in spec["files"]:
        kind, here = f.get("kind", "modify"), uri_of(f["path"])
        old = "" if kind == "add" else text_of(here)
        new = "" if kind == "delete" else f.get("text", old)
        a, b = lines(old), lines(new)
        blocks = [o[1:] for o in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes() if o[0] != "equal"]
        hunks = []
        for i1, i2, j1, j2 in blocks or [(0, 0, 0, 0)]:
            number += 1
            hunks.append({"hunk": "%s-h%d" % (pid, number), "number": number, "state": "pending", "first": i1, "after_line": i2,
                          "before": "".join(a[i1:i2]), "after": "".join(b[j1:j2]), "reason": (spec.get("reasons") or {}).get(str(number)),
                          "requires": [], "mergedByToken": False, "conflict": None})
        whole = {"add": "new file " + f["path"], "delete": "delete this file", "move": "move to " + f.get("to", "")}.get(kind)
        if whole:
            hunks[0]["wholeFile"] = whole
        entry = {"uri": uri_of(f["to"]) if kind == "move" else here, "path": f.get("to", f["path"]), "kind": kind, "hunks": hunks}
        if kind == "move":
            entry["fromUri"] = here
        files.append(entry)
    for f in files:
        for h in f["hunks"]:
            h["of"] = number
            h["requires"] = ["%s-h%d" % (pid, n) for n in (spec.get("requires") or {}).get(str(h["number"]), [])]
    proposals[pid] = {"proposal": pid, "task": spec.get("task", "t1"), "title": spec.get("title", "a proposal"), "partial": False, "open": True,
                      "warnings": [], "evidence": spec.get("evidence", EVIDENCE), "files": files}
    return pid


def here(f):
    return f.get("fromUri") or f["uri"]


def wire(p):
    out = json.loads(json.dumps(p))
    for f in out["files"]:
        f["version"] = documents[here(f)][1] if here(f) in documents else None
        for h in f["hunks"]:
            h["range"] = span(h.pop("first"), h.pop("after_line"), text_of(here(f)))
    out["open"] = any(h["state"] in ("pending", "conflicted") for f in p["files"] for h in f["hunks"])
    return out


def hunks(p):
    return [(f, h) for f in p["files"] for h in f["hunks"]]


def find(hid):
    for p in proposals.values():
        for f, h in hunks(p):
            if h["hunk"] == hid:
                return p, f, h
    raise KeyError("no such hunk: " + hid)


def undecided():
    return sum(h["state"] in ("pending", "conflicted") for p in proposals.values() for _, h in hunks(p))


def status():
    n, running = undecided(), [t for t in tasks.values() if t["state"] == "exploring"]
    text, level = ("%d hunk%s to review · checks green" % (n, "" if n == 1 else "s"), "review") if n else ("1 task · exploring · $0.01", "busy") if running else ("ready · 48,210 symbols · mock", "ok")
    return {"text": text, "level": level, "symbols": 48210, "model": "mock", "tasks": len(running), "hunks": n}


def tell(p):
    notify("galley/proposal/didChange", wire(p))
    notify("galley/status/didChange", status())


def changed(uri, first, after, added):
    """A document's lines first..after became `added` lines: every hunk moves along, or shows that it was touched."""
    delta, text = added - (after - first), lines(text_of(uri))
    for p in proposals.values():
        for f, h in hunks(p):
            if here(f) != uri or h["state"] in ("rejected", "obsolete"):
                continue
            if after <= h["first"] and not (after == h["first"] == h["after_line"] and first < after and h["state"] == "accepted"):
                h["first"], h["after_line"] = h["first"] + delta, h["after_line"] + delta
            elif first < h["after_line"] or (first == h["first"] and h["state"] == "accepted"):
                h["after_line"] = max(h["first"], h["after_line"] + delta)
                now = "".join(text[h["first"]:h["after_line"]])
                if h["state"] == "accepted":
                    h["state"] = "pending" if now == h["before"] and now != h["after"] else "accepted"
                elif now == h["after"]:
                    h["state"] = "obsolete"
                elif now == h["before"]:
                    h["state"], h["conflict"] = "pending", None
                else:
                    h["state"], h["conflict"] = "conflicted", {"base": h["before"], "yours": now, "theirs": h["after"]}


def accept(params):
    chosen = [(p, f, h) for p in proposals.values() for f, h in hunks(p) if h["state"] == "pending"
              and (h["hunk"] in params["hunks"] if params.get("hunks") else p["proposal"] == params.get("proposal", p["proposal"]) and params.get("uri", f["uri"]) == f["uri"])]
    ids = [h["hunk"] for _, _, h in chosen]
    for p, f, h in list(chosen):
        for need in h["requires"]:
            _, nf, nh = find(need)
            if nh["state"] == "pending" and need not in ids:
                if not params.get("prerequisites"):
                    return {"applied": False, "reason": "it needs hunk %d" % nh["number"], "hunks": []}
                chosen.append((p, nf, nh)); ids.append(need)
    if not chosen:
        return {"applied": False, "reason": "no such hunk is open", "hunks": []}
    changes, by_file = [], {}
    for p, f, h in chosen:
        by_file.setdefault(f["uri"], (f, []))[1].append(h)
    for f, some in by_file.values():
        version = documents[here(f)][1] if here(f) in documents else None
        edits = [{"range": span(h["first"], h["after_line"], text_of(here(f))), "newText": h["after"]} for h in some]
        if f["kind"] == "delete":
            changes.append({"kind": "delete", "uri": f["uri"]})
            continue
        if f["kind"] == "add":
            changes.append({"kind": "create", "uri": f["uri"]})
        if f["kind"] == "move":
            changes.append({"kind": "rename", "oldUri": f["fromUri"], "newUri": f["uri"]})
            version = None
        changes.append({"textDocument": {"uri": f["uri"], "version": version}, "edits": [e for e in edits if e["newText"] or e["range"]["start"] != e["range"]["end"]]})
    def applied(result):
        if result and result.get("applied"):
            for p, f, h in sorted(chosen, key=lambda c: -c[2]["first"]):
                if h["state"] == "pending" or h["state"] == "obsolete":
                    h["state"] = "accepted"
                    if f["kind"] == "move":
                        f.pop("fromUri", None)
        for p in {c[0]["proposal"]: c[0] for c in chosen}.values():
            tell(p)
    request("workspace/applyEdit", {"label": "Galley: accept", "edit": {"documentChanges": changes}}, applied)
    return {"applied": True, "hunks": ids}


def did_change(params):
    uri, touched = params["textDocument"]["uri"], False
    for c in params["contentChanges"]:
        old = documents[uri][0]
        if "range" not in c:
            documents[uri][0] = c["text"]
            continue
        have = lines(old)
        def offset(pos):
            before = "".join(have[:pos["line"]])
            line = have[pos["line"]] if pos["line"] < len(have) else ""
            return len(before) + len(line.encode("utf-16-le")[:2 * pos["character"]].decode("utf-16-le"))
        s, e = offset(c["range"]["start"]), offset(c["range"]["end"])
        documents[uri][0] = new = old[:s] + c["text"] + old[e:]
        # in whole lines: what is common at both ends was not touched
        a, b = have, lines(new)
        head = 0
        limit = c["range"]["start"]["line"]
        while head < min(len(a), len(b), limit) and a[head] == b[head]: head += 1
        tail = 0
        while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]: tail += 1
        while head < min(len(a), len(b)) - tail and a[head] == b[head]: head += 1
        changed(uri, head, len(a) - tail, len(b) - tail - head)
    documents[uri][1] = params["textDocument"]["version"]
    for p in proposals.values():
        if any(here(f) == uri for f in p["files"]):
            tell(p)


def select(params):
    return [(p, f, h) for p in proposals.values() for f, h in hunks(p) if h["state"] in ("pending", "conflicted")
            and (h["hunk"] in params["hunks"] if params.get("hunks") else p["proposal"] == params.get("proposal") and params.get("uri", f["uri"]) == f["uri"])]


def reject(params):
    chosen = select(params)
    for _, _, h in chosen:
        h["state"] = "rejected"
    for p in {c[0]["proposal"]: c[0] for c in chosen}.values():
        tell(p)
    return {"hunks": [h["hunk"] for _, _, h in chosen]}


def set_text(params):
    p, _, h = find(params["hunk"])
    h["after"] = params["text"]
    if h["state"] == "conflicted":
        h.update(state="pending", before=h["conflict"]["yours"], conflict=None)
    tell(p)
    return {}


def start(params):
    tid = "t%d" % (len(tasks) + 1)
    tasks[tid] = {"task": tid, "title": params["goal"] or params.get("mode", "free"), "goal": params["goal"], "state": "exploring", "activity": "reading src/range.rs",
                  "plan": [{"text": "reproduce the failure", "state": "done", "items": []}, {"text": "find the cause", "state": "active", "items": [{"text": "read the callers of clamp", "state": "active", "items": []}]},
                           {"text": "rewrite the parser", "state": "dropped", "items": []}, {"text": "run the affected tests", "state": "pending", "items": []}],
                  "steps": [{"step": 1, "tool": "read", "summary": "src/range.rs", "state": "ok", "ms": 12, "detail": "pub fn clamp(value: usize, low: usize, high: usize) -> usize {\n    …"},
                            {"step": 2, "tool": "check", "summary": "cargo test range::", "state": "error", "ms": 3120, "detail": "2 failed; 9 passed"},
                            {"step": 3, "tool": "search", "summary": "clamp(", "state": "running", "ms": 0}],
                  "usage": {"input": 14300, "cached": 11900, "output": 900, "reasoning": 300, "usd": 0.01}, "model": "mock", "recorded": False, "resumable": False, "proposal": None, "message": None,
                  "createdMs": 1795000000000, "updatedMs": 1795000041000, "workedMs": 41000}
    return {"task": tid}


def after_start(tid):
    notify("galley/task/didUpdate", tasks[tid])
    notify("galley/status/didChange", status())
    if os.environ.get("MOCK_SCENARIO"):
        spec = json.load(open(os.environ["MOCK_SCENARIO"]))
        p = proposals[make_proposal(dict(spec, task=tid))]
        tasks[tid].update(state="proposed", proposal=p["proposal"], activity="")
        notify("galley/task/didUpdate", tasks[tid])
        tell(p)


def task_to(state):
    def change(params):
        tasks[params["task"]]["state"] = state
        notify("galley/task/didUpdate", tasks[params["task"]])
        notify("galley/status/didChange", status())
        return {}
    return change


def steer(params):
    t = tasks[params["task"]]
    t["plan"].append({"text": params["message"], "state": "active", "items": []})
    notify("galley/task/didUpdate", t)
    return {}


def plan_get(params):
    t = tasks[params["task"]]
    marks = {"pending": "[ ]", "active": "[>]", "done": "[x]", "dropped": "[-]"}
    def write(items, depth):
        return "".join("%s- %s %s\n%s" % ("  " * depth, marks[i["state"]], i["text"], write(i["items"], depth + 1)) for i in items)
    return {"task": t["task"], "text": "# %s\n\n%s" % (t["title"], write(t["plan"], 0)), "waits": t["state"] == "waiting"}


def plan_update(params):
    t = tasks[params["task"]]
    items = [l.split("] ", 1)[1] for l in params["text"].splitlines() if "] " in l]
    t["plan"] = [{"text": i, "state": "pending", "items": []} for i in items]
    if params.get("approve"):
        t["state"] = "editing"
    notify("galley/task/didUpdate", t)
    return {}


def why(params):
    _, _, h = find(params["hunk"])
    return {"markdown": "**Hunk %d of %d.** %s\n\n✓ `cargo test range::` — 2 failing before, 0 after, 9 passed, 3.1 s, sandboxed, content 7f3a…" % (h["number"], h["of"], h["reason"] or "It is needed.")}


def diff(params):
    name = os.path.join(os.environ.get("MOCK_DIR", root), params["proposal"] + ".diff")
    with open(name, "w") as out:
        for f, h in hunks(proposals[params["proposal"]]):
            out.write("--- a/%s\n+++ b/%s\n" % (f["path"], f["path"]) + "".join("-" + l for l in lines(h["before"])) + "".join("+" + l for l in lines(h["after"])))
    return {"uri": "file://" + name}


def initialize(params):
    global root
    if params.get("workspaceFolders"):
        root = path_of(params["workspaceFolders"][0]["uri"])
    return {"serverInfo": {"name": "galley", "version": "0.0-mock"}, "capabilities": {
        "textDocumentSync": {"openClose": True, "change": 2, "save": True}, "executeCommandProvider": {"commands": []},
        "experimental": {"galley": {"version": 1}}}}


def propose(params):
    pid = make_proposal(params)
    tell(proposals[pid])
    return {"proposal": pid}


def reset(params):
    for p in proposals.values():
        for _, h in hunks(p):
            h["state"] = "obsolete"
        tell(p)
    proposals.clear()
    return {}


def show_diagnostic(params):
    one = {"range": span(0, 1, text_of(params["uri"])), "severity": 3, "source": "galley", "message": "hunk"}
    notify("textDocument/publishDiagnostics", {"uri": params["uri"], "diagnostics": [dict(one, code="hunk"), dict(one, source="other", message="other")]})
    return {}


ANSWERS = {
    "initialize": initialize, "shutdown": lambda p: None,
    "galley/task/start": start, "galley/task/list": lambda p: {"tasks": list(tasks.values())}, "galley/task/get": lambda p: tasks[p["task"]],
    "galley/plan/get": plan_get, "galley/plan/update": plan_update, "galley/task/steer": steer, "galley/task/pause": task_to("paused"), "galley/task/resume": task_to("exploring"), "galley/task/cancel": task_to("cancelled"),
    "galley/proposal/list": lambda p: {"proposals": [w for w in map(wire, proposals.values()) if w["open"]]}, "galley/proposal/get": lambda p: wire(proposals[p["proposal"]]),
    "galley/hunk/accept": accept, "galley/hunk/reject": reject, "galley/hunk/edit": set_text, "galley/hunk/comment": lambda p: {}, "galley/hunk/why": why,
    "galley/hunk/split": lambda p: {"hunks": [p["hunk"] + ".1", p["hunk"] + ".2"]},
    "galley/proposal/diff": diff, "galley/status": lambda p: status(),
    "galley/checkpoint/list": lambda p: {"checkpoints": [{"checkpoint": "c1", "task": "t1", "title": "fix the test", "atMs": 1795000000000, "files": [uri_of("a.txt")]}]},
    "galley/checkpoint/restore": lambda p: {"applied": True, "conflicts": []},
    "mock/propose": propose, "mock/reset": reset, "mock/revise": set_text, "mock/diagnose": show_diagnostic,
    "mock/draft": lambda p: notify("galley/task/didDraft", p) or {},
    "mock/text": lambda p: {"text": text_of(p["uri"])}, "mock/task": lambda p: tasks[p["task"]].update(p) or notify("galley/task/didUpdate", tasks[p["task"]]) or {},
}


def handle(m):
    method, params = m.get("method"), m.get("params") or {}
    if method is None:
        return waiting.pop(m["id"])(m.get("result"))
    if method == "exit" or method == "mock/quit":
        sys.exit(0)
    if method == "textDocument/didOpen":
        d = params["textDocument"]
        documents[d["uri"]] = [d["text"], d["version"]]
        for p in proposals.values():
            if any(here(f) == d["uri"] for f in p["files"]): tell(p)
    elif method == "textDocument/didChange":
        did_change(params)
    elif method == "textDocument/didClose":
        documents.pop(params["textDocument"]["uri"], None)
    elif method == "mock/ask":
        request("galley/approval/request", params, lambda result: send({"id": m["id"], "result": result}))
    elif method in ANSWERS:
        try:
            result = ANSWERS[method](params)
        except (KeyError, IndexError) as e:
            return send({"id": m["id"], "error": {"code": -32602, "message": str(e)}})
        send({"id": m["id"], "result": result})
        if method == "galley/task/start":
            after_start(result["task"])
    elif "id" in m:
        send({"id": m["id"], "error": {"code": -32601, "message": "unknown method: " + method}})


while True:
    size = 0
    while (header := sys.stdin.buffer.readline()) not in (b"\r\n", b""):
        if header.lower().startswith(b"content-length:"):
            size = int(header.split(b":")[1])
    if not header:
        break
    message = json.loads(sys.stdin.buffer.read(size))
    log("in", message)
    handle(message)
