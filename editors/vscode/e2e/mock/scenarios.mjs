// What the scripted model proposes, by a word in the goal. `find` is quoted from the file; an insertion names the text
// that it goes before.
const fix = [
  { path: "src/range.rs", find: "        self.end - self.start + 1\n", after: "        self.end.saturating_sub(self.start)\n", reason: "The range is half-open, so its length has no + 1; a backwards range counts as empty." },
  {
    path: "src/range.rs", before: "    /// The lines that both ranges cover.\n",
    after: "    /// A range that never ends before it starts.\n    fn forward(start: usize, end: usize) -> LineRange {\n        LineRange { start, end: end.max(start) }\n    }\n\n",
    reason: "One place that keeps the ends in order.",
  },
  {
    path: "src/range.rs", find: "        // Without a common line this ends before it starts.\n        LineRange { start, end }\n",
    after: "        LineRange::forward(start, end)\n", reason: "An overlap without a common line is empty, not backwards.", requires: [1],
  },
  { path: "src/parse.rs", find: "    Some(LineRange { start: first - 1, end: last - 1 })\n", after: "    Some(LineRange { start: first - 1, end: last })\n", reason: "Both ends are meant: line 7 belongs to 3-7." },
];

const notes = [
  { path: "notes.txt", find: "old line\r\n", after: "new line\r\n", reason: "Says what is new." },
  { path: "notes.txt", find: "dead one\r\ndead two\r\n", after: "", reason: "Nobody reads these." },
  { path: "notes.txt", find: "last, without a line break", after: "last, still without a line break", reason: "The end of the file stays as it was." },
];

const created = [
  { path: "src/display.rs", kind: "add", find: "", after: Array.from({ length: 45 }, (_, line) => `// line ${line + 1} of a new file\n`).join(""), reason: "Writing a range is its own subject." },
  { path: "src/lib.rs", find: "pub mod parse;\n", after: "pub mod display;\npub mod parse;\n", reason: "Declares the new module.", requires: [0] },
];

const long = [
  { path: "src/range.rs", before: "impl LineRange {\n", after: Array.from({ length: 60 }, (_, line) => `// explanation, line ${line + 1}\n`).join(""), reason: "A long explanation." },
];

export function scenario(goal) {
  if (/notes/.test(goal)) return notes;
  if (/new file/.test(goal)) return created;
  if (/long/.test(goal)) return long;
  return fix;
}

export const PLAN = ["Reproduce the failure", "Find the cause", "Fix it", "Run the affected tests"];
