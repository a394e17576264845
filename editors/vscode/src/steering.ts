// Starting and steering tasks. What needs a sentence of the person's asks for it in an input box.
import * as vscode from "vscode";
import * as protocol from "./protocol";
import type { StartParams, Task } from "./protocol";
import type { Send } from "./session";
import type { Tasks } from "./tasks";

/** What `galley.ask` is called with: a question, and the task to start with its answer as the goal. */
export interface Question { title?: string; prompt?: string; placeholder?: string; value?: string; params?: Partial<StartParams> }

export class Steering {
  constructor(private readonly send: Send, private readonly tasks: Tasks) {}

  /** Asks for a task in free words; the selection goes with it. */
  async start(): Promise<string | undefined> {
    const place = selection();
    const about = place.range ? "the selection" : place.uri ? "this file" : "the workspace";
    return this.ask({ title: "Start a task", prompt: `About ${about}. Nothing is changed until you accept it.`, placeholder: "make the parser accept an open end", params: { mode: "free", ...place } });
  }

  async ask(question: Question): Promise<string | undefined> {
    const goal = await vscode.window.showInputBox({
      title: question.title ?? "Galley",
      ...(question.prompt ? { prompt: question.prompt } : {}),
      ...(question.placeholder ? { placeHolder: question.placeholder } : {}),
      ...(question.value ? { value: question.value } : {}),
    });
    if (!goal?.trim()) return undefined;
    return (await this.send(protocol.taskStart, { ...question.params, goal: goal.trim() }))?.task;
  }

  async steer(argument: unknown): Promise<void> {
    const task = await this.pick(argument, "Steer which task?");
    if (!task) return;
    const message = await vscode.window.showInputBox({ title: `Steer: ${task.title}`, prompt: "The task reads it at its next safe point.", placeHolder: "keep the public signature" });
    if (message?.trim()) await this.send(protocol.taskSteer, { task: task.task, message: message.trim() });
  }

  async stop(argument: unknown): Promise<void> {
    const task = await this.pick(argument, "Stop which task?");
    if (task) await this.send(protocol.taskCancel, { task: task.task });
  }

  async pause(argument: unknown): Promise<void> {
    const task = await this.pick(argument, "Pause which task?");
    if (task) await this.send(protocol.taskPause, { task: task.task });
  }

  async resume(argument: unknown): Promise<void> {
    const task = await this.pick(argument, "Resume which task?", this.tasks.resumable());
    if (task) await this.send(protocol.taskResume, { task: task.task });
  }

  /** Takes back what was accepted from a task; what cannot be taken back without losing later work is named. */
  async rollback(argument: unknown): Promise<void> {
    const task = await this.pick(argument, "Roll back which task?", this.tasks.all());
    if (!task) return;
    const answer = await this.send(protocol.checkpointRestore, { task: task.task, all: true });
    if (!answer) return;
    if (!answer.applied) void vscode.window.showWarningMessage(`Galley: not rolled back: ${answer.reason ?? "the editor refused the edit"}`);
    else if (answer.conflicts.length) void vscode.window.showWarningMessage(`Galley: rolled back but for what changed since, now hunks to decide: ${answer.conflicts.join(", ")}`);
  }

  /** The task that a command means: the row it was called on, the only one there is, or the one that is chosen. */
  async pick(argument: unknown, question: string, among: Task[] = this.tasks.running()): Promise<Task | undefined> {
    const named = argument !== null && typeof argument === "object" && "task" in argument ? argument.task : undefined;
    if (typeof named === "string") return this.tasks.all().find((task) => task.task === named);
    if (among.length < 2) return among[0];
    const items = among.map((task) => ({ label: task.title, description: task.state, task }));
    return (await vscode.window.showQuickPick(items, { title: question }))?.task;
  }
}

/** The active file and what is selected in it, in the words of the protocol. */
function selection(): Pick<StartParams, "uri" | "range"> {
  const editor = vscode.window.activeTextEditor;
  if (!editor || !["file", "untitled"].includes(editor.document.uri.scheme)) return {};
  const { start, end, isEmpty } = editor.selection;
  const point = (position: vscode.Position) => ({ line: position.line, character: position.character });
  return { uri: editor.document.uri.toString(), ...(isEmpty ? {} : { range: { start: point(start), end: point(end) } }) };
}
