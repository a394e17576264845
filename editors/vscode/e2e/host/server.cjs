const assert = require("node:assert");
const vscode = require("vscode");
const { activate, api, clean, open, propose, request, run, when } = require("./stage.cjs");

suite("server", () => {
  suiteSetup(activate);
  teardown(clean);

  test("when the server dies during a review, nothing stays drawn and the buffer is as it was; it comes back", async () => {
    const editor = await open("src/range.rs");
    const before = editor.document.getText();
    await propose();
    await request("mock/die").catch(() => undefined);
    await when("nothing to review", () => api().review.all().length === 0);
    assert.strictEqual(editor.document.getText(), before);
    await when("running again by itself", () => api().client().isRunning() && /ready/.test(api().status.text));
    await propose();
    await run("galley.ui.restart");
    await when("running on request", () => api().client()?.isRunning() && /ready/.test(api().status.text));
    assert.strictEqual(api().review.all().length, 0);
    await propose();
  });

  test("a wrong path is said, and the client starts when the path is right again", async () => {
    const configuration = vscode.workspace.getConfiguration("galley");
    const path = configuration.inspect("server.path").globalValue;
    await configuration.update("server.path", "/nowhere/galley", vscode.ConfigurationTarget.Global);
    await when("said", () => /not found/.test(api().status.text));
    await configuration.update("server.path", path, vscode.ConfigurationTarget.Global);
    await when("ready", () => /ready/.test(api().status.text));
    await open("src/range.rs");
    await propose();
  });
});
