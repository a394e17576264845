// Shows edits while the model writes them: the lines that it replaces are marked, and the last line that it wrote stands dim
// behind them. Nothing can be decided about them; they give way to the hunks of the proposal.
import * as vscode from "vscode";
import type { Draft } from "./protocol";
import { lines } from "./wording";

/** Characters of the line being written that are shown. */
const LONGEST = 80;

export class Drafts implements vscode.Disposable {
  private readonly writing = new Map<string, Draft[]>();
  private readonly type = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    borderWidth: "0 0 0 2px",
    borderStyle: "dotted",
    borderColor: new vscode.ThemeColor("editorGutter.modifiedBackground"),
    after: { color: new vscode.ThemeColor("editorGhostText.foreground"), margin: "0 0 0 2em" },
  });
  private readonly listener = vscode.window.onDidChangeVisibleTextEditors(() => this.draw());

  dispose(): void {
    this.listener.dispose();
    this.type.dispose();
  }

  /** Takes what a task is writing; nothing when the call is whole. */
  put(task: string, drafts: Draft[]): void {
    if (drafts.length) this.writing.set(task, drafts);
    else this.writing.delete(task);
    this.draw();
  }

  clear(): void {
    this.writing.clear();
    this.draw();
  }

  all(): Draft[] {
    return [...this.writing.values()].flat();
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const here = this.all().filter((draft) => draft.uri === editor.document.uri.toString());
      editor.setDecorations(this.type, here.flatMap((draft) => place(editor.document, draft)));
    }
  }
}

/** The buffer may have moved on since; a draft is drawn only where its lines still stand. */
function place(document: vscode.TextDocument, draft: Draft): vscode.DecorationOptions[] {
  const old = lines(draft.old);
  if (draft.line === null || draft.line + old.length > document.lineCount) return [];
  if (document.lineAt(draft.line).text.trim() !== (old[0] ?? "").trim()) return [];
  const last = draft.line + Math.max(0, old.length - 1);
  const written = lines(draft.new).at(-1)?.trim() ?? "";
  const contentText = `✎ ${written.length > LONGEST ? `${written.slice(0, LONGEST)}…` : written}`;
  return [
    { range: new vscode.Range(draft.line, 0, last, 0) },
    { range: new vscode.Range(last, 0, last, document.lineAt(last).text.length), renderOptions: { after: { contentText } } },
  ];
}
