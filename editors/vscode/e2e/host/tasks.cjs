const assert = require("node:assert");
const vscode = require("vscode");
const { activate, api, clean, open, pending, propose, request, run, when } = require("./stage.cjs");

/** The labels of the tree below a node, with their depth as indent. */
const tree = (nodes = api().tasks.getChildren(), depth = 0) => nodes.flatMap((node) => [`${"  ".repeat(depth)}${node.label}`, ...tree(node.children, depth + 1)]);
const state = (task) => api().tasks.all().find((candidate) => candidate.task === task)?.state;

suite("tasks", () => {
  suiteSetup(activate);
  teardown(clean);

  test("a task shows its plan, its steps with what was read, its proof and its cost", async () => {
    await open("src/range.rs");
    const task = await propose("Fix the failing test");
    await when("proposed", () => state(task) === "proposed");
    const labels = tree([api().tasks.getChildren()[0]]);
    for (const label of ["Fix the failing test", "  Reproduce the failure", "  4 steps", "    cargo test: 9 passed", "      test result: ok. 9 passed; 0 failed", "  cargo test passed · 2 failing before, 0 after, 9 passed"]) {
      assert.ok(labels.includes(label), `${label} in\n${labels.join("\n")}`);
    }
    assert.ok(labels.some((label) => /^  \$0\.04 · .+ · 14,320 tokens · 11,600 cached$/.test(label)), labels.join("\n"));
    assert.match(api().status.text, /4 hunks to review · checks green/);
  });

  test("a task is paused, resumed and stopped", async () => {
    await open("src/range.rs");
    const { task } = await run("galley.task.start", { goal: "hold and fix" });
    await when("exploring", () => state(task) === "exploring");
    await run("galley.ui.task.pause", { task });
    await when("paused", () => state(task) === "paused");
    await run("galley.ui.task.resume", { task });
    await pending(4);
    const second = (await run("galley.task.start", { goal: "hold again" })).task;
    await when("exploring", () => state(second) === "exploring");
    await run("galley.ui.task.stop", { task: second });
    await when("cancelled", () => state(second) === "cancelled");
    assert.match(api().tasks.all().find((candidate) => candidate.task === second).message, /Nothing was applied/);
  });

  test("a plan is edited as a document, and work begins with it as it stands there", async () => {
    await open("src/range.rs");
    const { task } = await run("galley.task.start", { goal: "fix with a plan" });
    await when("waiting", () => state(task) === "waiting");
    await run("galley.ui.plan.edit", { task });
    const editor = vscode.window.activeTextEditor;
    const lines = editor.document.getText().trimEnd().split("\n");
    assert.strictEqual(lines[0], "[ ] Reproduce the failure");
    const [first, second, ...rest] = lines;
    const changed = [second, first, "[ ] Keep the signature", ...rest.slice(1)];
    await editor.edit((edit) => edit.replace(new vscode.Range(0, 0, editor.document.lineCount, 0), `${changed.join("\n")}\n`));
    assert.ok(await editor.document.save());
    const planned = () => api().tasks.all().find((candidate) => candidate.task === task).plan.map(({ text }) => `[ ] ${text}`);
    await when("the new plan", () => planned().join() === changed.join());
    await run("galley.ui.plan.approve", { task });
    await pending(4);
    const sent = (await request("mock/seen")).filter((entry) => entry.method === "galley/plan/update").map((entry) => entry.params.approve);
    assert.deepStrictEqual(sent, [false, true]);
  });

  test("a failure is said as such", async () => {
    await open("src/range.rs");
    const { task } = await run("galley.task.start", { goal: "give up" });
    await when("failed", () => state(task) === "failed");
    assert.ok(tree().some((label) => /Gave up after 3 tries/.test(label)));
  });

  test("the answer to an edit comes after the change that it made", async () => {
    await open("src/range.rs");
    await propose();
    await run("galley.ui.file.accept");
    await pending(1);
    assert.deepStrictEqual((await request("mock/seen")).filter((entry) => entry.method === "mock/answerBeforeChange"), []);
  });

  test("what other language servers say is told with the version of the text that it speaks of", async () => {
    const editor = await open("src/range.rs");
    const uri = editor.document.uri;
    const others = vscode.languages.createDiagnosticCollection("another server");
    const said = new vscode.Diagnostic(new vscode.Range(2, 0, 2, 4), "mismatched types", vscode.DiagnosticSeverity.Error);
    Object.assign(said, { source: "rustc", code: { value: "E0308", target: uri } });
    const heard = new Promise((resolve) => {
      const listening = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        if (uris.some((of) => of.toString() === uri.toString())) listening.dispose(), resolve();
      });
    });
    others.set(uri, [said]);
    await heard;
    const ask = (of) => request("mock/request", { method: "galley/editor/diagnostics", params: { uri: of } });
    const { documents: [told] } = await ask(uri.toString());
    assert.strictEqual(told.version, editor.document.version);
    assert.deepStrictEqual(told.diagnostics, [{ line: 2, severity: 1, source: "rustc", code: "E0308", message: "mismatched types" }]);
    // The editor may tell of the same diagnostics twice; that over, what is typed leaves them with the older text.
    let later;
    for (let typed = 0; typed < 20 && !(later?.version < editor.document.version); typed++) {
      await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "// typed\n"));
      later = (await ask(null)).documents.find((document) => document.uri === uri.toString());
    }
    assert.ok(later.version < editor.document.version, "of the older text, until the other server speaks again");
    others.dispose();
  });

  test("the client announces what it draws and sends the positions of the protocol", async () => {
    const editor = await open("src/range.rs");
    editor.selection = new vscode.Selection(11, 4, 13, 5);
    const seen = await request("mock/seen");
    assert.deepStrictEqual(seen[0].params.experimental.galley, { version: 1, review: true, diagnostics: true });
  });
});
