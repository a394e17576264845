// Decisions on hunks. Each one is a message to the server; the edit of an accepted hunk comes back from it as an
// ordinary workspace edit.
import * as vscode from "vscode";
import { Documents } from "./documents";
import * as protocol from "./protocol";
import type { Accepted, Conflict } from "./protocol";
import type { Place, Review } from "./review";
import type { Send } from "./session";
import type { Threads } from "./threads";

export class Decide {
  constructor(
    private readonly send: Send,
    private readonly review: Review,
    private readonly threads: Threads,
    private readonly documents: Documents,
  ) {}

  /** A command's hunk: by id, by the thread whose icon was clicked, or the one at the cursor. */
  pick(argument: unknown): Place | undefined {
    if (argument !== null && typeof argument === "object") {
      const named = "hunk" in argument && typeof argument.hunk === "string" ? argument.hunk : this.threads.hunkOf(argument as vscode.CommentThread);
      if (named !== undefined) return this.review.byId(named);
    }
    if (typeof argument === "string") return this.review.byId(argument);
    const editor = vscode.window.activeTextEditor;
    return editor && this.review.at(editor.document.uri, editor.selection.active.line);
  }

  async accept(place: Place, prerequisites = false): Promise<boolean> {
    return this.acceptSet({ hunks: [place.hunk.hunk], ...(prerequisites ? { prerequisites } : {}) });
  }

  async acceptSet(set: protocol.HunkSet & { prerequisites?: boolean }): Promise<boolean> {
    const answer = await this.send(protocol.hunkAccept, set);
    if (answer && !answer.applied) this.refused(answer, set.hunks);
    return answer?.applied ?? false;
  }

  async reject(set: protocol.HunkSet): Promise<boolean> {
    return (await this.send(protocol.hunkReject, set)) !== undefined;
  }

  /** Takes the latest decision back, accepted or rejected. */
  async undo(): Promise<void> {
    const answer = await this.send(protocol.hunkUndo, {});
    if (answer && !answer.applied) void vscode.window.showWarningMessage(`Galley: not taken back: ${answer.reason ?? "the editor refused the edit"}`);
  }

  /** Splits a hunk into its parts. */
  async split(place: Place): Promise<void> {
    await this.send(protocol.hunkSplit, { hunk: place.hunk.hunk });
  }

  /** Marks a hunk as looked at, or takes the mark away. */
  async mark(place: Place): Promise<void> {
    await this.send(protocol.hunkMark, { hunks: [place.hunk.hunk], reviewed: !place.hunk.reviewed });
  }

  /** Says why nothing was applied; where other hunks are lacking, offers to take them along. */
  refused(answer: Accepted, hunks: string[] = answer.hunks): void {
    const place = hunks.length === 1 ? this.review.byId(hunks[0]!) : undefined;
    const missing = place ? this.review.missing(place) : [];
    const along = missing.length ? `Accept with hunk ${missing.map((hunk) => hunk.number).join(", ")}` : undefined;
    const text = `Galley: not applied: ${answer.reason ?? "the editor refused the edit"}`;
    void vscode.window.showWarningMessage(text, ...(along ? [along] : [])).then((choice) => {
      if (choice && place) void this.accept(place, true);
    });
  }

  /** Opens the proposed lines as a document; saving it sends them. */
  async edit(place: Place): Promise<void> {
    const uri = Documents.uri("hunk", place.hunk.hunk, place.file.path);
    const id = place.hunk.hunk;
    this.documents.offer(uri, {
      text: () => editable(this.review.byId(id) ?? place),
      save: (text) => this.sendEdit(id, text),
    });
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  /** Brings documents of hunks in line with what the server made of them. */
  draw(): void {
    for (const place of this.review.all()) this.documents.refresh(Documents.uri("hunk", place.hunk.hunk, place.file.path));
  }

  async sendEdit(hunk: string, text: string): Promise<void> {
    if (!this.review.byId(hunk)) throw vscode.FileSystemError.Unavailable("This hunk was decided meanwhile.");
    if (/^(<<<<<<<|>>>>>>>) /m.test(text)) throw vscode.FileSystemError.Unavailable("Decide the conflict first: its marks are still in the text.");
    if ((await this.send(protocol.hunkEdit, { hunk, text })) === undefined) throw vscode.FileSystemError.Unavailable("The server did not take it.");
  }

  async comment(place: Place): Promise<void> {
    const text = await vscode.window.showInputBox({
      title: `Comment on hunk ${place.hunk.number} of ${place.hunk.of}`,
      prompt: "What should be different? The hunk is revised in place.",
      placeHolder: "use saturating_sub here",
    });
    if (!text?.trim()) return;
    if ((await this.send(protocol.hunkComment, { hunk: place.hunk.hunk, text: text.trim() })) !== undefined) this.review.awaitRevision(place.hunk.hunk);
  }

  async why(place: Place): Promise<void> {
    if (this.threads.showsWhy(place.hunk.hunk)) return this.threads.toggleWhy(place, "");
    const answer = await this.send(protocol.hunkWhy, { hunk: place.hunk.hunk });
    if (answer) this.threads.toggleWhy(this.review.byId(place.hunk.hunk) ?? place, answer.markdown);
  }
}

function editable(place: Place): string {
  const { conflict } = place.hunk;
  return place.hunk.state === "conflicted" && conflict ? marked(conflict) : place.hunk.after;
}

function marked({ base, yours, theirs }: Conflict): string {
  return `<<<<<<< yours\n${yours}||||||| before\n${base}=======\n${theirs}>>>>>>> proposed\n`;
}
