// Documents and hunks of the scripted server. Hunks are kept as offsets into the person's text and moved with every
// change; what the person typed into becomes a conflict.
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import path from "node:path";

export const documents = new Map();

export function textOf(uri) {
  const open = documents.get(uri);
  if (open) return open.text;
  try {
    return readFileSync(fileURLToPath(uri), "utf8");
  } catch {
    return "";
  }
}

function offsetAt(text, { line, character }) {
  let at = 0;
  for (let index = 0; index < line; index++) {
    const end = text.indexOf("\n", at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  return Math.min(at + character, text.length);
}

export function positionAt(text, offset) {
  const before = text.slice(0, offset);
  const line = before.split("\n").length - 1;
  return { line, character: offset - (before.lastIndexOf("\n") + 1) };
}

const rangeOf = (text, hunk) => ({ start: positionAt(text, hunk.start), end: positionAt(text, hunk.end) });

export class Desk {
  proposals = new Map();
  constructor(root) {
    this.root = root;
  }

  uri(relative) {
    return pathToFileURL(path.join(this.root, relative)).toString();
  }

  /** A proposal of the edits of a scenario against the texts as they are now. */
  propose(id, task, title, edits) {
    const hunks = edits.map((edit, index) => {
      const uri = this.uri(edit.path);
      const quoted = edit.find ?? edit.before;
      const start = textOf(uri).indexOf(quoted);
      const before = edit.find ?? "";
      return {
        hunk: `${id}-h${index + 1}`, number: index + 1, of: edits.length, uri, path: edit.path, kind: edit.kind ?? "modify", start, end: start + before.length,
        before, after: edit.after, reason: edit.reason, requires: (edit.requires ?? []).map((other) => `${id}-h${other + 1}`), state: "pending", conflict: null,
      };
    });
    const proposal = { id, task, title, hunks, stale: false };
    this.proposals.set(id, proposal);
    return proposal;
  }

  hunk(id) {
    for (const proposal of this.proposals.values()) for (const hunk of proposal.hunks) if (hunk.hunk === id) return { proposal, hunk };
    return undefined;
  }

  pending() {
    return [...this.proposals.values()].flatMap((proposal) => proposal.hunks.filter((hunk) => ["pending", "conflicted"].includes(hunk.state)));
  }

  /** The proposal as the protocol has it. */
  wire(proposal) {
    const uris = [...new Set(proposal.hunks.map((hunk) => hunk.uri))];
    const files = uris.map((uri) => {
      const mine = proposal.hunks.filter((hunk) => hunk.uri === uri);
      const text = textOf(uri);
      return {
        uri, path: mine[0].path, kind: mine[0].kind, version: documents.get(uri)?.version ?? null,
        hunks: mine.map(({ hunk, number, of, state, before, after, reason, requires, conflict, reviewed, ...place }) =>
          ({ hunk, number, of, state, range: rangeOf(text, place), before, after, reason, requires, mergedByToken: false, reviewed: reviewed ?? false, edited: false, comment: null, wholeFile: null, conflict })),
      };
    });
    const evidence = [{
      check: "cargo test", command: "cargo test --test range", exitCode: 0, status: "passed", before: "2 failing", summary: "2 failing before, 0 after, 9 passed",
      seconds: 3.1, sandbox: "namespaces, no network", hash: "7f3a9c51d2e8", stale: proposal.stale,
    }];
    const open = proposal.hunks.some((hunk) => ["pending", "conflicted"].includes(hunk.state));
    const accepted = proposal.hunks.filter((hunk) => hunk.state === "accepted").map((hunk) => hunk.hunk);
    const acceptedChecks = accepted.length ? { state: "passed", summary: "cargo test: 9 passed", hunks: accepted, lacks: [] } : null;
    return { acceptedChecks, proposal: proposal.id, task: proposal.task, title: proposal.title, partial: false, open, warnings: [], evidence, files };
  }

  /** Takes the changes of a document; answers which proposals moved. */
  change(uri, changes, version) {
    const document = documents.get(uri);
    const moved = new Set();
    for (const change of changes) {
      const start = offsetAt(document.text, change.range.start);
      const end = offsetAt(document.text, change.range.end);
      const previous = document.text;
      document.text = previous.slice(0, start) + change.text + previous.slice(end);
      for (const proposal of this.proposals.values()) {
        for (const hunk of proposal.hunks) {
          if (hunk.uri !== uri) continue;
          moved.add(proposal);
          move(hunk, start, end, change.text, document.text);
        }
      }
    }
    document.version = version;
    return [...moved];
  }
}

function move(hunk, start, end, inserted, text) {
  const delta = inserted.length - (end - start);
  if (hunk.state === "accepting" && start === hunk.start && end === hunk.end && inserted === hunk.after) {
    hunk.state = "accepted";
    hunk.end = hunk.start + inserted.length;
    return;
  }
  if (hunk.state === "accepted" && start === hunk.start && end === hunk.end && inserted === hunk.before) {
    hunk.state = "pending"; // An undo puts back exactly the lines that an accept replaced.
    hunk.end = hunk.start + hunk.before.length;
    return;
  }
  if (end <= hunk.start) {
    hunk.start += delta;
    hunk.end += delta;
  } else if (start < hunk.end) {
    hunk.start = Math.min(hunk.start, start);
    hunk.end = Math.max(hunk.start, hunk.end + delta);
    const now = text.slice(hunk.start, hunk.end);
    if (hunk.state === "accepting" && now === hunk.after) hunk.state = "accepted";
    else if (hunk.state === "accepted" && now === hunk.before) hunk.state = "pending";
    else if (hunk.state === "pending") {
      hunk.state = "conflicted";
      hunk.conflict = { base: hunk.before, yours: "", theirs: hunk.after };
    }
    if (hunk.conflict) hunk.conflict.yours = now;
  }
}
