// The quiet way to show a review: one line of links above each hunk. Lenses are drawn late, so their commands carry
// the hunk's id and a click on one that is gone means nothing.
import * as vscode from "vscode";
import type { Place, Review } from "./review";
import { caveat, position, size } from "./wording";

export class Lenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(private readonly review: Review, private readonly quiet: () => boolean) {}

  dispose(): void {
    this.changed.dispose();
  }

  draw(): void {
    this.changed.fire();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!this.quiet()) return [];
    return this.review.in(document.uri).flatMap((place) => this.lensesOf(place, document.lineCount));
  }

  private lensesOf(place: Place, lineCount: number): vscode.CodeLens[] {
    const line = Math.min(place.span.start, lineCount - 1);
    const at = new vscode.Range(line, 0, line, 0);
    const lens = (title: string, command: string, tooltip?: string) =>
      new vscode.CodeLens(at, { title, command, ...(tooltip ? { tooltip } : {}), arguments: [{ hunk: place.hunk.hunk }] });
    const missing = this.review.missing(place);
    const note = caveat(place, missing);
    const about = [position(place.hunk), size(place.hunk), note, place.hunk.reason ?? ""].filter(Boolean).join(" · ");
    const accept = missing.length ? "galley.ui.hunk.acceptWithPrerequisites" : "galley.ui.hunk.accept";
    return [
      ...(place.hunk.state === "conflicted" ? [] : [lens(missing.length ? `Accept with ${missing.map((hunk) => hunk.number).join(", ")}` : "Accept", accept)]),
      lens("Reject", "galley.ui.hunk.reject"),
      lens("Edit", "galley.ui.hunk.edit"),
      lens("Comment", "galley.ui.hunk.comment"),
      lens(about, "galley.ui.hunk.why", "Show the proposed lines, the reason and the proof"),
    ];
  }
}
