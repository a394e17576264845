// Shared by the suites: a throw-away profile and workspace, a real VS Code (code-server) and a browser that may only
// talk to loopback.
import { spawn, execFileSync } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const here = path.dirname(fileURLToPath(import.meta.url));
export const extension = path.resolve(here, "..");
export const cache = path.resolve(process.env.E2E_CACHE ?? path.join(here, "../../../.tools/vscode"));
export const outDir = path.resolve(process.env.E2E_OUT ?? path.join(cache, "out"));
export const vsix = path.resolve(process.env.E2E_VSIX ?? path.join(extension, "galley.vsix"));
/** The server under test: the scripted one, unless GALLEY_BIN names a real one. */
export const server = path.resolve(process.env.GALLEY_BIN ?? path.join(here, "mock/galley"));
export const project = path.resolve(process.env.E2E_PROJECT ?? path.join(here, "fixture"));
const node = path.join(cache, "node/bin/node");
const entry = path.join(cache, "cs/node_modules/code-server/out/node/entry.js");
mkdirSync(outDir, { recursive: true });

/** Patience is a factor, for machines that are busy with other things. */
export const patience = Number(process.env.E2E_PATIENCE ?? 1);

const settings = {
  "workbench.startupEditor": "none", "telemetry.telemetryLevel": "off", "security.workspace.trust.enabled": false,
  "extensions.autoCheckUpdates": false, "extensions.autoUpdate": false, "extensions.ignoreRecommendations": true, "update.mode": "none",
  "chat.disableAIFeatures": true, "workbench.secondarySideBar.defaultVisibility": "hidden", "workbench.tips.enabled": false,
  "workbench.colorTheme": process.env.E2E_THEME ?? "Default Dark Modern", "workbench.enableExperiments": false, "editor.accessibilitySupport": "off",
  "editor.minimap.enabled": false, "git.enabled": false, "window.restoreWindows": "none", "files.hotExit": "off",
  "files.autoSave": "off", // the default in a browser saves by itself and would hide a client that writes
  "terminal.integrated.hideOnStartup": "always", "files.simpleDialog.enable": true, "files.exclude": { "**/target": true },
};

/** A profile of its own, so that no test sees the state of another one. */
export function freshDirs(name, more = {}) {
  const root = path.join(cache, "run", name);
  rmSync(root, { recursive: true, force: true });
  const dirs = { root, user: path.join(root, "user"), extensions: path.join(root, "extensions"), log: path.join(root, "requests.jsonl") };
  for (const folder of [path.join(dirs.user, "User"), path.join(dirs.user, "Machine"), dirs.extensions]) mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(dirs.user, "User/settings.json"), JSON.stringify({ ...settings, ...more }));
  // A setting of machine scope is read from where the server runs, not from the browser's profile.
  writeFileSync(path.join(dirs.user, "Machine/settings.json"), JSON.stringify({ "galley.server.path": server }));
  return dirs;
}

/** A copy of the project; tabs and panels are restored by folder, so each test gets its own. */
export function freshWorkspace(dirs, name) {
  const folder = path.join(dirs.root, name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(project, folder, { recursive: true, filter: (source) => !/\/(target|\.git)$/.test(source) });
  return folder;
}

const base = (dirs) => ["--config", path.join(dirs.root, "config.yaml"), "--user-data-dir", dirs.user, "--extensions-dir", dirs.extensions];
const environment = (dirs) => ({
  GALLEY_STATE_DIR: path.join(dirs.root, "state"), ...process.env, NODE_OPTIONS: "", PATH: `${path.dirname(node)}:${process.env.PATH}`, GALLEY_MOCK_LOG: dirs.log,
  EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: "http://127.0.0.1:9", itemUrl: "", resourceUrlTemplate: "" }),
});

export function installVsix(dirs) {
  return execFileSync(node, [entry, ...base(dirs), "--install-extension", vsix], { env: environment(dirs), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

const freePort = () => new Promise((resolve) => {
  const probe = net.createServer();
  probe.listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});

/** Starts the editor; resolves when it says on which address it listens. */
export async function startEditor(dirs) {
  const port = await freePort();
  const logFile = path.join(dirs.root, "editor.log");
  const child = spawn(node, [entry, ...base(dirs), "--bind-addr", `127.0.0.1:${port}`, "--auth", "none", "--disable-telemetry", "--disable-update-check",
    "--disable-workspace-trust", "--disable-getting-started-override", "--disable-file-downloads", "--disable-proxy", "--log", "info"],
  { env: environment(dirs), stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`code-server did not come up; see ${logFile}`)), 120_000 * patience);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => {
        appendFileSync(logFile, text);
        if (/HTTP server listening/i.test(text)) (clearTimeout(timer), resolve());
      });
    }
    void ended.then((code) => (clearTimeout(timer), reject(new Error(`code-server ended with ${code}; see ${logFile}`))));
  });
  const stop = async () => {
    const kill = (signal) => { try { process.kill(-child.pid, signal); } catch { /* gone */ } };
    kill("SIGTERM");
    const timer = setTimeout(() => kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(timer);
    kill("SIGKILL"); // what it started and left behind
  };
  return { port, url: `http://127.0.0.1:${port}`, stop };
}

export async function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => existsSync(file));
  if (!executablePath) throw new Error("no chromium: apt-get install -y chromium, or set CHROMIUM");
  const browser = await chromium.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"] });
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, permissions: ["clipboard-read", "clipboard-write"] });
  const refused = [];
  await context.route((url) => !["127.0.0.1", "localhost"].includes(url.hostname) && /^(http|ws)/.test(url.protocol), (route) => {
    refused.push(route.request().url());
    return route.abort();
  });
  return { browser, context, refused, version: browser.version() };
}
