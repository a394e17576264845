// Runs mocha inside the extension host of a real VS Code, with the real `vscode` API. The workbench takes
// ?payload=[["extensionDevelopmentPath",…],["extensionTestsPath",…]] as its own continuous integration does.
import path from "node:path";
import { extension, freshDirs, freshWorkspace, here, outDir, patience, startBrowser, startEditor } from "./lib.mjs";

const tests = path.join(here, "host/index.cjs");
const dirs = freshDirs("host");
const folder = freshWorkspace(dirs, "ws");
const editor = await startEditor(dirs);
const { browser, context } = await startBrowser();
let code = 1;
try {
  const page = await context.newPage();
  const exit = new Promise((resolve) => void page.exposeFunction("codeAutomationExit", resolve));
  await page.exposeFunction("codeAutomationLog", (_type, args) => {
    const line = (Array.isArray(args) ? args : [args]).join(" ");
    if (process.env.E2E_VERBOSE || /^(PASS|FAIL|info) /.test(line)) console.log(line);
  });
  // A release build takes the payload only with the smoke-test driver on, which the command line cannot say. Rewriting
  // the page instead would make Chromium's local-network check refuse the web socket.
  await page.addInitScript(() => {
    const get = Element.prototype.getAttribute;
    Element.prototype.getAttribute = function (name) {
      const value = get.call(this, name);
      if (name !== "data-settings" || this.id !== "vscode-workbench-web-configuration") return value;
      const configuration = JSON.parse(value);
      configuration.developmentOptions = { ...configuration.developmentOptions, enableSmokeTestDriver: true };
      return JSON.stringify(configuration);
    };
  });
  const uri = (file) => `vscode-remote://127.0.0.1:${editor.port}${file}`;
  const payload = JSON.stringify([["extensionDevelopmentPath", uri(extension)], ["extensionTestsPath", uri(tests)]]);
  await page.goto(`${editor.url}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(payload)}`);
  const limit = new Promise((resolve) => setTimeout(() => resolve("timeout"), Number(process.env.E2E_TIMEOUT_MS ?? 240_000 * patience)));
  code = await Promise.race([exit, limit]);
  if (code !== 0) await page.screenshot({ path: path.join(outDir, "host-failure.png") });
} finally {
  await browser.close();
  await editor.stop();
}
console.log(`${code === 0 ? "PASS" : "FAIL"} extension-host suite (exit ${code})`);
process.exit(code === 0 ? 0 : 1);
