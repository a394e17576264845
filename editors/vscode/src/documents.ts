// The virtual documents of a review: what a hunk or a file would become. They are writable, so that a proposal can be
// corrected before it is accepted; what is written goes to the server, never to the file.
import * as vscode from "vscode";

export const SCHEME = "galley";

/** Gives a document its text and takes what the person saved into it. Throwing from `save` keeps the document unsaved. */
export interface Source {
  text(): string;
  save?(text: string): Promise<void>;
}

interface Entry { source: Source; text: string; mtime: number }

export class Documents implements vscode.FileSystemProvider, vscode.Disposable {
  private readonly entries = new Map<string, Entry>();
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;
  private clock = 1;

  dispose(): void {
    this.changed.dispose();
  }

  /** The address of a virtual document; its path is that of the file, so that name, language and pairing are known. */
  static uri(kind: "hunk" | "proposal" | "current" | "plan", id: string, path: string): vscode.Uri {
    return vscode.Uri.from({ scheme: SCHEME, authority: kind, path: `/${path}`, query: id });
  }

  offer(uri: vscode.Uri, source: Source): void {
    if (this.entries.has(uri.toString())) this.refresh(uri);
    else this.entries.set(uri.toString(), { source, text: source.text(), mtime: this.clock++ });
  }

  /** Reads the source again; editors that show it without unsaved changes follow. */
  refresh(uri: vscode.Uri): void {
    const entry = this.entries.get(uri.toString());
    if (!entry) return;
    const text = entry.source.text();
    if (text === entry.text) return;
    entry.text = text;
    entry.mtime = this.clock++;
    this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const entry = this.entry(uri);
    const permissions = entry.source.save ? {} : { permissions: vscode.FilePermission.Readonly };
    return { type: vscode.FileType.File, ctime: 0, mtime: entry.mtime, size: Buffer.byteLength(entry.text), ...permissions };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    return Buffer.from(this.entry(uri).text);
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const entry = this.entry(uri);
    const text = Buffer.from(content).toString();
    await entry.source.save?.(text);
    entry.text = text;
    entry.mtime = this.clock++;
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  private entry(uri: vscode.Uri): Entry {
    const entry = this.entries.get(uri.toString());
    if (!entry) throw vscode.FileSystemError.FileNotFound("This proposal is no longer open.");
    return entry;
  }
}
