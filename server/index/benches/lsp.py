#!/usr/bin/env python3
"""Measures how a language server answers while it is busy, beside one that answers everything with nothing.

    lsp.py grow FROM TO COPIES             a large tree: copies whose texts all differ, by line ends at their end
    lsp.py cold ROOT FILE SECONDS COMMAND  code actions on FILE while ROOT is indexed for the first time
    lsp.py burst ROOT FILE ROUNDS COMMAND  64 code actions at once and a documentSymbol behind them, then cancelled ones;
                                           then processor time of ten quiet seconds
    lsp.py rest ROOT FILE 0 COMMAND        processor time and megabytes of memory once ROOT is indexed and all is quiet
    lsp.py null                            the server that does nothing

COMMAND is the server's command line. `cold`, `burst` and `rest` print one JSON object for the server and one for the null server.
Times are milliseconds from just before a request is written to the last byte of its answer; `cpu` is processor time.
"""
import gc, json, os, subprocess, sys, threading, time

BURST = 64
# All answers are kept, and looking through them for rubbish would stop this program for up to 200 ms in the middle of one.
gc.disable()


def frame(message):
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def frames(pipe):
    while True:
        length, line = None, pipe.readline()
        if not line:
            return
        while line.strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            line = pipe.readline()
        yield json.loads(pipe.read(length))


class Client:
    def __init__(self, command, root, file):
        self.server = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.answers, self.changed, self.next = {}, threading.Condition(), 0
        self.stray = 0
        threading.Thread(target=self.read, daemon=True).start()
        self.uri = "file://" + file
        capabilities = {"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
                                         "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}}}}
        folder = {"uri": "file://" + root, "name": "root"}
        self.ask("initialize", {"processId": os.getpid(), "rootUri": folder["uri"], "workspaceFolders": [folder],
                                "capabilities": capabilities})
        self.notify("initialized", {})
        text = open(file, encoding="utf-8").read()
        self.notify("textDocument/didOpen", {"textDocument": {"uri": self.uri, "languageId": "x", "version": 1, "text": text}})

    def read(self):
        for message in frames(os.fdopen(os.dup(self.server.stdout.fileno()), "rb", 1 << 20)):
            now = time.monotonic()
            with self.changed:
                if "method" not in message:
                    self.stray += message["id"] in self.answers
                    self.answers[message["id"]] = (now, message)
                    self.changed.notify_all()
                elif "id" in message:
                    self.write(frame({"jsonrpc": "2.0", "id": message["id"], "result": None}))

    def write(self, data):
        self.server.stdin.write(data)

    def notify(self, method, params):
        self.write(frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def request(self, method, params):
        self.next += 1
        return self.next, frame({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params})

    def wait(self, number):
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.answers, 60):
                sys.exit("request %d was not answered in 60 s" % number)
            return self.answers[number]

    def ask(self, method, params):
        number, data = self.request(method, params)
        start = time.monotonic()
        self.write(data)
        return (self.wait(number)[0] - start) * 1e3

    def code_action(self, line):
        place = {"start": {"line": line, "character": 4}, "end": {"line": line, "character": 6}}
        return "textDocument/codeAction", {"textDocument": {"uri": self.uri}, "range": place, "context": {"diagnostics": []}}

    def symbols(self):
        return "textDocument/documentSymbol", {"textDocument": {"uri": self.uri}}

    def cpu(self):
        fields = open("/proc/%d/stat" % self.server.pid).read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.ask("shutdown", None)
        self.notify("exit", None)
        self.server.wait(30)


def spread(times):
    times = sorted(times)
    at = lambda share: round(times[int((len(times) - 1) * share)], 3)
    return {"n": len(times), "p50": at(0.5), "p99": at(0.99), "max": at(1)}


def cold(client, seconds):
    first = client.ask(*client.symbols())
    times, end, number = [], time.monotonic() + seconds, 0
    cpu = client.cpu()
    while time.monotonic() < end:
        number += 1
        times.append(client.ask(*client.code_action(number % 200)))
        time.sleep(0.02)
    busy = (client.cpu() - cpu) / (seconds * 10)
    return {"first_symbols_ms": round(first, 3), "code_action_ms": spread(times), "cpu_percent_meanwhile": round(busy, 1)}


def burst(client, rounds):
    wait_until_quiet(client)
    alone = [client.ask(*client.symbols()) for _ in range(rounds)]
    behind, cancelled, kinds = [], [], {}
    for cancel in (False, True):
        for _ in range(rounds):
            begun = [client.request(*client.code_action(line)) for line in range(BURST)]
            data = [data for _, data in begun]
            if cancel:
                data += [frame({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": number}}) for number, _ in begun]
            probe, probe_data = client.request(*client.symbols())
            client.write(b"".join(data))
            start = time.monotonic()
            client.write(probe_data)
            (cancelled if cancel else behind).append((client.wait(probe)[0] - start) * 1e3)
            for number, _ in begun:
                answer = client.wait(number)[1]
                kind = str(answer.get("error", {}).get("code", "result")) if cancel else "result"
                kinds[kind] = kinds.get(kind, 0) + 1
    quiet = client.cpu()
    time.sleep(10)
    quiet = client.cpu() - quiet
    return {"document_symbol_ms": spread(alone), "behind_64_ms": spread(behind), "behind_64_cancelled_ms": spread(cancelled),
            "answers": kinds, "answered_twice": client.stray, "idle_cpu_ms_in_10_s": quiet}


def at_rest(client, _):
    wait_until_quiet(client)
    lines = dict(line.split(":", 1) for line in open("/proc/%d/status" % client.server.pid) if line.startswith(("Vm", "Rss")))
    megabytes = {key: round(int(lines[key].split()[0]) / 1024) for key in ("VmHWM", "VmRSS", "RssAnon")}
    return {"cpu_ms": client.cpu(), "megabytes": megabytes}


def wait_until_quiet(client):
    before = -1.0
    while client.cpu() != before:
        before = client.cpu()
        time.sleep(1)


def null():
    for message in frames(sys.stdin.buffer):
        if message.get("method") == "exit":
            return
        if "id" in message and "method" in message:
            result = {"capabilities": {}} if message["method"] == "initialize" else None
            sys.stdout.buffer.write(frame({"jsonrpc": "2.0", "id": message["id"], "result": result}))
            sys.stdout.buffer.flush()


def grow(source, target, copies):
    files = lines = 0
    for copy in range(copies):
        for folder, _, names in os.walk(source):
            there = os.path.join(target, "copy%d" % copy, os.path.relpath(folder, source))
            os.makedirs(there, exist_ok=True)
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    text = open(path, "rb").read() + b"\n" * copy
                    files, lines = files + 1, lines + text.count(b"\n")
                    with open(os.path.join(there, name), "wb") as out:
                        out.write(text)
    print(json.dumps({"files": files, "lines": lines}))


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "null":
        return null()
    if what == "grow":
        return grow(rest[0], rest[1], int(rest[2]))
    root, file, count, command = os.path.abspath(rest[0]), os.path.abspath(rest[1]), int(rest[2]), rest[3:]
    for label, run in (("server", command), ("null", [sys.executable, os.path.abspath(__file__), "null"])):
        client = Client(run, root, file)
        row = {"cold": cold, "burst": burst, "rest": at_rest}[what](client, count)
        client.end()
        print(json.dumps({"which": label, **row}), flush=True)


if __name__ == "__main__":
    main()
