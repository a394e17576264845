// The VS Code client of Galley. It starts the server, shows what the server says and relays what the person decides;
// it computes no diff, edits no document and keeps no state that the server does not have.
import * as vscode from "vscode";
import { State, type LanguageClient } from "vscode-languageclient/node";
import { Approvals } from "./approval";
import { commands, register } from "./commands";
import { Decide } from "./decide";
import { Decorations } from "./decorations";
import { Drafts } from "./drafts";
import { OtherServers } from "./others";
import { Documents, SCHEME } from "./documents";
import { Lenses } from "./lenses";
import type { Relay } from "./middleware";
import { Navigate } from "./navigate";
import { Plans } from "./plan";
import * as protocol from "./protocol";
import { Review } from "./review";
import { checkVersion, createClient, explain, locate } from "./server";
import { sender, type Send } from "./session";
import { SideBySide } from "./sidebyside";
import { StatusBar } from "./status";
import { Steering } from "./steering";
import { Tasks } from "./tasks";
import { Threads } from "./threads";

let client: LanguageClient | undefined;

/** What tests may look at. */
export interface Api { client(): LanguageClient | undefined; review: Review; tasks: Tasks; status: StatusBar; drafts: Drafts }

export async function activate(context: vscode.ExtensionContext): Promise<Api> {
  const log = vscode.window.createOutputChannel("Galley", { log: true });
  const send = sender(() => client);
  const display = () => vscode.workspace.getConfiguration("galley").get<string>("review.display", "inline");
  const review = new Review();
  const documents = new Documents();
  const threads = new Threads(review, () => display() === "inline");
  const decorations = new Decorations(review);
  const drafts = new Drafts();
  const lenses = new Lenses(review, () => display() === "lens");
  const status = new StatusBar(review);
  const tasks = new Tasks(review);
  const approvals = new Approvals((question) => status.ask(question));
  const decide = new Decide(send, review, threads, documents);
  const sideBySide = new SideBySide(review, documents, {
    edit: (hunk, text) => decide.sendEdit(hunk, text),
    reject: async (hunk) => void (await decide.reject({ hunks: [hunk] })),
  });
  const navigate = new Navigate(review, sideBySide);
  const steering = new Steering(send, tasks);
  const others = new OtherServers();
  const plans = new Plans(send, tasks, steering, documents);

  const cursor = () => {
    status.draw();
    setContexts(review, sideBySide);
  };
  const draw = () => {
    threads.draw();
    decorations.draw();
    lenses.draw();
    tasks.draw();
    decide.draw();
    void sideBySide.draw();
    cursor();
  };
  const table = commands({ review, decide, navigate, sideBySide, steering, plans, approvals, status, log, restart: () => restart() });
  const relay: Relay = {
    complete: (command, argument) => complete(table, command, argument),
    refused: (answer) => decide.refused(answer),
  };
  let ask: vscode.Disposable | undefined;

  const start = async () => {
    const located = locate();
    if ("problem" in located) {
      status.say("not found", "error");
      void explain(located.problem);
      return;
    }
    client = createClient(located.program, log, relay);
    listen(client, send, { review, tasks, status, drafts, approvals, others, plans });
    try {
      await client.start();
    } catch (error) {
      status.say("did not start", "error");
      log.error(error instanceof Error ? error : String(error));
      void explain(`Galley: ${located.program} did not start as a language server; the log says why.`);
      return;
    }
    ask = register({ "galley.ask": table["galley.ask"]! }, client.initializeResult?.capabilities.executeCommandProvider?.commands ?? []);
  };
  const stop = async () => {
    ask?.dispose();
    approvals.drop();
    const running = client;
    client = undefined;
    if (!running) return;
    if (running.state === State.Starting) await running.start().catch(() => undefined); // only a running client can be stopped
    await running.dispose().catch((error: unknown) => log.warn(String(error)));
  };
  const restart = async () => {
    await stop();
    review.clear();
    tasks.clear();
    status.say("starting", "busy");
    await start();
  };

  context.subscriptions.push(
    log, review, documents, threads, decorations, drafts, lenses, status, tasks, sideBySide, others,
    register(table, ["galley.ask"]),
    vscode.workspace.registerFileSystemProvider(SCHEME, documents, { isCaseSensitive: true }),
    vscode.languages.registerCodeLensProvider([{ scheme: "file" }, { scheme: "untitled" }], lenses),
    review.onDidChange(draw),
    vscode.window.onDidChangeVisibleTextEditors(() => decorations.draw()),
    vscode.window.onDidChangeActiveTextEditor(cursor),
    vscode.window.tabGroups.onDidChangeTabs(cursor),
    vscode.window.onDidChangeTextEditorSelection(cursor),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("galley.review.display")) draw();
      if (event.affectsConfiguration("galley.server.path")) void restart();
    }),
  );
  await start();
  return { client: () => client, review, tasks, status, drafts };
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

/** What answers the server's requests. */
interface Asked { approvals: Approvals; others: OtherServers }
interface Surfaces { review: Review; tasks: Tasks; status: StatusBar; drafts: Drafts }

function listen(client: LanguageClient, send: Send, { review, tasks, status, drafts, approvals, others, plans }: Surfaces & Asked & { plans: Plans }): void {
  client.onNotification(protocol.taskDidDraft, ({ task, drafts: written }) => drafts.put(task, written));
  client.onNotification(protocol.taskDidUpdate, (task) => {
    tasks.put(task);
    void plans.follow(task);
  });
  client.onNotification(protocol.proposalDidChange, (proposal) => review.put(proposal));
  client.onNotification(protocol.statusDidChange, (now) => status.put(now));
  client.onRequest(protocol.approvalRequest, (approval, token) => approvals.ask(approval, token));
  client.onRequest(protocol.editorDiagnostics, (asked) => others.tell(asked));
  client.onDidChangeState(({ newState }) => {
    if (newState === State.Running) {
      checkVersion(client);
      void catchUp(send, { review, tasks, status, drafts });
    }
    if (newState !== State.Stopped) return;
    approvals.drop();
    drafts.clear();
    review.clear();
    status.say("the server stopped", "error");
  });
}

/** What happened before this window looked: tasks and proposals outlive the editor. */
async function catchUp(send: Send, { review, tasks, status }: Surfaces): Promise<void> {
  const [now, known, open] = await Promise.all([send(protocol.statusGet, {}), send(protocol.taskList, {}), send(protocol.proposalList, {})]);
  if (now) status.put(now);
  for (const task of known?.tasks ?? []) tasks.put(task);
  for (const proposal of open?.proposals ?? []) review.put(proposal);
}

function setContexts(review: Review, sideBySide: SideBySide): void {
  const editor = vscode.window.activeTextEditor;
  const set = (key: string, value: boolean) => void vscode.commands.executeCommand("setContext", `galley.${key}`, value);
  set("reviewOpen", review.all().length > 0);
  set("reviewInFile", !!editor && review.in(sideBySide.fileOf(editor.document.uri) ?? editor.document.uri).length > 0);
  set("reviewAll", vscode.window.tabGroups.activeTabGroup.activeTab?.label.startsWith("Galley: ") ?? false);
  set("hunkAtCursor", !!editor && review.at(editor.document.uri, editor.selection.active.line) !== undefined);
}

/** Server commands that mean a text which they do not carry: this client asks for it and sends the request itself. */
function complete(table: Record<string, (argument: unknown) => unknown>, command: string, argument: Record<string, unknown>): Promise<unknown> | undefined {
  const run = (id: string, with_: unknown = argument) => Promise.resolve(table[id]?.(with_));
  const lacks = (key: string) => typeof argument[key] !== "string";
  if (command === "galley.hunk.edit" && lacks("text")) return run("galley.ui.hunk.edit");
  if (command === "galley.hunk.comment" && lacks("text")) return run("galley.ui.hunk.comment");
  if (command === "galley.hunk.why") return run("galley.ui.hunk.why");
  if (command === "galley.task.steer" && lacks("message")) return run("galley.ui.task.steer");
  if (command === "galley.task.start" && lacks("goal")) return run("galley.ask", { title: "Start a task", params: argument });
  return undefined;
}
