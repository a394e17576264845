const assert = require("node:assert");
const vscode = require("vscode");
const { activate, api, clean, disk, file, hunk, id, open, pending, propose, request, run, when } = require("./stage.cjs");

suite("review", () => {
  suiteSetup(activate);
  teardown(clean);

  test("a proposal touches neither buffer nor disk and takes no focus", async () => {
    const editor = await open("src/range.rs");
    const before = editor.document.getText();
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).length;
    await propose();
    assert.strictEqual(editor.document.getText(), before);
    assert.ok(!editor.document.isDirty);
    assert.strictEqual(disk("src/range.rs"), before);
    assert.strictEqual(vscode.window.activeTextEditor, editor);
    assert.strictEqual(vscode.window.tabGroups.all.flatMap((group) => group.tabs).length, tabs);
    assert.deepStrictEqual(api().review.in(editor.document.uri).map((place) => [place.hunk.number, place.span.start, place.span.end]), [[1, 12, 13], [2, 19, 19], [3, 23, 25]]);
  });

  test("an accepted hunk is exactly the text shown, not saved, and one undo takes it back", async () => {
    const editor = await open("src/range.rs");
    const before = editor.document.getText();
    await propose();
    assert.strictEqual(await run("galley.ui.hunk.accept", id(1)), true);
    assert.strictEqual(editor.document.getText(), before.replace("self.end - self.start + 1", "self.end.saturating_sub(self.start)"));
    await pending(3);
    assert.strictEqual(disk("src/range.rs"), before, "accepting does not save");
    await run("undo");
    assert.strictEqual(editor.document.getText(), before);
    await pending(4);
  });

  test("hunks can be decided in any order", async () => {
    const editor = await open("src/range.rs");
    await propose();
    assert.strictEqual(await run("galley.ui.hunk.accept", id(2)), true);
    assert.strictEqual(await run("galley.ui.hunk.accept", id(3)), true);
    await run("galley.ui.hunk.reject", id(1));
    await pending(1);
    const text = editor.document.getText();
    assert.ok(text.includes("fn forward(") && text.includes("        LineRange::forward(start, end)\n") && text.includes("+ 1"));
  });

  test("a hunk that needs another one is refused alone and accepted with it", async () => {
    const editor = await open("src/range.rs");
    await propose();
    assert.deepStrictEqual(api().review.missing(hunk(3)).map((needed) => needed.number), [2]);
    assert.strictEqual(await run("galley.ui.hunk.accept", id(3)), false);
    await run("galley.ui.hunk.acceptWithPrerequisites", id(3));
    await pending(2);
    assert.ok(editor.document.getText().includes("fn forward("));
  });

  test("a hunk is marked, and a reject is taken back", async () => {
    await open("src/range.rs");
    await propose();
    await run("galley.ui.hunk.mark", id(1));
    await when("the mark", () => hunk(1).hunk.reviewed);
    await run("galley.ui.hunk.mark", id(1));
    await when("no mark", () => !hunk(1).hunk.reviewed);
    await run("galley.ui.hunk.reject", id(2));
    await pending(3);
    await run("galley.ui.undo");
    await pending(4);
  });

  test("a hunk is split, and one half accepted", async () => {
    const editor = await open("src/range.rs");
    await propose();
    const [first, second] = hunk(3).hunk.before.split(/(?<=\n)/);
    const whole = hunk(3).hunk.hunk;
    await run("galley.ui.hunk.split", id(3));
    await pending(5);
    const parts = api().review.all().filter((place) => place.hunk.hunk.startsWith(whole));
    assert.deepStrictEqual(parts.map((place) => place.hunk.before), [first, second]);
    assert.strictEqual(await run("galley.ui.hunk.acceptWithPrerequisites", { hunk: parts[0].hunk.hunk }), true);
    await pending(3);
    assert.ok(!editor.document.getText().includes(first) && editor.document.getText().includes(second));
  });

  test("typing above moves the hunks at once; the accepted text lands at the moved place", async () => {
    const editor = await open("src/range.rs");
    await propose();
    const seen = [];
    const watch = api().review.onDidChange(() => seen.push(hunk(1)?.span.start));
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "// one\n// two\n"));
    await when("server's answer", () => hunk(1).file.version === editor.document.version);
    watch.dispose();
    assert.ok(seen.every((line) => line === 14), `nothing jumps: ${seen}`);
    assert.strictEqual(await run("galley.ui.hunk.accept", id(1)), true);
    assert.strictEqual(editor.document.lineAt(14).text, "        self.end.saturating_sub(self.start)");
  });

  test("fast typing never shows a hunk at a wrong place", async () => {
    const editor = await open("src/range.rs");
    await propose();
    const wrong = [];
    const watch = api().review.onDidChange(() => {
      const place = hunk(1);
      const text = editor.document.lineAt(place.span.start).text;
      if (!text.includes("self.end - self.start + 1")) wrong.push(`${place.span.start}: ${text}`);
    });
    for (let count = 0; count < 40; count++) await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), count % 2 ? "x" : "\n"));
    await when("server's answer", () => hunk(1).file.version === editor.document.version);
    watch.dispose();
    assert.deepStrictEqual(wrong, []);
  });

  test("typing inside a hunk becomes a conflict that keeps both sides; a saved decision resolves it", async () => {
    const editor = await open("src/range.rs");
    await propose();
    await editor.edit((edit) => edit.insert(new vscode.Position(12, 12), "XX"));
    await when("conflict", () => hunk(1).hunk.state === "conflicted");
    assert.ok(hunk(1).hunk.conflict.yours.includes("selfXX.end"), hunk(1).hunk.conflict.yours);
    await run("galley.ui.hunk.edit", id(1));
    const conflicted = await when("the hunk's document", () => vscode.window.activeTextEditor?.document.uri.scheme === "galley" && vscode.window.activeTextEditor);
    assert.match(conflicted.document.getText(), /^<<<<<<< yours\n[^]*=======\n[^]*>>>>>>> proposed\n$/);
    const all = new vscode.Range(0, 0, conflicted.document.lineCount, 0);
    await conflicted.edit((edit) => edit.replace(all, "        self.end.abs_diff(self.start)\n"));
    await conflicted.document.save();
    await when("resolved", () => hunk(1).hunk.state === "pending");
    assert.strictEqual(await run("galley.ui.hunk.accept", id(1)), true);
    assert.ok(editor.document.getText().includes("abs_diff"));
  });

  test("CRLF and a missing final line break stay as they are", async () => {
    const editor = await open("notes.txt");
    await propose("tidy the notes", 3);
    await run("galley.ui.file.accept");
    await pending(0);
    assert.strictEqual(editor.document.getText(), "top\r\nnew line\r\nmiddle\r\nlast, still without a line break");
    await run("undo");
    assert.strictEqual(editor.document.getText(), disk("notes.txt"), "one undo for one accept");
  });

  test("a file that is not open is accepted without being opened by the client", async () => {
    await open("src/range.rs");
    await propose();
    assert.strictEqual(await run("galley.ui.hunk.accept", id(4)), true);
    const document = await vscode.workspace.openTextDocument(file("src/parse.rs"));
    assert.ok(document.getText().includes("end: last })"));
    assert.strictEqual(vscode.window.activeTextEditor.document.uri.toString(), file("src/range.rs").toString());
  });

  test("next and previous go through the files, round and round", async () => {
    const editor = await open("src/range.rs");
    await propose();
    const at = () => `${vscode.workspace.asRelativePath(vscode.window.activeTextEditor.document.uri)}:${vscode.window.activeTextEditor.selection.active.line}`;
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    const visited = [];
    for (let count = 0; count < 5; count++) {
      await run("galley.ui.hunk.next");
      visited.push(at());
    }
    assert.deepStrictEqual(visited, ["src/range.rs:12", "src/range.rs:18", "src/range.rs:23", "src/parse.rs:9", "src/range.rs:12"]);
    await run("galley.ui.hunk.previous");
    assert.strictEqual(at(), "src/parse.rs:9");
  });

  test("without an argument the commands mean the hunk at the cursor", async () => {
    const editor = await open("src/range.rs");
    await propose();
    editor.selection = new vscode.Selection(23, 0, 23, 0);
    await run("galley.ui.hunk.reject");
    await pending(3);
    assert.strictEqual(hunk(3), undefined);
    editor.selection = new vscode.Selection(1, 0, 1, 0);
    assert.strictEqual(await run("galley.ui.hunk.accept"), undefined, "no hunk there");
    await run("galley.ui.file.reject");
    await pending(1);
  });

  test("ids that are gone are ignored", async () => {
    await open("src/range.rs");
    await propose();
    const gone = id(1);
    await run("galley.ui.hunk.reject", gone);
    await pending(3);
    assert.strictEqual(await run("galley.ui.hunk.accept", gone), undefined);
  });

  test("what the server offers to every client is not drawn twice", async () => {
    const editor = await open("src/range.rs");
    await propose();
    const actions = await run("vscode.executeCodeActionProvider", editor.document.uri, new vscode.Range(12, 0, 12, 0));
    assert.ok(actions.some((action) => action.title === "Galley: accept hunk 1"));
    const lenses = await run("vscode.executeCodeLensProvider", editor.document.uri);
    assert.deepStrictEqual(lenses.filter((lens) => /server lens/.test(lens.command?.title)), []);
    await request("galley/status");
    assert.deepStrictEqual(vscode.languages.getDiagnostics(editor.document.uri), []);
  });

  test("the quiet display shows lenses instead of threads", async () => {
    const editor = await open("src/range.rs");
    const configuration = vscode.workspace.getConfiguration("galley");
    await configuration.update("review.display", "lens", vscode.ConfigurationTarget.Global);
    try {
      await propose();
      const lenses = await run("vscode.executeCodeLensProvider", editor.document.uri);
      assert.deepStrictEqual(lenses.filter((lens) => lens.range.start.line === 12).map((lens) => lens.command.title).slice(0, 4), ["Accept", "Reject", "Edit", "Comment"]);
      assert.ok(lenses.some((lens) => lens.range.start.line === 23 && lens.command.title === "Accept with 2"));
      await run(lenses[0].command.command, ...lenses[0].command.arguments);
      await pending(3);
    } finally {
      await configuration.update("review.display", undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
