// Shows proposals beside the files that they change, one file or all of them. The right side can be corrected: what was
// changed inside a hunk is sent as the person's version of it when saved, and a hunk taken back is rejected.
import * as vscode from "vscode";
import { Documents } from "./documents";
import { carry, type Span } from "./drift";
import type { Hunk, ProposedFile, Proposal } from "./protocol";
import type { Place, Review } from "./review";

/** What is done with a hunk whose proposed text the person changed. */
export interface Corrections {
  edit(hunk: string, text: string): Promise<void>;
  reject(hunk: string): Promise<void>;
}

interface Part { hunk: Hunk; span: Span }
/** A file as it would be: its text, where the hunks lie in it, and the lines between them, which are not to be changed here. */
interface Composed { text: string; parts: Part[]; between: string[] }
/** The left side is a copy of the file, so that the hunks are not drawn a second time beside their own text. */
interface View { uri: vscode.Uri; left: vscode.Uri; current: string; composed: Composed; parts: Part[] }

export class SideBySide implements vscode.Disposable {
  private readonly views = new Map<string, { proposal: string; file: vscode.Uri; view: View }>();
  private readonly listener: vscode.Disposable;

  constructor(private readonly review: Review, private readonly documents: Documents, private readonly corrections: Corrections) {
    this.listener = vscode.workspace.onDidChangeTextDocument((event) => this.track(event));
  }

  dispose(): void {
    this.listener.dispose();
  }

  async openFile(proposal: Proposal, file: ProposedFile): Promise<void> {
    const [left, right] = await this.sides(proposal, file);
    const name = file.path.split("/").at(-1) ?? file.path;
    await vscode.commands.executeCommand("vscode.diff", left, right, `${name} (proposed)`);
  }

  async openAll(proposal: Proposal): Promise<void> {
    const rows: [vscode.Uri, vscode.Uri | undefined, vscode.Uri | undefined][] = [];
    for (const file of proposal.files) {
      const [left, right] = await this.sides(proposal, file);
      rows.push([vscode.Uri.parse(file.uri), file.kind === "add" ? undefined : left, file.kind === "delete" ? undefined : right]);
    }
    await vscode.commands.executeCommand("vscode.changes", `Galley: ${proposal.title}`, rows);
  }

  /** Follows the review where the person has nothing unsaved. */
  async draw(): Promise<void> {
    for (const { proposal, file, view } of this.views.values()) {
      const shown = vscode.workspace.textDocuments.find((document) => document.uri.toString() === view.uri.toString());
      if (!shown || shown.isDirty) continue;
      const current = this.review.proposal(proposal)?.files.find((candidate) => vscode.Uri.parse(candidate.uri).toString() === file.toString());
      view.current = await textOf(file);
      view.composed = compose(view.current, current ? this.placesOf(proposal, file) : []);
      this.documents.refresh(view.left);
      this.documents.refresh(view.uri);
    }
  }

  private async sides(proposal: Proposal, file: ProposedFile): Promise<[vscode.Uri, vscode.Uri]> {
    const uri = vscode.Uri.parse(file.uri);
    const right = Documents.uri("proposal", proposal.proposal, file.path);
    const current = await textOf(uri);
    const composed = compose(current, this.placesOf(proposal.proposal, uri));
    const known = this.views.get(right.toString());
    if (known) Object.assign(known.view, { composed, current });
    else {
      const left = Documents.uri("current", proposal.proposal, file.path);
      this.views.set(right.toString(), { proposal: proposal.proposal, file: uri, view: { uri: right, left, current, composed, parts: composed.parts } });
    }
    const view = this.views.get(right.toString())!.view;
    this.documents.offer(right, { text: () => view.composed.text, save: (text) => this.save(view, text) });
    this.documents.offer(view.left, { text: () => view.current });
    return [view.left, right];
  }

  /** The file that a side of a view stands for. */
  fileOf(uri: vscode.Uri): vscode.Uri | undefined {
    return [...this.views.values()].find(({ view }) => [view.uri, view.left].some((side) => side.toString() === uri.toString()))?.file;
  }

  private placesOf(proposal: string, uri: vscode.Uri): Place[] {
    return this.review.in(uri).filter((place) => place.proposal.proposal === proposal && place.hunk.state === "pending");
  }

  /** Keeps the places of the hunks while their proposed text is edited. */
  private track(event: vscode.TextDocumentChangeEvent): void {
    const view = this.views.get(event.document.uri.toString())?.view;
    if (!view) return;
    if (event.document.getText() === view.composed.text) {
      view.parts = view.composed.parts;
      return;
    }
    for (const change of event.contentChanges) {
      const lineBreaks = change.text.match(/\r\n|\n|\r/g)?.length ?? 0;
      const { start, end } = change.range;
      view.parts = view.parts.map((part) => ({
        ...part,
        span: carry(part.span, { startLine: start.line, endLine: end.line, endCharacter: end.character, lineBreaks }, true).span,
      }));
    }
  }

  private async save(view: View, text: string): Promise<void> {
    const lines = split(text);
    const between = gaps(lines, view.parts.map((part) => part.span));
    if (between.join("\0") !== view.composed.between.join("\0")) {
      throw vscode.FileSystemError.NoPermissions("Some changed lines belong to no hunk. Edit those in the file itself.");
    }
    for (const { hunk, span } of view.parts) {
      const now = lines.slice(span.start, span.end).join("");
      if (now === hunk.after) continue;
      if (now === hunk.before) await this.corrections.reject(hunk.hunk);
      else await this.corrections.edit(hunk.hunk, now);
    }
  }
}

async function textOf(uri: vscode.Uri): Promise<string> {
  try {
    return (await vscode.workspace.openTextDocument(uri)).getText();
  } catch {
    return ""; // A file that is to be added is not there yet.
  }
}

/** Lines with their line breaks. */
function split(text: string): string[] {
  return text.match(/[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$/g) ?? [];
}

function gaps(lines: string[], spans: Span[]): string[] {
  const edges = [...spans, { start: lines.length, end: lines.length }];
  return edges.map((span, index) => lines.slice(index ? edges[index - 1]!.end : 0, span.start).join(""));
}

function compose(text: string, places: Place[]): Composed {
  const lines = split(text);
  const between = gaps(lines, places.map((place) => place.span));
  const parts: Part[] = [];
  let line = 0;
  let composed = "";
  places.forEach((place, index) => {
    composed += between[index];
    line += split(between[index]!).length;
    const added = split(place.hunk.after).length;
    parts.push({ hunk: place.hunk, span: { start: line, end: line + added } });
    composed += place.hunk.after;
    line += added;
  });
  return { text: composed + between[places.length], parts, between };
}
