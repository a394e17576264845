// Questions of a running task: shown as a message that takes no focus, and kept in the status bar until answered.
import * as vscode from "vscode";
import type { Approval } from "./protocol";

interface Waiting { approval: Approval; answer(option: string | null): void }

export class Approvals {
  private readonly waiting = new Map<string, Waiting>();

  constructor(private readonly announce: (question: string | undefined) => void) {}

  /** Resolves with the person's choice. Closing the message decides nothing; the task's end or its cancellation does. */
  ask(approval: Approval, cancelled: vscode.CancellationToken): Promise<{ option: string | null }> {
    return new Promise((resolve) => {
      const answer = (option: string | null) => {
        if (!this.waiting.delete(approval.approval)) return;
        resolve({ option });
        this.say();
      };
      this.waiting.set(approval.approval, { approval, answer });
      cancelled.onCancellationRequested(() => answer(null));
      this.say();
      void this.showMessage(approval, answer);
    });
  }

  /** The same questions once more, for one whose message has gone. */
  async pick(): Promise<void> {
    const first = [...this.waiting.values()][0];
    if (!first) return;
    const { approval } = first;
    const items = approval.options.map((option) => ({ label: option.label, id: option.id }));
    const choice = await vscode.window.showQuickPick(items, { title: approval.title, placeHolder: approval.detail, ignoreFocusOut: true });
    if (choice) first.answer(choice.id);
  }

  /** Denies what still waits, as when the server went away. */
  drop(): void {
    for (const { answer } of [...this.waiting.values()]) answer(null);
  }

  private async showMessage(approval: Approval, answer: (option: string | null) => void): Promise<void> {
    const text = [/[?!.:]$/.test(approval.title) ? approval.title : `${approval.title}:`, approval.detail].join(" ");
    const label = await vscode.window.showInformationMessage(text, ...approval.options.map((option) => option.label));
    const option = approval.options.find((candidate) => candidate.label === label);
    if (option) answer(option.id);
  }

  private say(): void {
    const count = this.waiting.size;
    const first = [...this.waiting.values()][0];
    void vscode.commands.executeCommand("setContext", "galley.approvalOpen", count > 0);
    this.announce(first && (count > 1 ? `${count} questions` : first.approval.title));
  }
}
