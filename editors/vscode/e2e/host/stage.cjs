// What the suites share: waiting for the client's own events, a task from start to proposal, a clean desk afterwards.
const fs = require("node:fs");
const vscode = require("vscode");

const folder = vscode.workspace.workspaceFolders[0].uri;
const file = (name) => vscode.Uri.joinPath(folder, name);
const run = (command, ...args) => vscode.commands.executeCommand(command, ...args);
const disk = (name) => fs.readFileSync(file(name).fsPath, "utf8");
let api;

async function activate() {
  api ??= await vscode.extensions.getExtension("galley.galley").activate();
  return api;
}

/** Resolves with the first truthy value of `look`, asked again whenever one of the events fires. */
function when(what, look, ms = 10_000 * Number(process.env.E2E_PATIENCE ?? 1)) {
  const events = [
    api.review.onDidChange, api.tasks.onDidChangeTreeData, api.status.onDidChange, vscode.workspace.onDidChangeTextDocument, vscode.workspace.onDidSaveTextDocument,
    vscode.window.onDidChangeActiveTextEditor, vscode.window.onDidChangeTextEditorSelection, vscode.window.tabGroups.onDidChangeTabs,
  ];
  return new Promise((resolve, reject) => {
    const subscriptions = [];
    const timer = setTimeout(() => finish(() => reject(new Error(`timed out: ${what}`))), ms);
    const finish = (settle) => {
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.dispose();
      settle();
    };
    const check = () => {
      let value;
      try { value = look(); } catch (error) { return finish(() => reject(error)); }
      if (value) finish(() => resolve(value));
    };
    for (const event of events) subscriptions.push(event(check));
    check();
  });
}

async function open(name) {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(file(name)));
}

/** Starts a task as a code action would and waits for its hunks. */
async function propose(goal = "Fix the failing test", count = 4) {
  const { task } = await run("galley.task.start", { goal });
  await when(`${count} hunks of ${task}`, () => api.review.all().filter((place) => place.proposal.task === task).length === count);
  return task;
}

const request = (method, params = {}) => api.client().sendRequest(method, params);
const hunk = (number) => api.review.all().find((place) => place.hunk.number === number);
const id = (number) => ({ hunk: hunk(number).hunk.hunk });
const pending = (count) => when(`${count} pending`, () => api.review.all().length === count);

/** Rejects what is open and takes back what was typed, so that the next test starts from the files. */
async function clean() {
  for (const document of vscode.workspace.textDocuments.filter((candidate) => candidate.isDirty)) {
    await vscode.window.showTextDocument(document);
    await run("workbench.action.files.revert");
  }
  await run("workbench.action.closeAllEditors");
  if (!api.client()?.isRunning()) return;
  await request("galley/status"); // The server has seen the reverted text by now and opened again what it undid.
  await run("galley.ui.all.reject");
  await pending(0);
}

module.exports = { activate, api: () => api, clean, disk, file, hunk, id, open, pending, propose, request, run, when };
