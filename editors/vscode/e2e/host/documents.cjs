const assert = require("node:assert");
const vscode = require("vscode");
const { activate, api, clean, disk, hunk, id, open, pending, propose, run, when } = require("./stage.cjs");

const shown = (kind) => when(`a ${kind} document`, () => vscode.workspace.textDocuments.find((document) => document.uri.scheme === "galley" && document.uri.authority === kind && !document.isClosed));

suite("proposed documents", () => {
  suiteSetup(activate);
  teardown(clean);

  test("a hunk is edited before it is accepted", async () => {
    const editor = await open("src/range.rs");
    await propose();
    await run("galley.ui.hunk.edit", id(1));
    const proposed = await when("hunk document", () => vscode.window.activeTextEditor?.document.uri.scheme === "galley" && vscode.window.activeTextEditor);
    assert.strictEqual(proposed.document.getText(), "        self.end.saturating_sub(self.start)\n");
    assert.strictEqual(proposed.document.languageId, editor.document.languageId);
    await proposed.edit((edit) => edit.insert(new vscode.Position(0, 0), "        // half-open\n"));
    assert.ok(await proposed.document.save());
    await when("edited", () => hunk(1).hunk.after.includes("half-open"));
    assert.strictEqual(await run("galley.ui.hunk.accept", id(1)), true);
    assert.ok(editor.document.getText().includes("        // half-open\n        self.end.saturating_sub"));
  });

  test("side by side: what is changed inside a hunk is sent as its text, what is taken back is rejected", async () => {
    const editor = await open("src/range.rs");
    await propose();
    await run("galley.ui.file.open");
    const proposed = await shown("proposal");
    assert.ok(proposed.getText().includes("saturating_sub") && proposed.getText().includes("fn forward("));
    const at = (text) => proposed.positionAt(proposed.getText().indexOf(text));
    const edit = new vscode.WorkspaceEdit();
    edit.insert(proposed.uri, at("    fn forward("), "    // added by the person\n");
    const line = at("saturating_sub").line;
    edit.replace(proposed.uri, new vscode.Range(line, 0, line + 1, 0), "        self.end - self.start + 1\n");
    await vscode.workspace.applyEdit(edit);
    assert.ok(await proposed.save());
    await pending(3);
    assert.strictEqual(hunk(1), undefined, "taken back means rejected");
    assert.ok(hunk(2).hunk.after.includes("// added by the person"));
    assert.strictEqual(editor.document.getText(), disk("src/range.rs"), "the file itself is not touched");
  });

  test("side by side: lines outside of the hunks cannot be changed there", async () => {
    await open("src/range.rs");
    await propose();
    await run("galley.ui.file.open");
    const proposed = await shown("proposal");
    const edit = new vscode.WorkspaceEdit();
    edit.insert(proposed.uri, new vscode.Position(0, 0), "// elsewhere\n");
    await vscode.workspace.applyEdit(edit);
    assert.strictEqual(await proposed.save(), false);
    await vscode.window.showTextDocument(proposed);
    await run("workbench.action.files.revert");
  });

  test("side by side follows the decisions", async () => {
    await open("src/range.rs");
    await propose();
    await run("galley.ui.file.open");
    const proposed = await shown("proposal");
    await run("galley.ui.hunk.reject", id(2));
    await when("the rejected hunk is gone from the proposal", () => !proposed.getText().includes("fn forward("));
    assert.ok(!proposed.isDirty);
  });

  test("all files in one editor", async () => {
    await open("src/range.rs");
    await propose();
    await run("galley.ui.all.open");
    await when("tab", () => vscode.window.tabGroups.activeTabGroup.activeTab?.label.startsWith("Galley: "));
  });

  test("a new file is shown as a proposal and created on accept", async () => {
    await open("src/lib.rs");
    await propose("new file", 2);
    await run("galley.ui.hunk.acceptWithPrerequisites", id(2));
    await pending(0);
    const document = vscode.workspace.textDocuments.find((candidate) => candidate.uri.path.endsWith("/src/display.rs"));
    assert.ok(document?.getText().startsWith("// line 1 of a new file\n"));
  });
});
