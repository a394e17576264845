// Shows each hunk in the file that it changes: a comment thread below the lines that it replaces. It is the one public
// way to show lines inline without writing them into the document.
import * as vscode from "vscode";
import type { Place, Review } from "./review";
import { caveat, lines, position, size } from "./wording";

/** Longer hunks are shown up to here; the rest stands in the side-by-side view. */
const LONGEST = 30;

interface Drawn { thread: vscode.CommentThread; face: string; spot: string; why?: string }

export class Threads implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController("galley", "Galley");
  private readonly drawn = new Map<string, Drawn>();
  private readonly asked = new Set<string>();

  constructor(private readonly review: Review, private readonly inline: () => boolean) {}

  dispose(): void {
    this.controller.dispose();
  }

  /** Brings the threads in line with the review; a thread is touched only where it differs. */
  draw(): void {
    const shown = this.review.all().filter((place) => this.inline() || this.asked.has(place.hunk.hunk));
    const ids = new Set(shown.map((place) => place.hunk.hunk));
    for (const [id, { thread }] of this.drawn) {
      if (ids.has(id)) continue;
      thread.dispose();
      this.drawn.delete(id);
      this.asked.delete(id);
    }
    for (const place of shown) this.drawOne(place);
  }

  /** Shows or hides the reason and the proof below a hunk. */
  toggleWhy(place: Place, markdown: string): void {
    const id = place.hunk.hunk;
    const drawn = this.drawn.get(id);
    if (drawn?.why !== undefined) {
      delete drawn.why;
      this.asked.delete(id);
    } else {
      this.asked.add(id);
      this.drawOne(place);
      this.drawn.get(id)!.why = markdown;
    }
    this.draw();
  }

  showsWhy(hunk: string): boolean {
    return this.drawn.get(hunk)?.why !== undefined;
  }

  hunkOf(thread: vscode.CommentThread): string | undefined {
    return [...this.drawn].find(([, drawn]) => drawn.thread === thread)?.[0];
  }

  private drawOne(place: Place): void {
    // Of the last line only: the workbench tints the range of a thread over the tint of the hunk.
    const last = anchor(place).end;
    const range = new vscode.Range(last, last);
    const missing = this.review.missing(place);
    const why = this.drawn.get(place.hunk.hunk)?.why;
    const face = JSON.stringify([place.uri.toString(), caveat(place, missing), position(place.hunk), place.hunk.before, place.hunk.after, place.hunk.reason, place.hunk.conflict, place.hunk.wholeFile, why]);
    const spot = `${last.line}`;
    let drawn = this.drawn.get(place.hunk.hunk);
    if (drawn && drawn.thread.uri.toString() !== place.uri.toString()) {
      drawn.thread.dispose();
      drawn = undefined;
    }
    if (!drawn) {
      const thread = this.controller.createCommentThread(place.uri, range, []);
      thread.canReply = false;
      thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
      drawn = { thread, face: "", spot, ...(why === undefined ? {} : { why }) };
      this.drawn.set(place.hunk.hunk, drawn);
    }
    if (drawn.spot !== spot) {
      drawn.thread.range = range;
      drawn.spot = spot;
    }
    if (drawn.face === face) return;
    drawn.face = face;
    drawn.thread.contextValue = contextOf(place, missing.length > 0);
    drawn.thread.label = title(place, caveat(place, missing));
    drawn.thread.comments = [comment(headline(place), body(place)), ...(why === undefined ? [] : [comment("Why", prose(why))])];
  }
}

/** A thread hangs below the lines that go; an insertion hangs below the line that it follows. */
export function anchor(place: Place): vscode.Range {
  const { start, end } = place.span;
  if (end > start) return new vscode.Range(start, 0, end - 1, 0);
  const line = Math.max(0, start - 1);
  return new vscode.Range(line, 0, line, 0);
}

function contextOf(place: Place, needs: boolean): string {
  if (place.hunk.state === "conflicted") return "conflict";
  return needs ? "needs" : "hunk";
}

function title(place: Place, note: string): string {
  return [`Hunk ${position(place.hunk)}`, size(place.hunk), note].filter(Boolean).join(" · ");
}

function comment(name: string, body: vscode.MarkdownString): vscode.Comment {
  return { author: { name }, body, mode: vscode.CommentMode.Preview };
}

/** The reason stands as the heading where it is one line; the workbench gives a comment a heading in any case. */
function headline(place: Place): string {
  return isHeading(place.hunk.reason) ? place.hunk.reason : "Galley";
}

function isHeading(reason: string | null): reason is string {
  return !!reason && reason.length <= 100 && !reason.includes("\n");
}

/** The lines that come, in the colours of their language; the lines that go are tinted in the file, right above. */
function body(place: Place): vscode.MarkdownString {
  const text = prose("");
  if (place.hunk.reason && !isHeading(place.hunk.reason)) text.appendText(place.hunk.reason).appendMarkdown("\n\n");
  const language = languageOf(place);
  const { conflict } = place.hunk;
  if (place.hunk.state === "conflicted" && conflict) {
    text.appendMarkdown("Yours now:\n").appendCodeblock(conflict.yours.replace(/\r?\n$/, ""), language);
    return text.appendMarkdown("Proposed:\n").appendCodeblock(conflict.theirs.replace(/\r?\n$/, ""), language);
  }
  const come = lines(place.hunk.after);
  if (!come.length && place.hunk.wholeFile) return text.appendText(place.hunk.wholeFile);
  if (!come.length) return text.appendMarkdown("*Removes the tinted lines.*");
  text.appendCodeblock(come.slice(0, LONGEST).join("\n"), language);
  if (come.length > LONGEST) text.appendMarkdown(`[${come.length - LONGEST} more lines, side by side](${link("galley.ui.file.open", place)})`);
  return text;
}

function languageOf(place: Place): string {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === place.uri.toString());
  return open?.languageId ?? place.file.path.split(".").at(-1) ?? "";
}

function link(command: string, place: Place): string {
  return `command:${command}?${encodeURIComponent(JSON.stringify([{ hunk: place.hunk.hunk }]))}`;
}

/** Text of a model is untrusted: of its links only the two commands of this file work, and no HTML. */
function prose(markdown: string): vscode.MarkdownString {
  const text = new vscode.MarkdownString(markdown);
  text.isTrusted = { enabledCommands: ["galley.ui.file.open", "galley.ui.hunk.why"] };
  return text;
}
