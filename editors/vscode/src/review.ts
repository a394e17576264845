// What is open for review: the proposals as the server sent them last, with positions that follow the person's typing.
// It decides nothing and edits nothing; threads, decorations, lenses and the commands read it.
import * as vscode from "vscode";
import { Drift, carry, type Change, type Span } from "./drift";
import type { Hunk, Proposal, ProposedFile } from "./protocol";

/** A hunk that waits for a decision, and where it lies now. */
export interface Place {
  proposal: Proposal;
  file: ProposedFile;
  uri: vscode.Uri;
  hunk: Hunk;
  span: Span;
  /** The person typed into it and the server has not answered yet. */
  touched: boolean;
  /** The person commented on it and its revision is awaited. */
  revising: boolean;
}

export class Review implements vscode.Disposable {
  private readonly proposals = new Map<string, Proposal>();
  private readonly drifts = new Map<string, Drift>();
  private readonly comments = new Map<string, string>();
  private places: Place[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listeners: vscode.Disposable[];
  /** Fired after every change of what is pending or where it lies. */
  readonly onDidChange = this.changed.event;

  constructor() {
    this.listeners = [
      vscode.workspace.onDidChangeTextDocument((event) => this.documentChanged(event)),
      vscode.workspace.onDidCloseTextDocument((document) => this.drifts.delete(document.uri.toString())),
    ];
  }

  dispose(): void {
    for (const listener of this.listeners) listener.dispose();
    this.changed.dispose();
  }

  /** Takes the server's word for one proposal. */
  put(proposal: Proposal): void {
    if (proposal.open) this.proposals.set(proposal.proposal, proposal);
    else this.proposals.delete(proposal.proposal);
    this.rebuild();
  }

  /** Forgets everything, as when the server went away. */
  clear(): void {
    this.proposals.clear();
    this.comments.clear();
    this.rebuild();
  }

  /** Every hunk that waits for a decision, in reading order. */
  all(): readonly Place[] {
    return this.places;
  }

  in(uri: vscode.Uri): Place[] {
    const key = uri.toString();
    return this.places.filter((place) => place.uri.toString() === key);
  }

  byId(hunk: string): Place | undefined {
    return this.places.find((place) => place.hunk.hunk === hunk);
  }

  /** The hunk that a cursor on this line means; an insertion answers on both sides of its place. */
  at(uri: vscode.Uri, line: number): Place | undefined {
    const here = this.in(uri);
    return here.find(({ span }) => line >= span.start && line < span.end)
      ?? here.find(({ span }) => span.start === span.end && (line === span.start || line === span.start - 1));
  }

  proposal(id: string): Proposal | undefined {
    return this.proposals.get(id);
  }

  open(): Proposal[] {
    return [...this.proposals.values()];
  }

  /** The hunks of the same proposal that this one needs and that are not accepted yet. */
  missing(place: Place): Hunk[] {
    const hunks = place.proposal.files.flatMap((file) => file.hunks);
    return hunks.filter((hunk) => place.hunk.requires.includes(hunk.hunk) && hunk.state !== "accepted");
  }

  /** Marks a hunk as commented on, until the server sends it changed. */
  awaitRevision(hunk: string): void {
    const place = this.byId(hunk);
    if (!place) return;
    this.comments.set(hunk, fingerprint(place.hunk));
    this.rebuild();
  }

  private documentChanged(event: vscode.TextDocumentChangeEvent): void {
    if (!event.contentChanges.length || event.document.uri.scheme !== "file" && event.document.uri.scheme !== "untitled") return;
    const key = event.document.uri.toString();
    const changes = event.contentChanges.map(toChange);
    let drift = this.drifts.get(key);
    if (!drift) this.drifts.set(key, (drift = new Drift()));
    drift.add(event.document.version, changes);
    const here = this.places.filter((place) => place.uri.toString() === key);
    if (!here.length) return;
    for (const place of here) {
      for (const change of changes) {
        const next = carry(place.span, change);
        place.span = next.span;
        place.touched ||= next.touched;
      }
    }
    this.changed.fire();
  }

  private rebuild(): void {
    this.places = [...this.proposals.values()].flatMap((proposal) => proposal.files.flatMap((file) => this.placesOf(proposal, file)));
    this.changed.fire();
  }

  private placesOf(proposal: Proposal, file: ProposedFile): Place[] {
    const uri = vscode.Uri.parse(file.uri);
    const drift = file.version === null ? undefined : this.drifts.get(uri.toString());
    return file.hunks
      .filter((hunk) => hunk.state === "pending" || hunk.state === "conflicted")
      .map((hunk) => {
        const sent: Span = spanOf(hunk);
        const now = drift && file.version !== null ? drift.carry(sent, file.version) : { span: sent, touched: false };
        return { proposal, file, uri, hunk, span: now.span, touched: now.touched, revising: hunk.comment !== null && hunk.comment !== undefined || this.isRevising(hunk) };
      })
      .sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  }

  private isRevising(hunk: Hunk): boolean {
    const commented = this.comments.get(hunk.hunk);
    if (commented === undefined) return false;
    if (commented === fingerprint(hunk)) return true;
    this.comments.delete(hunk.hunk);
    return false;
  }
}

/** A hunk replaces whole lines; where the last line has no line break its range ends inside that line. */
function spanOf(hunk: Hunk): Span {
  const { start, end } = hunk.range;
  return { start: start.line, end: end.character > 0 ? end.line + 1 : end.line };
}

function fingerprint(hunk: Hunk): string {
  return JSON.stringify([hunk.after, hunk.reason, hunk.state]);
}

function toChange(change: vscode.TextDocumentContentChangeEvent): Change {
  const lineBreaks = change.text.match(/\r\n|\n|\r/g)?.length ?? 0;
  return { startLine: change.range.start.line, endLine: change.range.end.line, endCharacter: change.range.end.character, lineBreaks };
}
