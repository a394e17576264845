// Finds the `galley` program, starts it as a language server and says so when it cannot.
import { existsSync, accessSync, statSync, constants } from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { LanguageClient, TransportKind, type FeatureState, type LanguageClientOptions, type ServerOptions, type StaticFeature } from "vscode-languageclient/node";
import { middleware, type Relay } from "./middleware";
import { PROTOCOL_VERSION } from "./protocol";

/** What the search for the program came to. */
export type Located = { program: string } | { problem: string; setting: boolean };

/** The program of the setting, else the first `galley` on PATH. */
export function locate(): Located {
  const setting = vscode.workspace.getConfiguration("galley").get<string>("server.path", "").trim();
  if (setting) {
    const program = setting.replace(/^~(?=[/\\])/, os.homedir());
    if (isExecutable(program)) return { program };
    return { problem: `Galley: there is no program at ${program} (setting galley.server.path).`, setting: true };
  }
  const names = process.platform === "win32" ? ["galley.exe", "galley.cmd"] : ["galley"];
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    for (const name of names) {
      const program = path.join(folder, name);
      if (folder && isExecutable(program)) return { program };
    }
  }
  return { problem: "Galley: the program galley is not on PATH. Install it, or tell where it is.", setting: false };
}

function isExecutable(program: string): boolean {
  try {
    if (!existsSync(program) || !statSync(program).isFile()) return false;
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Says what is missing; the buttons lead to the setting and to another try. Never modal. */
export async function explain(problem: string): Promise<void> {
  const setting = "Set the Path";
  const again = "Try Again";
  const choice = await vscode.window.showWarningMessage(problem, setting, again);
  if (choice === setting) await vscode.commands.executeCommand("workbench.action.openSettings", "galley.server.path");
  if (choice === again) await vscode.commands.executeCommand("galley.ui.restart");
}

/** Tells the server that this client draws hunks by itself, and knows what other language servers say. */
class GalleyCapability implements StaticFeature {
  fillClientCapabilities(capabilities: { experimental?: object }): void {
    capabilities.experimental = { ...capabilities.experimental, galley: { version: PROTOCOL_VERSION, review: true, diagnostics: true } };
  }
  initialize(): void {}
  getState(): FeatureState {
    return { kind: "static" };
  }
  clear(): void {}
}

export function createClient(program: string, log: vscode.LogOutputChannel, relay: Relay): LanguageClient {
  const server: ServerOptions = { command: program, args: ["lsp"], transport: TransportKind.stdio };
  const options: LanguageClientOptions = {
    documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
    outputChannel: log,
    synchronize: { configurationSection: "galley" },
    diagnosticCollectionName: "galley",
    middleware: middleware(relay),
  };
  const client = new LanguageClient("galley", "Galley", server, options);
  client.registerFeature(new GalleyCapability());
  return client;
}

/** A server that speaks another version of the protocol is said to do so instead of being misread. */
export function checkVersion(client: LanguageClient): void {
  const announced = (client.initializeResult?.capabilities.experimental as { galley?: { version?: number } } | undefined)?.galley?.version;
  if (announced === PROTOCOL_VERSION) return;
  const what = announced === undefined ? "does not announce the Galley protocol" : `speaks version ${announced} of the Galley protocol`;
  void vscode.window.showWarningMessage(`Galley: the server ${what}; this extension speaks version ${PROTOCOL_VERSION}. Update the older of the two.`);
}
