// What the other language servers say, for the server when it asks. Each answer names the version of the text at which it
// was last renewed: what was said of an older text is left to the server to drop.
import * as vscode from "vscode";
import type { EditorDiagnostics, EditorDocument } from "./protocol";

export class Elsewhere implements vscode.Disposable {
  private readonly spoken = new Map<string, number>();
  private readonly subscription: vscode.Disposable;

  constructor() {
    this.subscription = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
      for (const uri of uris) {
        const document = opened(uri);
        if (document) this.spoken.set(uri.toString(), document.version);
      }
    });
  }

  tell({ uri }: { uri: string | null }): EditorDiagnostics {
    const one = uri === null ? undefined : vscode.Uri.parse(uri, true);
    const all = one ? [[one, vscode.languages.getDiagnostics(one)] as const] : vscode.languages.getDiagnostics();
    const documents = all.map(([of, said]) => this.document(of, said)).filter((document) => document.diagnostics.length > 0);
    return { documents };
  }

  private document(uri: vscode.Uri, said: readonly vscode.Diagnostic[]): EditorDocument {
    const diagnostics = said.filter(({ source }) => source !== "galley").map((diagnostic) => ({
      line: diagnostic.range.start.line,
      severity: diagnostic.severity + 1,
      source: diagnostic.source ?? null,
      code: codeOf(diagnostic),
      message: diagnostic.message,
    }));
    const version = opened(uri) ? (this.spoken.get(uri.toString()) ?? null) : null;
    return { uri: uri.toString(), version, diagnostics };
  }

  dispose(): void {
    this.subscription.dispose();
  }
}

const opened = (uri: vscode.Uri) => vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());

function codeOf({ code }: vscode.Diagnostic): string | null {
  if (code === undefined) return null;
  return String(typeof code === "object" ? code.value : code);
}
