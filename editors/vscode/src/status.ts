// The status bar: what the server says in one line, and which hunk the cursor is on.
import * as vscode from "vscode";
import type { Status } from "./protocol";
import type { Review } from "./review";
import { position } from "./wording";

const ICONS: Record<Status["level"], string> = { ok: "check", busy: "sync~spin", review: "git-pull-request", warning: "warning", error: "error" };

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("galley.status", vscode.StatusBarAlignment.Left, 61);
  private readonly hunks = vscode.window.createStatusBarItem("galley.hunks", vscode.StatusBarAlignment.Left, 60);
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private latest: Status | undefined;
  private question: string | undefined;

  constructor(private readonly review: Review) {
    this.item.name = "Galley";
    this.item.command = "galley.ui.menu";
    this.hunks.name = "Galley hunk";
    this.hunks.command = "galley.ui.hunk.next";
    this.say("starting", "busy");
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
    this.hunks.dispose();
    this.changed.dispose();
  }

  get text(): string {
    return this.item.text;
  }

  get status(): Status | undefined {
    return this.latest;
  }

  put(status: Status): void {
    this.latest = status;
    this.say(status.text, status.level);
  }

  /** Says something that the server cannot say, because it is not there. */
  say(text: string, level: Status["level"]): void {
    const asked = this.question;
    this.item.text = asked ? `$(bell-dot) Galley: ${asked}` : `$(${ICONS[level]}) Galley: ${text}`;
    this.item.command = asked ? "galley.ui.approvals" : "galley.ui.menu";
    this.item.tooltip = asked ? "Galley waits for your answer" : tooltip(this.latest);
    this.item.backgroundColor = background(asked ? "warning" : level);
    this.changed.fire();
  }

  /** A question that waits stays in sight after its message has gone. */
  ask(question: string | undefined): void {
    this.question = question;
    if (this.latest) this.put(this.latest);
  }

  /** `3 of 4`: the hunk at the cursor, or how many are left. */
  draw(): void {
    const left = this.review.all().length;
    if (!left) return this.hunks.hide();
    const editor = vscode.window.activeTextEditor;
    const here = editor && this.review.at(editor.document.uri, editor.selection.active.line);
    this.hunks.text = here ? `$(arrow-down) ${position(here.hunk)}` : `$(arrow-down) ${left} left`;
    const waiting = `${left} ${left === 1 ? "hunk waits" : "hunks wait"} for your decision`;
    this.hunks.tooltip = `${waiting}. Click for the next one.`;
    // A screen reader would say the arrow and `3 of 4`, of what and how many are left it would not.
    this.hunks.accessibilityInformation = { label: here ? `Galley: hunk ${position(here.hunk)}, ${waiting}` : `Galley: ${waiting}` };
    this.hunks.show();
  }
}

function background(level: Status["level"]): vscode.ThemeColor | undefined {
  if (level === "error") return new vscode.ThemeColor("statusBarItem.errorBackground");
  return level === "warning" ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
}

function tooltip(status: Status | undefined): string {
  if (!status) return "Galley";
  const model = status.model ? `Model: ${status.model}` : "No model is chosen";
  return `${model}\n${status.symbols.toLocaleString("en")} symbols indexed`;
}
