// What the other language servers say, for the server when it asks. Each answer names the version of the text at which it
// was last renewed: what was said of an older text is left to the server to drop.
import * as vscode from "vscode";
import type { EditorDiagnostics, EditorDocument } from "./protocol";

/** When a document was last spoken of, and what was said then. */
interface Spoken { version: number; own: string; others: string }

export class OtherServers implements vscode.Disposable {
  private readonly spoken = new Map<string, Spoken>();
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [
      vscode.languages.onDidChangeDiagnostics(({ uris }) => uris.forEach((uri) => this.heard(uri))),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.spoken.delete(uri.toString())),
    ];
  }

  /** Somebody spoke of a document. Where only Galley's own diagnostics are others than before, nobody else did. */
  private heard(uri: vscode.Uri): void {
    const document = opened(uri);
    if (!document) return;
    const before = this.spoken.get(uri.toString());
    const own = fingerprint(uri, true);
    const others = fingerprint(uri, false);
    const version = before && own !== before.own && others === before.others ? before.version : document.version;
    this.spoken.set(uri.toString(), { version, own, others });
  }

  tell({ uri }: { uri: string | null }): EditorDiagnostics {
    const one = uri === null ? undefined : vscode.Uri.parse(uri, true);
    const all = one ? [[one, vscode.languages.getDiagnostics(one)] as const] : vscode.languages.getDiagnostics();
    const documents = all.map(([of, said]) => this.document(of, said)).filter((document) => document.diagnostics.length > 0);
    return { documents };
  }

  private document(uri: vscode.Uri, said: readonly vscode.Diagnostic[]): EditorDocument {
    const diagnostics = said.filter((diagnostic) => !isOwn(diagnostic)).map((diagnostic) => ({
      line: diagnostic.range.start.line,
      severity: diagnostic.severity + 1,
      source: diagnostic.source ?? null,
      code: codeOf(diagnostic),
      message: diagnostic.message,
    }));
    const version = opened(uri) ? (this.spoken.get(uri.toString())?.version ?? null) : null;
    return { uri: uri.toString(), version, diagnostics };
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

const isOwn = ({ source }: vscode.Diagnostic) => source === "galley";

function fingerprint(uri: vscode.Uri, ours: boolean): string {
  const said = vscode.languages.getDiagnostics(uri).filter((diagnostic) => isOwn(diagnostic) === ours);
  return JSON.stringify(said.map(({ range, severity, message }) => [range, severity, message]));
}

const opened = (uri: vscode.Uri) => vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());

function codeOf({ code }: vscode.Diagnostic): string | null {
  if (code === undefined) return null;
  return String(typeof code === "object" ? code.value : code);
}
