// The scripted server: speaks the protocol that the client speaks with `galley lsp`, so that client tests need no model
// and are the same each time. Its own `mock/*` requests let a test reach behind the scenes.
import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Desk, documents, positionAt, textOf } from "./desk.mjs";
import { notify, request, serve } from "./rpc.mjs";
import { PLAN, scenario } from "./scenarios.mjs";

let desk;
let client = {};
let count = 0;
const tasks = new Map();
const gates = new Map();
const seen = [];
const COMMANDS = ["galley.task.start", "galley.task.steer", "galley.hunk.accept", "galley.hunk.reject", "galley.hunk.edit", "galley.hunk.comment", "galley.hunk.why"];
const turn = () => new Promise((resolve) => setTimeout(resolve, Number(process.env.GALLEY_MOCK_STEP_MS ?? 15)));

function note(method, params) {
  seen.push({ method, params });
  if (process.env.GALLEY_MOCK_LOG) appendFileSync(process.env.GALLEY_MOCK_LOG, JSON.stringify({ method, params }) + "\n");
}

/* ------------------------------------------------------------------ what the client is told */
function status() {
  const hunks = desk.pending().length;
  const running = [...tasks.values()].filter((task) => !["proposed", "done", "failed", "cancelled"].includes(task.state));
  const base = { symbols: 48210, model: "mock/gpt-6.1-sol", tasks: running.length, hunks };
  if (running.length) return { ...base, text: `${running.length} task · ${running[0].state} · $${running[0].usage.usd.toFixed(2)}`, level: "busy" };
  if (hunks) return { ...base, text: `${hunks} ${hunks === 1 ? "hunk" : "hunks"} to review · checks green`, level: "review" };
  return { ...base, text: "ready · 48,210 symbols · gpt-6.1-sol", level: "ok" };
}

function tell(proposal) {
  if (proposal) {
    const wire = desk.wire(proposal);
    notify("galley/proposal/didChange", wire);
    const task = tasks.get(proposal.task);
    if (task && !wire.open && task.state === "proposed") update(task, { state: "done", activity: "", message: summary(proposal) });
    if (task && wire.open && task.state === "done") update(task, { state: "proposed" });
  }
  notify("galley/status/didChange", status());
  for (const uri of documents.keys()) {
    const mine = desk.pending().filter((hunk) => hunk.uri === uri);
    const text = textOf(uri);
    notify("textDocument/publishDiagnostics", {
      uri, diagnostics: mine.map((hunk) => ({ range: { start: positionAt(text, hunk.start), end: positionAt(text, hunk.end) }, severity: 3, source: "galley", code: "hunk", message: hunk.reason, data: { hunk: hunk.hunk } })),
    });
  }
}

function summary(proposal) {
  const accepted = proposal.hunks.filter((hunk) => hunk.state === "accepted").length;
  return `${accepted} of ${proposal.hunks.length} hunks accepted`;
}

function update(task, change) {
  const now = Date.now();
  Object.assign(task, change, { updatedMs: now, workedMs: now - task.createdMs });
  task.resumable = ["paused", "failed", "cancelled", "interrupted"].includes(task.state);
  notify("galley/task/didUpdate", task);
  notify("galley/status/didChange", status());
}

/* ------------------------------------------------------------------ the scripted task */
function start(params) {
  const id = `t${++count}`;
  const task = {
    task: id, title: params.goal.split("\n")[0].slice(0, 60), goal: params.goal, state: "queued", activity: "waiting for a place", plan: PLAN.map((text) => ({ text, state: "pending", items: [] })), steps: [],
    usage: { input: 0, cached: 0, output: 0, reasoning: 0, usd: 0 }, model: "mock/gpt-6.1-sol", recorded: false, resumable: false, proposal: null, message: null, createdMs: Date.now(), updatedMs: Date.now(), workedMs: 0,
  };
  tasks.set(id, task);
  const gate = {};
  gate.opened = new Promise((resolve) => (gate.open = resolve));
  gates.set(id, gate);
  void run(task, params);
  return { task: id };
}

async function run(task, params) {
  await turn();
  update(task, { state: "planning", activity: "may touch src/range.rs, 3 callers, 9 tests" });
  await stage(task, "exploring", 0, "cargo test --test range", "run", "2 failed: three_to_seven_are_five_lines, no_common_line_is_an_empty_overlap", "running 2 tests\ntest three_to_seven_are_five_lines ... FAILED\ntest no_common_line_is_an_empty_overlap ... FAILED");
  if (/hold/.test(params.goal)) await gates.get(task.task).opened;
  if (task.state === "cancelled") return;
  if (/with a plan/.test(params.goal)) {
    update(task, { state: "waiting", activity: "waits for your approval of its plan" });
    await gates.get(task.task).opened;
  }
  if (/approval/.test(params.goal)) {
    update(task, { state: "waiting", activity: "waits for your answer" });
    const answer = await request("galley/approval/request", {
      approval: `a-${task.task}`, task: task.task, title: "Change Cargo.lock?", detail: "It is outside of the scope; the new test needs a dependency.",
      options: [{ id: "once", label: "Once" }, { id: "task", label: "For this task" }, { id: "deny", label: "No" }],
    });
    note("mock/approval", answer);
    task.steps.push({ step: task.steps.length + 1, tool: "ask", summary: `Change Cargo.lock? ${answer.option ?? "no answer"}`, state: "ok", ms: 5 });
  }
  await stage(task, "exploring", 1, "src/range.rs", "read", "read lines 1 to 29", null);
  await stage(task, "editing", 2, "src/range.rs", "edit", "3 places in src/range.rs", null);
  if (/give up/.test(params.goal)) return update(task, { state: "failed", activity: "", message: "Gave up after 3 tries: the reply was empty. Nothing was applied." });
  await stage(task, "verifying", 3, "cargo test --test range", "run", "cargo test: 9 passed", "test result: ok. 9 passed; 0 failed");
  const proposal = desk.propose(`p${task.task.slice(1)}`, task.task, task.title, scenario(params.goal));
  update(task, { state: "proposed", activity: "", proposal: proposal.id, message: "Ranges are half-open everywhere; 2 failing tests pass." });
  tell(proposal);
}

const planText = (plan) => plan.map(({ text }) => `[ ] ${text}\n`).join("");

async function stage(task, state, item, what, tool, result, detail) {
  const plan = task.plan.map((entry, index) => ({ ...entry, state: index < item ? "done" : index === item ? "active" : "pending" }));
  const step = { step: task.steps.length + 1, tool, summary: what, state: "running", ms: 0 };
  const { input, cached, output, reasoning, usd } = task.usage;
  update(task, { state, plan, steps: [...task.steps, step], activity: `${tool} ${what}`, usage: { input: input + 3100, cached: cached + 2900, output: output + 480, reasoning: reasoning + 60, usd: usd + 0.011 } });
  await turn();
  Object.assign(step, { state: "ok", ms: 240, summary: result, detail });
  if (plan[item]) plan[item].state = "done";
  update(task, { plan });
}

/* ------------------------------------------------------------------ decisions */
function selected({ hunks, uri, proposal }) {
  if (hunks) return hunks.map((id) => desk.hunk(id)?.hunk).filter(Boolean);
  return desk.pending().filter((hunk) => (!uri || hunk.uri === uri) && (!proposal || desk.hunk(hunk.hunk).proposal.id === proposal));
}

async function accept(params) {
  let chosen = selected(params).filter((hunk) => hunk.state === "pending");
  const ids = () => chosen.map((hunk) => hunk.hunk);
  const lacking = chosen.flatMap((hunk) => hunk.requires).filter((id) => !ids().includes(id) && desk.hunk(id).hunk.state !== "accepted");
  if (lacking.length && !params.prerequisites) return { applied: false, reason: `it needs hunk ${lacking.map((id) => desk.hunk(id).hunk.number).join(", ")}`, hunks: ids() };
  chosen = [...new Set([...lacking.map((id) => desk.hunk(id).hunk), ...chosen])];
  if (!chosen.length) return { applied: false, reason: "this hunk was decided already", hunks: params.hunks ?? [] };
  const changes = [];
  for (const uri of new Set(chosen.map((hunk) => hunk.uri))) {
    const text = textOf(uri);
    const mine = chosen.filter((hunk) => hunk.uri === uri);
    if (mine[0].kind === "add") changes.push({ kind: "create", uri });
    changes.push({
      textDocument: { uri, version: documents.get(uri)?.version ?? null },
      edits: mine.map((hunk) => ({ range: { start: positionAt(text, hunk.start), end: positionAt(text, hunk.end) }, newText: hunk.after })),
    });
  }
  for (const hunk of chosen) hunk.state = "accepting";
  const answer = await request("workspace/applyEdit", { label: "Galley: accept", edit: { documentChanges: changes } });
  // The answer may overtake the change that it speaks of; what counts is the text that comes back.
  const late = () => chosen.some((hunk) => hunk.state === "accepting");
  if (answer.applied && late()) note("mock/answerBeforeChange", { hunks: ids() });
  for (let waited = 0; answer.applied && late() && waited < 100; waited++) await turn();
  for (const hunk of chosen) if (hunk.state === "accepting") hunk.state = answer.applied ? "accepted" : "pending";
  for (const proposal of new Set(chosen.map((hunk) => desk.hunk(hunk.hunk).proposal))) tell(proposal);
  return { applied: answer.applied, ...(answer.applied ? {} : { reason: answer.failureReason ?? "the editor refused the edit" }), hunks: ids() };
}

function reject(params) {
  const chosen = selected(params).filter((hunk) => ["pending", "conflicted"].includes(hunk.state));
  for (const hunk of chosen) hunk.state = "rejected";
  for (const proposal of new Set(chosen.map((hunk) => desk.hunk(hunk.hunk).proposal))) tell(proposal);
  return { hunks: chosen.map((hunk) => hunk.hunk) };
}

function mark(params) {
  const chosen = selected(params);
  for (const hunk of chosen) hunk.reviewed = params.reviewed;
  for (const proposal of new Set(chosen.map((hunk) => desk.hunk(hunk.hunk).proposal))) tell(proposal);
  return { hunks: chosen.map((hunk) => hunk.hunk) };
}

/** Takes rejects back; an accept is the editor's own undo here. */
function undo() {
  const rejected = [...desk.proposals.values()].flatMap((proposal) => proposal.hunks).findLast((hunk) => hunk.state === "rejected");
  if (!rejected) return { applied: false, reason: "there is no decision to take back", hunks: [] };
  rejected.state = "pending";
  tell(desk.hunk(rejected.hunk).proposal);
  return { applied: true, reason: null, hunks: [rejected.hunk] };
}

/** Splits a hunk of two old lines: the first goes by itself, the second with what comes. */
function split({ hunk: id }) {
  const { proposal, hunk } = desk.hunk(id);
  const before = hunk.before.match(/[^\n]*\n/g) ?? [];
  const after = ["", hunk.after];
  if (before.length !== 2) throw new Error(`hunk ${hunk.number} cannot be split further`);
  const middle = hunk.start + before[0].length;
  const parts = [0, 1].map((at) => ({ ...hunk, hunk: `${id}.${at + 1}`, before: before[at], after: after[at], start: at ? middle : hunk.start, end: at ? hunk.end : middle }));
  proposal.hunks.splice(proposal.hunks.indexOf(hunk), 1, ...parts);
  proposal.hunks.forEach((one, at) => Object.assign(one, { number: at + 1, of: proposal.hunks.length }));
  tell(proposal);
  return { hunks: parts.map((part) => part.hunk) };
}

function edit({ hunk: id, text }) {
  const found = desk.hunk(id);
  if (!found) throw new Error("there is no such hunk any more");
  Object.assign(found.hunk, { after: text, state: "pending", conflict: null });
  found.proposal.stale = true;
  tell(found.proposal);
  return {};
}

async function revise({ hunk: id, text }) {
  const { hunk, proposal } = desk.hunk(id);
  await turn();
  Object.assign(hunk, { reason: `${hunk.reason} Revised: ${text}.` });
  tell(proposal);
}

function why({ hunk: id }) {
  const { hunk } = desk.hunk(id);
  return { markdown: `${hunk.reason}\n\n\`cargo test --test range\`: 2 failing before, 0 after, 9 passed, 3.1 s, sandboxed, content \`7f3a9c51\`` };
}

/* ------------------------------------------------------------------ the protocol */
const requests = {
  initialize(params) {
    client = params.capabilities;
    note("initialize", { experimental: client.experimental });
    desk = new Desk(fileURLToPath(params.workspaceFolders?.[0]?.uri ?? params.rootUri ?? "file:///"));
    return {
      capabilities: {
        textDocumentSync: { openClose: true, change: 2, save: true },
        codeActionProvider: { codeActionKinds: ["quickfix", "refactor", "source"] },
        codeLensProvider: {},
        executeCommandProvider: { commands: COMMANDS },
        experimental: { galley: { version: 1 } },
      },
      serverInfo: { name: "galley", version: "mock" },
    };
  },
  shutdown: () => null,
  "textDocument/codeLens": ({ textDocument: { uri } }) => desk.pending().filter((hunk) => hunk.uri === uri).map((hunk) => {
    const at = positionAt(textOf(uri), hunk.start);
    return { range: { start: at, end: at }, command: { title: "Accept (server lens)", command: "galley.hunk.accept", arguments: [{ hunks: [hunk.hunk] }] } };
  }),
  "textDocument/codeAction": ({ textDocument: { uri }, range }) => {
    const here = desk.pending().find((hunk) => hunk.uri === uri && positionAt(textOf(uri), hunk.start).line <= range.start.line && positionAt(textOf(uri), hunk.end).line >= range.start.line);
    const action = (title, kind, command, argument) => ({ title, kind, command: { title, command, arguments: [argument] } });
    return [
      ...(here ? [action(`Galley: accept hunk ${here.number}`, "quickfix.galley.accept", "galley.hunk.accept", { hunks: [here.hunk] }), action(`Galley: comment on hunk ${here.number}`, "quickfix.galley.comment", "galley.hunk.comment", { hunk: here.hunk })] : []),
      action("Galley: fix this failing test", "quickfix.galley", "galley.task.start", { goal: "Fix the failing test", mode: "fix", uri, range }),
      action("Galley: refactor as told…", "refactor.galley", "galley.ask", { title: "Refactor as told", placeholder: "what should be different?", params: { mode: "refactor", uri, range } }),
    ];
  },
  "galley/task/start": start,
  "galley/task/list": () => ({ tasks: [...tasks.values()] }),
  "galley/task/steer": ({ task: id, message }) => {
    const task = tasks.get(id);
    update(task, { activity: `steered: ${message}` });
    gates.get(id).open();
    return {};
  },
  "galley/task/pause": ({ task }) => (update(tasks.get(task), { state: "paused", activity: "paused" }), {}),
  "galley/task/resume": ({ task }) => (update(tasks.get(task), { state: "exploring" }), gates.get(task).open(), {}),
  "galley/task/cancel": ({ task }) => (update(tasks.get(task), { state: "cancelled", activity: "", message: "Stopped by you. Nothing was applied." }), gates.get(task).open(), {}),
  "galley/plan/get": ({ task }) => ({ task, text: planText(tasks.get(task).plan), waits: tasks.get(task).state === "waiting" }),
  "galley/plan/update": ({ task, text, approve }) => {
    const plan = text.split("\n").filter((line) => line.startsWith("[")).map((line) => ({ text: line.slice(4), state: "pending", items: [] }));
    update(tasks.get(task), { plan });
    if (approve) gates.get(task).open();
    return {};
  },
  "galley/proposal/list": () => ({ proposals: [...desk.proposals.values()].map((proposal) => desk.wire(proposal)).filter((proposal) => proposal.open) }),
  "galley/hunk/accept": accept,
  "galley/hunk/reject": reject,
  "galley/hunk/edit": edit,
  "galley/hunk/mark": mark,
  "galley/hunk/undo": undo,
  "galley/hunk/split": split,
  "galley/hunk/comment": (params) => (void revise(params), {}),
  "galley/hunk/why": why,
  "galley/checkpoint/restore": () => ({ applied: false, reason: "there is no checkpoint yet", conflicts: [] }),
  "galley/status": status,
  "mock/seen": () => seen,
  "mock/request": ({ method, params }) => request(method, params),
  "mock/die": () => process.exit(1),
  "mock/status": (params) => (notify("galley/status/didChange", { ...status(), ...params }), {}),
};
requests["workspace/executeCommand"] = ({ command, arguments: [argument] }) => requests[command.replaceAll(".", "/")](argument ?? {});

for (const [method, handler] of Object.entries(requests)) {
  if (!method.startsWith("galley/")) continue;
  requests[method] = (params) => (note(method, params), handler(params));
}

serve(requests, {
  "textDocument/didOpen": ({ textDocument: { uri, text, version } }) => {
    documents.set(uri, { text, version });
    for (const proposal of desk.proposals.values()) if (proposal.hunks.some((hunk) => hunk.uri === uri)) tell(proposal);
  },
  "textDocument/didChange": ({ textDocument: { uri, version }, contentChanges }) => {
    for (const proposal of desk.change(uri, contentChanges, version)) tell(proposal);
  },
  "textDocument/didClose": ({ textDocument: { uri } }) => documents.delete(uri),
  exit: () => process.exit(0),
});
