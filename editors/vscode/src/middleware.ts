// What passes between editor and server and is not shown as it comes: hunks are drawn by this client, so their
// diagnostics and lenses are left out, and server commands that lack a text are completed by asking for it.
import * as vscode from "vscode";
import { CancellationToken, type Middleware } from "vscode-languageclient/node";
import type { Accepted } from "./protocol";

/** The flows of this client that a server command without its text is handed to. */
export interface Relay {
  /** Handles the command by itself when it returns a promise. */
  complete(command: string, argument: Record<string, unknown>): Promise<unknown> | undefined;
  refused(answer: Accepted): void;
}

const isHunk = (diagnostic: vscode.Diagnostic) => diagnostic.source === "galley" && codeOf(diagnostic) === "hunk";

function codeOf(diagnostic: vscode.Diagnostic): string | number | undefined {
  return typeof diagnostic.code === "object" ? diagnostic.code.value : diagnostic.code;
}

export function middleware(relay: Relay): Middleware {
  const sending = new Set<Promise<void>>();
  return {
    // Without this the answer to an edit now and then overtakes the change that the edit made, and the server would
    // compare the text too early.
    async didChange(event, next) {
      const sent = next(event);
      sending.add(sent);
      await sent.finally(() => sending.delete(sent));
    },
    workspace: {
      async handleApplyEdit(params, next) {
        const answer = await next(params, CancellationToken.None);
        await Promise.allSettled(sending);
        return answer;
      },
    },
    handleDiagnostics(uri, diagnostics, next) {
      next(uri, diagnostics.filter((diagnostic) => !isHunk(diagnostic)));
    },
    async provideCodeLenses(document, token, next) {
      const lenses = await next(document, token);
      return lenses?.filter((lens) => !lens.command?.command.startsWith("galley.hunk."));
    },
    async executeCommand(command, args, next) {
      const argument = asObject(args[0]);
      const answered = relay.complete(command, argument);
      if (answered) return answered;
      const answer: unknown = await next(command, args);
      if (command === "galley.hunk.accept" && asObject(answer).applied === false) relay.refused(answer as Accepted);
      return answer;
    },
  };
}

function asObject(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
}
