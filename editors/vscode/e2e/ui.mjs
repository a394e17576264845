// The packaged extension, installed as a person would, at the real workbench with the scripted server. Every test has
// its own window and its own copy of the project. A first argument is a pattern that picks tests.
import { readFileSync } from "node:fs";
import path from "node:path";
import { freshDirs, installVsix, outDir, startBrowser, startEditor } from "./lib.mjs";
import { Workbench } from "./workbench.mjs";

const only = process.argv[2] ? new RegExp(process.argv[2]) : undefined;
const started = Date.now();
const dirs = freshDirs("ui");
installVsix(dirs);
const editor = await startEditor(dirs);
const browser = await startBrowser();
let count = 0;
let failed = 0;

const requests = (method) => readFileSync(dirs.log, "utf8").trim().split("\n").map((line) => JSON.parse(line)).filter((entry) => entry.method === method).map((entry) => entry.params);
const equal = (actual, expected, what) => {
  if (actual !== expected) throw new Error(`${what}: got ${JSON.stringify(actual)}, want ${JSON.stringify(expected)}`);
};
const holds = (text, part, what) => {
  if (!text.includes(part)) throw new Error(`${what}: ${JSON.stringify(part)} is not in ${JSON.stringify(text)}`);
};

async function test(name, body) {
  if (only && !only.test(name)) return;
  count++;
  const since = Date.now();
  let workbench;
  try {
    workbench = await Workbench.open(browser, editor, dirs, `ws${count}`);
    await body(workbench);
    console.log(`PASS ${name} (${Date.now() - since} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name} (${Date.now() - since} ms): ${String(error?.message ?? error).split("\n").slice(0, 4).join(" | ")}`);
    await workbench?.shot(`fail-${count}`).catch(() => {});
  } finally {
    await workbench?.close();
  }
}

/** Opens the file, starts the task from the light bulb, waits for its hunks. */
async function propose(workbench, picture) {
  await workbench.openFile("src/range.rs");
  await workbench.gotoLine(12);
  await workbench.codeAction("Galley: fix this failing test", picture);
  await workbench.status(/4 hunks to review/);
  await workbench.thread("half-open, so its length").waitFor();
}

/** Starts a task in words of one's own. */
async function ask(workbench, goal) {
  await workbench.command("Galley: Start a Task");
  await workbench.answer(goal);
}

try {
  await test("from the light bulb to hunks in the file; nothing is touched, no focus is taken", async (workbench) => {
    const { page } = workbench;
    const before = workbench.disk("src/range.rs");
    await propose(workbench, "01-light-bulb");
    await page.keyboard.press("Alt+]");
    await workbench.status(/1 of 4/);
    await workbench.shot("02-review-inline");
    holds(await workbench.text(), "self.end - self.start + 1", "the buffer");
    equal(workbench.disk("src/range.rs"), before, "the file");
    equal(await page.locator(".tab").count(), 1, "tabs");
    equal(await page.locator(".tab.dirty").count(), 0, "unsaved tabs");
    equal(await page.locator(".part.panel:visible").count(), 0, "panels that opened");
    equal(await page.evaluate(() => document.activeElement?.closest(".monaco-editor") !== null), true, "the focus is in the editor");
  });

  await test("accept by click and by key; one undo takes one back", async (workbench) => {
    const { page } = workbench;
    await propose(workbench);
    await workbench.icon(workbench.thread("half-open, so its length"), "check");
    await workbench.until("accepted by click", async () => (await workbench.text()).includes("saturating_sub"));
    await workbench.status(/3 hunks to review/);
    await workbench.shot("03-one-accepted");
    await workbench.focusEditor();
    await workbench.gotoLine(1);
    await page.keyboard.press("Alt+]");
    await workbench.status(/2 of 4/);
    await page.keyboard.press("Alt+Enter");
    await workbench.until("accepted by key", async () => (await workbench.text()).includes("fn forward("));
    await workbench.status(/2 hunks to review/);
    await page.keyboard.press("Control+Z");
    await workbench.until("one undo takes the hunk back", async () => !(await workbench.text()).includes("fn forward("));
    await workbench.status(/3 hunks to review/);
    holds(await workbench.text(), "saturating_sub", "the other hunk stays");
  });

  await test("a hunk that needs another one says so and takes it along; reject leaves the text", async (workbench) => {
    await propose(workbench);
    await workbench.gotoLine(25);
    const needing = workbench.thread("needs hunk 2");
    await needing.waitFor();
    await workbench.shot("04-needs-hunk-2");
    await workbench.icon(needing, "check-all");
    await workbench.status(/2 hunks to review/);
    await workbench.until("both applied", async () => (await workbench.text()).includes("LineRange::forward(start, end)"));
    await workbench.gotoLine(13);
    await workbench.icon(workbench.thread("half-open, so its length"), "close");
    await workbench.status(/1 hunk to review/);
    holds(await workbench.text(), "self.end - self.start + 1", "rejected");
  });

  await test("why shows the reason and the proof in place; a commented hunk comes back revised in place", async (workbench) => {
    await propose(workbench);
    const thread = workbench.thread("half-open, so its length");
    await workbench.icon(thread, "question");
    await workbench.page.locator(".review-widget", { hasText: "2 failing before, 0 after" }).first().waitFor();
    await workbench.shot("05-why");
    await workbench.icon(thread, "comment");
    await workbench.answer("use saturating_sub here");
    await workbench.page.locator(".review-widget", { hasText: "Revised: use saturating_sub here" }).first().waitFor();
    equal(requests("galley/hunk/comment").at(-1).text, "use saturating_sub here", "the comment that was sent");
  });

  await test("typing next to the hunks moves them; nothing jumps", async (workbench) => {
    const { page } = workbench;
    await propose(workbench);
    await workbench.gotoLine(1);
    await page.keyboard.press("Home");
    await page.keyboard.type("// typed by the person\n// while the hunks are pending\n");
    await workbench.until("typed", async () => (await workbench.text()).includes("while the hunks are pending"));
    await workbench.shot("06-after-typing");
    await workbench.icon(workbench.thread("half-open, so its length"), "check");
    await workbench.until("applied at the moved place", async () => (await workbench.text()).includes("    pub fn len(&self) -> usize {\n        self.end.saturating_sub(self.start)\n    }"));
  });

  await test("typing into a hunk shows both sides", async (workbench) => {
    await propose(workbench);
    await workbench.gotoLine(13);
    await workbench.page.keyboard.press("End");
    await workbench.page.keyboard.type(" // why?");
    await workbench.thread("you changed these lines too").waitFor();
    await workbench.shot("07-conflict");
  });

  await test("the tasks view shows plan, steps, proof and cost", async (workbench) => {
    await propose(workbench);
    await workbench.command("Galley: Focus on Tasks View");
    const rows = workbench.page.locator(".pane-body .monaco-list-row");
    await rows.filter({ hasText: "2 failing before" }).first().waitFor();
    await rows.filter({ hasText: "4 steps" }).first().click();
    await rows.filter({ hasText: "cargo test: 9 passed" }).first().waitFor();
    await workbench.shot("08-tasks");
  });

  await test("a question waits quietly and is answered", async (workbench) => {
    await workbench.openFile("src/range.rs");
    await ask(workbench, "fix it, with approval");
    const toast = workbench.page.locator(".notification-toast", { hasText: "Change Cargo.lock?" });
    await toast.waitFor();
    await workbench.status(/Galley: Change Cargo.lock\?/);
    await workbench.until("the message has slid in", () => toast.evaluate((element) => getComputedStyle(element).opacity === "1" && element.getAnimations().length === 0));
    await workbench.shot("09-approval");
    await toast.locator(".monaco-button", { hasText: "No" }).click();
    await workbench.status(/4 hunks to review/);
    equal(requests("mock/approval").at(-1).option, "deny", "the answer");
  });

  await test("a running task is steered from its row", async (workbench) => {
    await workbench.openFile("src/range.rs");
    await ask(workbench, "hold on");
    await workbench.status(/1 task · exploring/);
    await workbench.command("Galley: Focus on Tasks View");
    const row = workbench.page.locator(".pane-body .monaco-list-row", { hasText: "hold on" }).first();
    await row.hover();
    await workbench.shot("10-running");
    await row.locator(".action-label.codicon-comment-discussion").click();
    await workbench.answer("keep the public signature");
    await workbench.status(/4 hunks to review/);
    equal(requests("galley/task/steer").at(-1).message, "keep the public signature", "the message");
  });

  await test("side by side: the arrow takes a hunk back, saving rejects it", async (workbench) => {
    const { page } = workbench;
    await propose(workbench);
    await workbench.command("Galley: Open Proposal Side by Side");
    await page.locator(".tab.active", { hasText: "range.rs (proposed)" }).waitFor();
    const proposed = ".monaco-diff-editor .editor.modified .view-lines";
    await workbench.until("the proposal", async () => (await workbench.text(proposed)).includes("saturating_sub"));
    await page.locator(".monaco-diff-editor .char-insert, .monaco-diff-editor .line-insert").first().waitFor();
    await workbench.shot("11-side-by-side");
    await page.locator(".monaco-diff-editor .gutterItem").first().hover();
    await page.locator(".monaco-diff-editor .gutterItem .action-label").first().click();
    await workbench.until("taken back", async () => !(await workbench.text(proposed)).includes("saturating_sub"));
    await workbench.save();
    await workbench.status(/3 hunks to review/);
    equal(requests("galley/hunk/reject").length > 0, true, "the rejection was sent");
  });

  await test("all files in one editor", async (workbench) => {
    await propose(workbench);
    await workbench.command("Galley: Open All Proposed Changes");
    await workbench.until("an entry for each file", async () => (await workbench.page.locator(".multiDiffEntry").count()) >= 2);
    await workbench.page.locator(".multiDiffEntry .line-insert, .multiDiffEntry .char-insert").first().waitFor();
    await workbench.shot("12-all-files");
  });

  await test("the quiet display", async (workbench) => {
    const { page } = workbench;
    await propose(workbench);
    await page.keyboard.press("Control+,");
    await page.locator(".settings-editor .settings-header .monaco-editor").waitFor();
    await page.keyboard.type("galley.review.display");
    const select = page.locator(".settings-editor .setting-item-contents", { hasText: "How hunks are shown" }).locator("select");
    await select.selectOption({ label: "lens" });
    await workbench.until("no threads", async () => (await workbench.threads().count()) === 0);
    await page.locator(".modal-editor-action-container .codicon-close, .monaco-modal-editor-block .codicon-close").first().click();
    await page.locator(".codelens-decoration a", { hasText: "Accept" }).first().waitFor();
    await workbench.shot("13-lenses");
    await page.locator(".codelens-decoration a", { hasText: "1 of 4" }).first().click();
    await workbench.thread("half-open, so its length").waitFor();
    await workbench.shot("14-lens-why");
    await page.locator(".codelens-decoration a", { hasText: "Accept" }).first().click();
    await workbench.until("accepted", async () => (await workbench.text()).includes("saturating_sub"));
  });
} finally {
  await browser.browser.close();
  await editor.stop();
}
if (browser.refused.length) console.log(`info refused requests outside of loopback: ${[...new Set(browser.refused.map((url) => new URL(url).host))].join(", ")}`);
console.log(`${failed ? "FAIL" : "PASS"} user-interface suite: ${count - failed} of ${count} in ${((Date.now() - started) / 1000).toFixed(0)} s; screenshots in ${path.relative(process.cwd(), outDir)}`);
process.exit(failed ? 1 : 0);
