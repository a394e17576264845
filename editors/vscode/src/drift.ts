// Keeps line spans in step with what the person types until the server has caught up. The server's positions are the
// truth for one version of a document; this file carries them over the changes that came after that version.

/** Half-open, zero-based lines. An empty span lies before its line. */
export interface Span { start: number; end: number }

/** One replacement, as the editor reports it: where it was, and how many line breaks came in its place. */
export interface Change { startLine: number; endLine: number; endCharacter: number; lineBreaks: number }

/**
 * Carries a span over a change. `touched`: the change fell into the span, so that only the server knows what it means.
 * With `grow` a change at the edge belongs to the span, as it does for the text of a hunk that is being edited.
 */
export function carry(span: Span, change: Change, grow = false): { span: Span; touched: boolean } {
  const added = change.lineBreaks - (change.endLine - change.startLine);
  const inside = grow ? isWithin(span, change) : overlaps(span, change);
  if (inside) {
    const end = Math.max(span.start, span.end + added);
    return { span: { start: Math.min(span.start, change.startLine), end }, touched: true };
  }
  const above = change.endLine < span.start || (change.endLine === span.start && change.endCharacter === 0);
  return { span: above ? { start: span.start + added, end: span.end + added } : span, touched: false };
}

function overlaps(span: Span, change: Change): boolean {
  const above = change.endLine < span.start || (change.endLine === span.start && change.endCharacter === 0);
  return !above && change.startLine < span.end;
}

function isWithin(span: Span, change: Change): boolean {
  if (change.startLine > span.end || change.endLine < span.start) return false;
  if (change.startLine === span.end && span.end > span.start) return false;
  return change.startLine >= span.start;
}

/** No server lags behind by more changes than this. */
const LONGEST = 1000;

/** The latest changes of one document, each with the version that it made. */
export class Drift {
  private readonly log: { version: number; changes: Change[] }[] = [];

  add(version: number, changes: Change[]): void {
    this.log.push({ version, changes });
    if (this.log.length > LONGEST) this.log.shift();
  }

  carry(span: Span, sinceVersion: number): { span: Span; touched: boolean } {
    let touched = false;
    for (const entry of this.log) {
      if (entry.version <= sinceVersion) continue;
      for (const change of entry.changes) {
        const next = carry(span, change);
        span = next.span;
        touched ||= next.touched;
      }
    }
    return { span, touched };
  }
}
