// Next and previous hunk, from file to file, round and round.
import * as vscode from "vscode";
import type { Place, Review } from "./review";
import type { SideBySide } from "./sidebyside";
import { anchor } from "./threads";

/** The hunk after (or before) a place in the reading order of the whole review. */
export function neighbour(places: readonly Place[], uri: string | undefined, line: number, step: 1 | -1): Place | undefined {
  if (!places.length) return undefined;
  const here = places.flatMap((place, index) => (place.uri.toString() === uri ? [index] : []));
  if (!here.length) return step === 1 ? places[0] : places.at(-1);
  const at = (index: number) => anchor(places[index]!).start.line;
  const found = step === 1 ? here.find((index) => at(index) > line) : here.findLast((index) => anchor(places[index]!).end.line < line);
  if (found !== undefined) return places[found];
  const edge = step === 1 ? here.at(-1)! + 1 : here[0]! - 1;
  return places[(edge + places.length) % places.length];
}

export class Navigate {
  constructor(private readonly review: Review, private readonly sideBySide: SideBySide) {}

  async go(step: 1 | -1): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const place = neighbour(this.review.all(), editor?.document.uri.toString(), editor?.selection.active.line ?? 0, step);
    if (place) await this.show(place);
  }

  /** Puts the cursor on a hunk; a file that is not there yet is shown as its proposal. */
  async show(place: Place): Promise<void> {
    if (place.file.kind === "add") return this.sideBySide.openFile(place.proposal, place.file);
    const { start } = anchor(place);
    const visible = vscode.window.visibleTextEditors.find((editor) => editor.document.uri.toString() === place.uri.toString());
    const editor = await vscode.window.showTextDocument(place.uri, { viewColumn: visible?.viewColumn ?? vscode.ViewColumn.Active });
    editor.selection = new vscode.Selection(start, start);
    editor.revealRange(new vscode.Range(start, anchor(place).end), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }
}
