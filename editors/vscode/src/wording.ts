// The few sentences and numbers that several surfaces say alike.
import type { AcceptedChecks, Evidence, Hunk, Usage } from "./protocol";
import type { Place } from "./review";

/** Lines of a text, a final line break not counting as a line of its own. */
export function lines(text: string): string[] {
  if (!text) return [];
  const parts = text.split(/\r\n|\n|\r/);
  if (parts.at(-1) === "") parts.pop();
  return parts;
}

export const position = (hunk: Hunk) => `${hunk.number} of ${hunk.of}`;

/** `−1 +3`, leaving out what is nothing. */
export function size(hunk: Hunk): string {
  const gone = lines(hunk.before).length;
  const come = lines(hunk.after).length;
  const size = [gone ? `−${gone}` : "", come ? `+${come}` : ""].filter(Boolean).join(" ");
  return [hunk.wholeFile ?? "", size].filter(Boolean).join("  ") || "no change";
}

/** What the person should know before deciding, or nothing. */
export function caveat(place: Place, missing: Hunk[]): string {
  if (place.hunk.state === "conflicted") return "conflict: you changed these lines too";
  if (place.revising) return ["being revised", place.hunk.comment ?? ""].filter(Boolean).join(": ");
  if (place.touched) return "you are typing here";
  if (missing.length) return `needs hunk ${missing.map((hunk) => hunk.number).join(", ")}`;
  const notes = [place.hunk.mergedByToken ? "merged with what you typed" : "", place.hunk.edited ? "your text" : "", place.hunk.reviewed ? "reviewed" : ""];
  return notes.filter(Boolean).join(" · ");
}

/** What the checks of exactly the accepted hunks came to. */
export function acceptedProof(checks: AcceptedChecks): string {
  return `accepted hunks ${checks.state === "notRun" ? "not checked" : checks.state} · ${checks.summary}`;
}

export const dollars = (usd: number | null) => (usd === null ? "" : `$${usd.toFixed(2)}`);

export function tokens(usage: Usage): string {
  const all = usage.input + usage.output;
  const cached = usage.cached ? ` · ${usage.cached.toLocaleString("en")} cached` : "";
  return `${all.toLocaleString("en")} tokens${cached}`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** One check as one line: its verdict, its command, what was before. */
export function proof(evidence: Evidence): string {
  const verdict = evidence.stale ? "out of date" : evidence.status === "notRun" ? "not run" : evidence.status;
  return [`${evidence.check} ${verdict}`, evidence.summary].filter(Boolean).join(" · ");
}
