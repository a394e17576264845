// The plan of a task as a document: a line an item. What is saved is the plan that the task goes by.
import * as vscode from "vscode";
import { Documents } from "./documents";
import * as protocol from "./protocol";
import type { Task } from "./protocol";
import type { Send } from "./session";
import type { Steering } from "./steering";
import type { Tasks } from "./tasks";

interface Shown { uri: vscode.Uri; text: string; plan: string }

export class Plans {
  private readonly shown = new Map<string, Shown>();

  constructor(private readonly send: Send, private readonly tasks: Tasks, private readonly steering: Steering, private readonly documents: Documents) {}

  /** Opens the plan of the task that is meant. */
  async edit(argument: unknown): Promise<void> {
    const task = await this.steering.pick(argument, "The plan of which task?", this.tasks.running().filter((task) => task.plan.length > 0));
    if (!task) return;
    const answer = await this.send(protocol.planGet, { task: task.task });
    if (!answer) return;
    const shown: Shown = { uri: Documents.uri("plan", task.task, "plan.md"), text: answer.text, plan: JSON.stringify(task.plan) };
    this.shown.set(task.task, shown);
    this.documents.offer(shown.uri, {
      text: () => this.shown.get(task.task)?.text ?? shown.text,
      save: async (text) => {
        if (!(await this.send(protocol.planUpdate, { task: task.task, text, approve: false }))) throw new Error("the plan was not sent");
      },
    });
    this.documents.refresh(shown.uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(shown.uri), { preview: false });
  }

  /** Lets a task begin with its plan, as it stands in its document where that is open. */
  async approve(argument: unknown): Promise<void> {
    const task = await this.steering.pick(argument, "Begin which task's plan?", this.tasks.running().filter((task) => task.state === "waiting"));
    if (!task) return;
    const uri = this.shown.get(task.task)?.uri.toString();
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri);
    const text = open?.getText() ?? (await this.send(protocol.planGet, { task: task.task }))?.text;
    if (text !== undefined) await this.send(protocol.planUpdate, { task: task.task, text, approve: true });
  }

  /** Follows the task: what the person has not saved stays as it is. */
  async follow(task: Task): Promise<void> {
    const shown = this.shown.get(task.task);
    const plan = JSON.stringify(task.plan);
    if (!shown || shown.plan === plan) return;
    shown.plan = plan;
    const answer = await this.send(protocol.planGet, { task: task.task });
    if (!answer) return;
    shown.text = answer.text;
    this.documents.refresh(shown.uri);
  }
}
