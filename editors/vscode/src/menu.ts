// What a click on the status bar offers, and the ways to get a model.
import * as vscode from "vscode";
import type { Review } from "./review";
import type { StatusBar } from "./status";

interface Entry extends vscode.QuickPickItem { command?: string; argument?: unknown }

const entry = (icon: string, label: string, command: string, argument?: unknown): Entry => ({ label: `$(${icon}) ${label}`, command, argument });
const rule: Entry = { label: "", kind: vscode.QuickPickItemKind.Separator };

async function choose(entries: Entry[], title: string): Promise<void> {
  const choice = await vscode.window.showQuickPick(entries, { title });
  if (choice?.command) await vscode.commands.executeCommand(choice.command, choice.argument);
}

export function menu(status: StatusBar, review: Review): Promise<void> {
  if (status.status && status.status.model === null) return model();
  const hunks = review.all().length;
  const reviewing = [
    entry("arrow-down", "Next hunk", "galley.ui.hunk.next"),
    entry("diff-multiple", "Open all proposed changes", "galley.ui.all.open"),
    entry("check-all", `Accept all ${hunks} hunks`, "galley.ui.all.accept"),
    entry("close-all", `Reject all ${hunks} hunks`, "galley.ui.all.reject"),
    rule,
  ];
  return choose([
    ...(hunks ? reviewing : []),
    entry("add", "Start a task…", "galley.ui.start"),
    entry("list-tree", "Show the tasks", "galley.tasks.focus"),
    rule,
    entry("settings-gear", "Settings", "workbench.action.openSettings", "@ext:galley.galley"),
    entry("output", "Show the log", "galley.ui.log"),
    entry("refresh", "Restart the server", "galley.ui.restart"),
  ], status.status?.text ?? "Galley");
}

/** The three ways to a model. */
export function model(): Promise<void> {
  return choose([
    { ...entry("key", "A key in an environment variable", "galley.ui.restart"), detail: "Set OPENAI_API_KEY or ANTHROPIC_API_KEY, start VS Code from that shell, and choose this to look again." },
    { ...entry("server", "A local server", "galley.ui.restart"), detail: "Start Ollama, llama.cpp, vLLM or LM Studio on its usual port, and choose this to look again." },
    { ...entry("settings-gear", "A model by its name", "workbench.action.openSettings", "galley.model"), detail: "provider/model, for example openai-chat/qwen3-coder" },
  ], "Galley needs a model");
}
