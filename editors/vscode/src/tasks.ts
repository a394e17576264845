// The tasks view: what was asked, what is being done, what it cost. A task opens to its plan, its steps and its proof.
import * as vscode from "vscode";
import type { AcceptedChecks, Evidence, PlanItem, Proposal, Step, Task, TaskState } from "./protocol";
import type { Review } from "./review";
import { acceptedProof, dollars, duration, proof, tokens } from "./wording";

interface Node {
  id: string;
  label: string;
  description?: string;
  tooltip?: string | vscode.MarkdownString;
  icon?: vscode.ThemeIcon;
  context?: string;
  open?: boolean;
  command?: vscode.Command;
  task?: string;
  children: Node[];
}

const RUNNING: ReadonlySet<TaskState> = new Set(["queued", "planning", "exploring", "editing", "verifying", "checking itself", "waiting"]);
const HALTED: ReadonlySet<TaskState> = new Set(["paused", "interrupted"]);
/** Long outputs are cut in the tree; the whole is in the tooltip. */
const DETAIL_LINES = 40;

export class Tasks implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly tasks = new Map<string, Task>();
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Node>;

  constructor(private readonly review: Review) {
    this.view = vscode.window.createTreeView("galley.tasks", { treeDataProvider: this });
  }

  dispose(): void {
    this.view.dispose();
    this.changed.dispose();
  }

  put(task: Task): void {
    this.tasks.set(task.task, task);
    this.draw();
  }

  clear(): void {
    this.tasks.clear();
    this.draw();
  }

  all(): Task[] {
    return [...this.tasks.values()].sort((a, b) => b.createdMs - a.createdMs);
  }

  running(): Task[] {
    return this.all().filter((task) => RUNNING.has(task.state) || HALTED.has(task.state));
  }

  resumable(): Task[] {
    return this.all().filter((task) => task.resumable);
  }

  draw(): void {
    const hunks = this.review.all().length;
    this.view.badge = hunks ? { value: hunks, tooltip: `${hunks} ${hunks === 1 ? "hunk" : "hunks"} to review` } : undefined;
    void vscode.commands.executeCommand("setContext", "galley.taskOpen", this.running().length > 0);
    void vscode.commands.executeCommand("setContext", "galley.taskResumable", this.resumable().length > 0);
    this.changed.fire(undefined);
  }

  getChildren(node?: Node): Node[] {
    return node ? node.children : this.all().map((task, index) => this.taskNode(task, index === 0));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const state = !node.children.length ? vscode.TreeItemCollapsibleState.None
      : node.open ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
    const item = new vscode.TreeItem(node.label, state);
    item.id = node.id;
    if (node.description) item.description = node.description;
    if (node.tooltip) item.tooltip = node.tooltip;
    if (node.icon) item.iconPath = node.icon;
    if (node.context) item.contextValue = node.context;
    if (node.command) item.command = node.command;
    return item;
  }

  private taskNode(task: Task, open: boolean): Node {
    const proposal = task.proposal === null ? undefined : this.review.proposal(task.proposal);
    const group = RUNNING.has(task.state) ? "running" : HALTED.has(task.state) ? "halted" : "ended";
    return {
      id: task.task,
      task: task.task,
      label: task.title,
      description: [task.state, dollars(task.usage.usd), task.recorded ? "recorded model" : ""].filter(Boolean).join(" · "),
      tooltip: new vscode.MarkdownString().appendText(task.goal),
      icon: taskIcon(task.state),
      context: `task ${group}${task.resumable ? " resumable" : ""}${proposal ? " proposal" : ""}`,
      open: open || group !== "ended",
      children: [...this.summary(task), ...planNodes(task), ...stepNodes(task), ...proofNodes(task, proposal), costNode(task)],
    };
  }

  private summary(task: Task): Node[] {
    const id = `${task.task}/summary`;
    if (RUNNING.has(task.state)) return task.activity ? [leaf(id, task.activity, new vscode.ThemeIcon("pulse"))] : [];
    if (!task.message) return [];
    return [{ ...leaf(id, task.message, new vscode.ThemeIcon(task.state === "failed" ? "warning" : "note")), tooltip: task.message }];
  }
}

function leaf(id: string, label: string, icon?: vscode.ThemeIcon, description?: string): Node {
  return { id, label, children: [], ...(icon ? { icon } : {}), ...(description ? { description } : {}) };
}

function planNodes(task: Task): Node[] {
  const items = (plan: PlanItem[], id: string): Node[] => plan.map((item, index) => ({
    ...leaf(`${id}/${index}`, item.text, planIcon(item.state), item.state === "dropped" ? "dropped" : undefined),
    open: true,
    children: items(item.items, `${id}/${index}`),
  }));
  return items(task.plan, `${task.task}/plan`);
}

function stepNodes(task: Task): Node[] {
  if (!task.steps.length) return [];
  const id = `${task.task}/steps`;
  const count = `${task.steps.length} ${task.steps.length === 1 ? "step" : "steps"}`;
  return [{ ...leaf(id, count, new vscode.ThemeIcon("list-ordered")), children: task.steps.map((step) => stepNode(step, id)) }];
}

function stepNode(step: Step, parent: string): Node {
  const id = `${parent}/${step.step}`;
  const detail = step.detail?.split(/\r?\n/) ?? [];
  const shown = detail.slice(0, DETAIL_LINES).map((line, index) => leaf(`${id}/${index}`, line));
  if (detail.length > DETAIL_LINES) shown.push(leaf(`${id}/more`, `${detail.length - DETAIL_LINES} more lines in the tooltip of this step`));
  const description = step.state === "running" ? step.tool : `${step.tool} · ${duration(step.ms)}`;
  const icon = step.state === "running" ? new vscode.ThemeIcon("sync~spin") : step.state === "ok" ? new vscode.ThemeIcon("check") : failed("error");
  const tooltip = step.detail ? { tooltip: new vscode.MarkdownString().appendCodeblock(step.detail, "text") } : {};
  return { ...leaf(id, step.summary, icon, description), ...tooltip, children: shown };
}

function proofNodes(task: Task, proposal: Proposal | undefined): Node[] {
  if (!proposal) return [];
  const warnings = proposal.warnings.map((warning, index) => leaf(`${task.task}/warning/${index}`, warning, caution("warning")));
  const accepted = proposal.acceptedChecks ? [acceptedNode(proposal.acceptedChecks, `${task.task}/accepted`)] : [];
  return [...proposal.evidence.map((evidence, index) => proofNode(evidence, `${task.task}/proof/${index}`)), ...accepted, ...warnings];
}

function proofNode(evidence: Evidence, id: string): Node {
  const tooltip = new vscode.MarkdownString().appendCodeblock(evidence.command, "sh")
    .appendText([`exit code ${evidence.exitCode ?? "none"}`, `${evidence.seconds.toFixed(1)} s`, evidence.sandbox, `content ${evidence.hash.slice(0, 8)}`].filter(Boolean).join(" · "));
  return { ...leaf(id, proof(evidence), proofIcon(evidence)), tooltip };
}

function acceptedNode(checks: AcceptedChecks, id: string): Node {
  const icon = { passed: passed("pass"), failed: failed("error"), running: caution("sync"), notRun: caution("circle-slash") }[checks.state];
  return leaf(id, acceptedProof(checks), icon);
}

function proofIcon(evidence: Evidence): vscode.ThemeIcon {
  if (evidence.stale || evidence.status === "notRun") return caution("circle-slash");
  return evidence.status === "passed" ? passed("pass") : failed("error");
}

function costNode(task: Task): Node {
  const spent = [dollars(task.usage.usd), duration(task.workedMs), tokens(task.usage)].filter(Boolean).join(" · ");
  return { ...leaf(`${task.task}/cost`, spent, new vscode.ThemeIcon("credit-card")), tooltip: `${spent}\n${task.model}` };
}

const passed = (icon: string) => new vscode.ThemeIcon(icon, new vscode.ThemeColor("testing.iconPassed"));
const failed = (icon: string) => new vscode.ThemeIcon(icon, new vscode.ThemeColor("testing.iconFailed"));
const caution = (icon: string) => new vscode.ThemeIcon(icon, new vscode.ThemeColor("list.warningForeground"));

function planIcon(state: PlanItem["state"]): vscode.ThemeIcon {
  const icons = { pending: "circle-large-outline", active: "arrow-circle-right", done: "pass", dropped: "circle-slash" };
  return state === "done" ? passed(icons.done) : new vscode.ThemeIcon(icons[state]);
}

function taskIcon(state: TaskState): vscode.ThemeIcon {
  switch (state) {
    case "proposed": return new vscode.ThemeIcon("git-pull-request");
    case "done": return passed("pass-filled");
    case "failed": return failed("error");
    case "cancelled": return new vscode.ThemeIcon("circle-slash");
    case "paused": return new vscode.ThemeIcon("debug-pause");
    case "waiting": return caution("bell-dot");
    case "interrupted": return caution("debug-disconnect");
    case "queued": return new vscode.ThemeIcon("watch");
    case "planning":
    case "exploring":
    case "editing":
    case "verifying":
    case "checking itself": return new vscode.ThemeIcon("sync~spin");
  }
}
