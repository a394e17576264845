// The one way to the server: every request of the client passes here, and its failure becomes a sentence.
import * as vscode from "vscode";
import type { LanguageClient, RequestType } from "vscode-languageclient/node";

export type Send = <P, R>(type: RequestType<P, R, void>, params: P) => Promise<R | undefined>;

/** Sends with whatever client runs at the moment; answers `undefined` after having said what went wrong. */
export function sender(client: () => LanguageClient | undefined): Send {
  return async <P, R>(type: RequestType<P, R, void>, params: P) => {
    const running = client();
    if (!running?.isRunning()) {
      const again = "Restart Server";
      void vscode.window.showWarningMessage("Galley: the server does not run.", again).then((choice) => {
        if (choice === again) void vscode.commands.executeCommand("galley.ui.restart");
      });
      return undefined;
    }
    try {
      return await running.sendRequest<R>(type.method, params);
    } catch (error) {
      void vscode.window.showErrorMessage(`Galley: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
}
