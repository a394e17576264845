// The messages of the `galley/*` protocol, version 1, in the shapes that the server sends and reads.
// Positions are those of LSP: zero-based lines, characters counted in the negotiated encoding.
import { NotificationType, RequestType } from "vscode-languageclient/node";

export const PROTOCOL_VERSION = 1;

export interface Position { line: number; character: number }
export interface Range { start: Position; end: Position }

export type TaskState =
  | "queued" | "planning" | "exploring" | "editing" | "verifying" | "checking itself" | "proposed" | "done"
  | "paused" | "waiting" | "failed" | "cancelled" | "interrupted";
export type Mode = "fix" | "implement" | "refactor" | "tests" | "document" | "explain" | "free";

export interface Budget { usd?: number; tokens?: number; steps?: number; seconds?: number }
export interface StartParams {
  goal: string;
  uri?: string;
  range?: Range;
  mode?: Mode;
  scope?: string[];
  budget?: Budget;
  model?: string;
}

export interface Scope { paths: string[]; also: string[]; symbols: string[]; lines: number | null; protect: string[] }
export interface WaitingMessage { message: string; text: string }
export interface PlanItem { text: string; state: "pending" | "active" | "done" | "dropped"; items: PlanItem[] }
export interface Step { step: number; tool: string; summary: string; state: "running" | "ok" | "error"; ms: number; detail?: string | null }
export interface Usage { input: number; cached: number; output: number; reasoning: number; usd: number | null }
export interface Phase { phase: string; turns: number; usage: Usage }
export interface Task {
  task: string;
  title: string;
  goal: string;
  state: TaskState;
  activity: string;
  plan: PlanItem[];
  planChanges?: string[];
  touches?: string[];
  queue?: WaitingMessage[];
  scope?: Scope;
  notes?: string[];
  steps: Step[];
  usage: Usage;
  phases?: Phase[];
  model: string;
  recorded: boolean;
  /** Whether the server goes on with it when asked: it is paused, or ended before its work did. */
  resumable: boolean;
  proposal: string | null;
  message: string | null;
  createdMs: number;
  updatedMs: number;
  /** Milliseconds that it ran; what it rested for a review does not count. */
  workedMs: number;
}

export type HunkState = "pending" | "accepted" | "rejected" | "conflicted" | "obsolete";
export interface Conflict { base: string; yours: string; theirs: string }
export interface Hunk {
  hunk: string;
  number: number;
  of: number;
  state: HunkState;
  range: Range;
  before: string;
  after: string;
  reason: string | null;
  requires: string[];
  neededBy: string[];
  reviewed: boolean;
  edited: boolean;
  comment: string | null;
  mergedByToken: boolean;
  wholeFile?: string | null;
  conflict: Conflict | null;
}
export interface ProposedFile {
  uri: string;
  path: string;
  kind: "modify" | "add" | "delete" | "move";
  fromUri?: string | null;
  version: number | null;
  hunks: Hunk[];
}
export interface Evidence {
  check: string;
  command: string;
  exitCode: number | null;
  status: "passed" | "failed" | "notRun";
  before: string | null;
  summary: string;
  fixed: string[];
  newlyFailing: string[];
  stillFailing: string[];
  flaky: string[];
  gone: string[];
  seconds: number;
  sandbox: string;
  hash: string;
  stale: boolean;
}
export interface AcceptedChecks { state: "running" | "passed" | "failed" | "notRun"; summary: string; hunks: string[]; lacks: string[] }
export interface Proposal {
  proposal: string;
  task: string;
  title: string;
  partial: boolean;
  open: boolean;
  warnings: string[];
  evidence: Evidence[];
  acceptedChecks?: AcceptedChecks | null;
  files: ProposedFile[];
}

export interface Status { text: string; level: "ok" | "busy" | "review" | "warning" | "error"; symbols: number; model: string | null; tasks: number; hunks: number; sandbox?: string | null }
export interface Approval { approval: string; task: string; title: string; detail: string; options: { id: string; label: string }[] }

export interface TaskRef { task: string }
export interface HunkSet { hunks?: string[]; uri?: string; proposal?: string }
export interface Accepted { applied: boolean; reason?: string | null; hunks: string[] }
export interface Restored { applied: boolean; reason?: string | null; conflicts: string[] }
type Empty = Record<string, never>;

const request = <P, R>(method: string) => new RequestType<P, R, void>(method);
const notification = <P>(method: string) => new NotificationType<P>(method);

export const taskStart = request<StartParams, TaskRef>("galley/task/start");
export const taskList = request<Empty, { tasks: Task[] }>("galley/task/list");
export const taskSteer = request<{ task: string; message: string }, { message: string }>("galley/task/steer");
export const planGet = request<{ task: string }, { task: string; text: string; waits: boolean }>("galley/plan/get");
export const planUpdate = request<{ task: string; text: string; approve: boolean }, object>("galley/plan/update");
export const taskPause = request<TaskRef, Empty>("galley/task/pause");
export const taskResume = request<TaskRef, Empty>("galley/task/resume");
export const taskCancel = request<TaskRef, Empty>("galley/task/cancel");
export const proposalList = request<Empty, { proposals: Proposal[] }>("galley/proposal/list");
export const hunkAccept = request<HunkSet & { prerequisites?: boolean }, Accepted>("galley/hunk/accept");
export const hunkReject = request<HunkSet & { reason?: string }, { hunks: string[] }>("galley/hunk/reject");
export const hunkMark = request<HunkSet & { reviewed: boolean }, { hunks: string[] }>("galley/hunk/mark");
export const hunkSplit = request<{ hunk: string }, { hunks: string[] }>("galley/hunk/split");
export const hunkUndo = request<{ hunks?: string[]; proposal?: string }, Accepted>("galley/hunk/undo");
export const hunkEdit = request<{ hunk: string; text: string }, Empty>("galley/hunk/edit");
export const hunkComment = request<{ hunk: string; text: string }, Empty>("galley/hunk/comment");
export const hunkWhy = request<{ hunk: string }, { markdown: string }>("galley/hunk/why");
export const checkpointRestore = request<{ checkpoint?: string; task?: string; all?: boolean }, Restored>("galley/checkpoint/restore");
export const statusGet = request<Empty, Status>("galley/status");

/** What another language server of the editor says; `line` is zero-based, `severity` as in LSP. */
export interface EditorDiagnostic { line: number; severity: number | null; source: string | null; code: string | null; message: string }
export interface EditorDocument { uri: string; version: number | null; diagnostics: EditorDiagnostic[] }
export interface EditorDiagnostics { documents: EditorDocument[] }
export const editorDiagnostics = request<{ uri: string | null }, EditorDiagnostics>("galley/editor/diagnostics");

/** An edit that the model is writing. */
export interface Draft { uri: string; path: string; line: number | null; old: string; new: string }
export const taskDidDraft = notification<{ task: string; drafts: Draft[] }>("galley/task/didDraft");
export const taskDidUpdate = notification<Task>("galley/task/didUpdate");
export const proposalDidChange = notification<Proposal>("galley/proposal/didChange");
export const statusDidChange = notification<Status>("galley/status/didChange");
export const approvalRequest = request<Approval, { option: string | null }>("galley/approval/request");
