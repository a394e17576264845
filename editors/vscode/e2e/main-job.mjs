// The main job, twice: a code action starts a task, its hunks are reviewed in the file and accepted (by command, then
// by click), the text is in the buffer and after saving on disk, and undo restores every byte. By default with the
// scripted server on the fixture; with the real one:
//   GALLEY_BIN          the galley program; GALLEY_MODEL, GALLEY_BASE_URL, GALLEY_API_KEY_ENV and the rest pass through
//   E2E_PROJECT         the project, copied for each pass
//   E2E_EXPECTED        a folder with the expected text of every file that the task changes, by its path in the project
//   E2E_OPEN, E2E_LINE  the file in which the action is asked for, and the line (one-based)
//   E2E_ACTION          a pattern for the title of the action       E2E_ANSWER   what to answer if it asks for a sentence
//   E2E_CHECK           a command that must pass in the project once the accepted text is saved, for example "cargo test"
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { freshDirs, here, installVsix, outDir, patience, project, startBrowser, startEditor } from "./lib.mjs";
import { Workbench } from "./workbench.mjs";

const job = {
  open: process.env.E2E_OPEN ?? "src/range.rs",
  line: Number(process.env.E2E_LINE ?? 12),
  action: new RegExp(process.env.E2E_ACTION ?? "Galley: fix this failing test"),
  answer: process.env.E2E_ANSWER,
  expected: path.resolve(process.env.E2E_EXPECTED ?? path.join(here, "expected")),
  check: process.env.E2E_CHECK,
};
/** A model, a compiler and a test run lie between the action and the hunks. */
const WORK = 300_000 * patience;

const filesIn = (folder, below = "") => readdirSync(path.join(folder, below)).flatMap((name) => {
  const file = path.join(below, name);
  return statSync(path.join(folder, file)).isDirectory() ? filesIn(folder, file) : [file];
});
const changed = filesIn(job.expected);
const bytes = (folder, file) => (existsSync(path.join(folder, file)) ? readFileSync(path.join(folder, file)) : undefined);
const same = (actual, wanted, what) => {
  if (actual?.equals?.(wanted) || actual === wanted) return;
  throw new Error(`${what}: got ${JSON.stringify(actual?.toString())}, want ${JSON.stringify(wanted?.toString())}`);
};

const dirs = freshDirs("main-job");
installVsix(dirs);
const editor = await startEditor(dirs);
const browser = await startBrowser();

/** `accept` decides the hunk that the cursor is on. */
async function pass(name, accept) {
  const workbench = await Workbench.open(browser, editor, dirs, `ws-${name}`);
  try {
    const { page } = workbench;
    await workbench.openFile(job.open);
    await workbench.gotoLine(job.line);
    await workbench.codeAction(job.action, `main-job-${name}-1-action`);
    if (job.answer) await workbench.answer(job.answer);
    let left = await workbench.until("hunks to review", () => workbench.hunksLeft(), WORK);
    for (const file of changed) same(bytes(workbench.folder, file), bytes(project, file), `${file} before anything is accepted`);

    let accepted = 0;
    while (left) {
      await workbench.command("Galley: Next Hunk");
      await workbench.status(/\d+ of \d+/);
      if (!accepted) await workbench.shot(`main-job-${name}-2-review`);
      await accept(workbench);
      // The server's line and the client's counter come by different messages, in either order.
      const before = left;
      await workbench.until("the server and the client count fewer", async () => (left = await workbench.hunksLeft()) < before);
      accepted++;
    }

    for (const file of changed) {
      await workbench.openFile(file);
      same(bytes(workbench.folder, file), bytes(project, file), `${file} on disk before it is saved`);
      await workbench.save();
      same(bytes(workbench.folder, file), bytes(job.expected, file), `${file} as accepted`);
    }
    await workbench.shot(`main-job-${name}-3-accepted`);
    if (job.check) execFileSync("/bin/sh", ["-c", job.check], { cwd: workbench.folder, stdio: ["ignore", "ignore", "inherit"] });

    // One undo for each accepted hunk, and every byte is as it was.
    let undone = 0;
    for (const file of changed) {
      await workbench.openFile(file);
      await workbench.focusEditor();
      while (!bytes(project, file).equals(bytes(workbench.folder, file)) && undone < accepted) {
        await page.keyboard.press("Control+Z");
        await page.locator(".tab.active.dirty").waitFor();
        await workbench.save();
        undone++;
      }
      same(bytes(workbench.folder, file), bytes(project, file), `${file} after undo`);
    }
    same(undone, accepted, "undo steps");
    console.log(`PASS main job, accepted ${name}: ${accepted} hunks in ${changed.length} files, undone in ${undone} steps`);
    return true;
  } catch (error) {
    console.log(`FAIL main job, accepted ${name}: ${String(error?.message ?? error).split("\n").slice(0, 4).join(" | ")}`);
    await workbench.shot(`main-job-${name}-failure`).catch(() => {});
    return false;
  } finally {
    await workbench.close();
  }
}

let passed = false;
try {
  const byCommand = await pass("by-command", (workbench) => workbench.command("Galley: Accept Hunk"));
  // The thread at the cursor is the one whose number stands in the status bar.
  const byClick = await pass("by-click", async (workbench) => {
    const [number] = /\d+ of \d+/.exec(await workbench.page.locator(".statusbar-item", { hasText: /\d+ of \d+$/ }).first().textContent());
    const thread = workbench.thread(`Hunk ${number}`);
    await thread.locator(".action-label.codicon-check, .action-label.codicon-check-all").first().click();
  });
  passed = byCommand && byClick;
} finally {
  await browser.browser.close();
  await editor.stop();
}
console.log(`${passed ? "PASS" : "FAIL"} main job; screenshots in ${path.relative(process.cwd(), outDir)}`);
process.exit(passed ? 0 : 1);
