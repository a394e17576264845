// Tints the lines that a hunk would replace, and marks the place of an insertion, in every editor that shows the file.
import * as vscode from "vscode";
import type { Place, Review } from "./review";
import { anchor } from "./threads";

const ruler = (color: string) => ({ overviewRulerColor: new vscode.ThemeColor(color), overviewRulerLane: vscode.OverviewRulerLane.Left });

export class Decorations implements vscode.Disposable {
  private readonly types = {
    going: vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      backgroundColor: new vscode.ThemeColor("diffEditor.removedLineBackground"),
      ...ruler("editorOverviewRuler.deletedForeground"),
    }),
    insertion: vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      borderWidth: "0 0 2px 0",
      borderStyle: "solid",
      borderColor: new vscode.ThemeColor("editorGutter.addedBackground"),
      ...ruler("editorOverviewRuler.addedForeground"),
    }),
    insertionOnTop: vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      borderWidth: "2px 0 0 0",
      borderStyle: "solid",
      borderColor: new vscode.ThemeColor("editorGutter.addedBackground"),
      ...ruler("editorOverviewRuler.addedForeground"),
    }),
    unsettled: vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      borderWidth: "0 0 0 2px",
      borderStyle: "dashed",
      borderColor: new vscode.ThemeColor("editorWarning.foreground"),
      ...ruler("editorOverviewRuler.warningForeground"),
    }),
  };

  constructor(private readonly review: Review) {}

  dispose(): void {
    for (const type of Object.values(this.types)) type.dispose();
  }

  draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const drawn: Record<keyof typeof this.types, vscode.Range[]> = { going: [], insertion: [], insertionOnTop: [], unsettled: [] };
      for (const place of this.review.in(editor.document.uri)) drawn[kindOf(place)].push(wholeLines(place));
      for (const [kind, type] of Object.entries(this.types)) editor.setDecorations(type, drawn[kind as keyof typeof this.types]);
    }
  }
}

function kindOf(place: Place): "going" | "insertion" | "insertionOnTop" | "unsettled" {
  if (place.hunk.state === "conflicted" || place.touched) return "unsettled";
  if (place.span.end > place.span.start) return "going";
  return place.span.start === 0 ? "insertionOnTop" : "insertion";
}

function wholeLines(place: Place): vscode.Range {
  const { start, end } = anchor(place);
  return new vscode.Range(start.line, 0, end.line, Number.MAX_SAFE_INTEGER);
}
