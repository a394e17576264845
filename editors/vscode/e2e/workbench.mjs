// A person at the real workbench: opens files, runs commands, reads what is drawn. Every wait is for something to
// appear, to change or to be written; none is for time to pass.
import { readFileSync } from "node:fs";
import path from "node:path";
import { freshWorkspace, outDir, patience } from "./lib.mjs";

const TIMEOUT = 30_000 * patience;
const QUICK_INPUT = ".quick-input-widget";

export class Workbench {
  constructor(page, folder) {
    this.page = page;
    this.folder = folder;
  }

  /** A new page on a new copy of the project. */
  static async open({ context }, editor, dirs, name) {
    const folder = freshWorkspace(dirs, name);
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT);
    page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
    await page.goto(`${editor.url}/?folder=${encodeURIComponent(folder)}`);
    await page.locator(".monaco-workbench .part.editor").waitFor({ timeout: 4 * TIMEOUT });
    const workbench = new Workbench(page, folder);
    await workbench.status(/Galley: (?!starting)/, 4 * TIMEOUT);
    return workbench;
  }

  close() {
    return this.page.close();
  }

  disk(file) {
    return readFileSync(path.join(this.folder, file), "utf8");
  }

  shot(name) {
    return this.page.screenshot({ path: path.join(outDir, `${name}.png`) });
  }

  status(text, timeout = TIMEOUT) {
    return this.page.locator(".statusbar-item", { hasText: text }).first().waitFor({ timeout });
  }

  /** Asks again after every frame that the page draws. */
  async until(what, look, timeout = TIMEOUT) {
    const end = Date.now() + timeout;
    for (;;) {
      const value = await look();
      if (value) return value;
      if (Date.now() > end) throw new Error(`timed out: ${what}`);
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    }
  }

  async pick(keys, typed, row) {
    await this.page.keyboard.press(keys);
    const box = this.page.locator(`${QUICK_INPUT} input.input`);
    await box.waitFor();
    await box.fill(typed);
    // Click the row: Enter races with the filtering and takes the row above.
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: row }).first().click();
  }

  /** Runs a command from the palette. What the palette offers is settled when it opens: it is opened again until it has it. */
  async command(title) {
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
    const box = this.page.locator(`${QUICK_INPUT} input.input`);
    await this.until(`the palette offers ${title}`, async () => {
      await this.page.keyboard.press("F1");
      await box.waitFor();
      await box.fill(`>${title}`);
      return row.waitFor({ timeout: 3_000 * patience }).then(() => true, async () => (await this.page.keyboard.press("Escape"), false));
    }, 2 * TIMEOUT);
    await row.click();
    await this.page.locator(QUICK_INPUT, { has: row }).waitFor({ state: "hidden" });
  }

  /** How many hunks wait for a decision, as the client and the server both say it; undefined while they differ. */
  async hunksLeft() {
    const number = (text) => Number(/(\d+) hunks? /.exec(text ?? "")?.[1] ?? 0);
    const client = this.page.locator('.statusbar-item-label[aria-label*="for your decision"]');
    const server = this.page.locator(".statusbar-item", { hasText: /Galley: / }).first();
    const [drawn, said] = [await client.evaluateAll((labels) => labels[0]?.getAttribute("aria-label")), await server.textContent()];
    return number(drawn) === number(said) ? number(drawn) : undefined;
  }

  async openFile(file) {
    const name = path.basename(file);
    await this.pick("Control+P", file, name);
    await this.page.locator(".tab.active", { hasText: name }).waitFor();
    // The tab is active before its text is there.
    await this.page.locator(`.editor-instance .monaco-editor[data-uri$="/${file}"] .view-lines`).first().waitFor();
  }

  async gotoLine(line) {
    await this.page.keyboard.press("Control+G");
    const box = this.page.locator(`${QUICK_INPUT} input.input`);
    await box.waitFor();
    await box.fill(`:${line}`);
    await this.page.keyboard.press("Enter");
    await this.page.locator(QUICK_INPUT).waitFor({ state: "hidden" });
  }

  /** Answers an input box. */
  async answer(text) {
    const box = this.page.locator(`${QUICK_INPUT} input.input`);
    await box.waitFor();
    await box.fill(text);
    await this.page.keyboard.press("Enter");
    await this.page.locator(QUICK_INPUT).waitFor({ state: "hidden" });
  }

  /** Chooses a code action from the light bulb's menu; before that, `shot` may take its picture. */
  async codeAction(title, picture) {
    const row = this.page.locator(".action-widget .monaco-list-row", { hasText: title }).first();
    await this.until(`code action ${title}`, async () => {
      await this.page.keyboard.press("Control+.");
      return row.waitFor({ timeout: 3_000 * patience }).then(() => true, async () => (await this.page.keyboard.press("Escape"), false));
    }, 4 * TIMEOUT);
    if (picture) await this.shot(picture);
    await row.click();
  }

  /** The visible text of an editor; the workbench draws spaces as no-break spaces and lines out of order. */
  async text(selector = ".editor-instance .view-lines") {
    const lines = await this.page.locator(selector).first().locator(".view-line").evaluateAll((elements) =>
      elements.sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top)).map((element) => element.textContent));
    return lines.join("\n").replaceAll("\u00a0", " ");
  }

  threads() {
    return this.page.locator(".review-widget");
  }

  /** The thread that shows a text; its icons. */
  thread(text) {
    return this.page.locator(".review-widget", { hasText: text }).first();
  }

  async icon(thread, codicon) {
    await thread.locator(`.action-label.codicon-${codicon}`).first().click();
  }

  /** Saves the active editor and waits until its tab is clean. */
  async save() {
    await this.page.keyboard.press("Control+S");
    await this.page.locator(".tab.active:not(.dirty)").waitFor();
  }

  async focusEditor() {
    // By key: with the view scrolled past the last line there may be no text to click on.
    await this.page.keyboard.press("Control+1");
    await this.page.locator(".editor-instance .monaco-editor.focused").first().waitFor();
  }
}
