// Every command of the client, by id. The server's own commands are registered by the language client; those here are
// `galley.ui.*`, and `galley.ask`, which code actions of the server call when they need a sentence.
import * as vscode from "vscode";
import type { Approvals } from "./approval";
import type { Decide } from "./decide";
import { menu, model } from "./menu";
import type { Navigate } from "./navigate";
import type { Plans } from "./plan";
import type { Proposal } from "./protocol";
import type { Place, Review } from "./review";
import type { SideBySide } from "./sidebyside";
import type { Question, Steering } from "./steering";
import type { StatusBar } from "./status";

export interface Parts {
  review: Review;
  decide: Decide;
  navigate: Navigate;
  sideBySide: SideBySide;
  steering: Steering;
  plans: Plans;
  approvals: Approvals;
  status: StatusBar;
  log: vscode.LogOutputChannel;
  restart(): Promise<void>;
}

type Handler = (argument: unknown) => unknown;

export function commands(parts: Parts): Record<string, Handler> {
  const { review, decide, navigate, sideBySide, steering } = parts;
  const withHunk = (act: (place: Place) => unknown): Handler => (argument) => {
    const place = decide.pick(argument);
    return place && act(place);
  };
  const file = () => {
    const active = vscode.window.activeTextEditor?.document.uri;
    return active && (sideBySide.fileOf(active) ?? active);
  };
  const pendingHere = () => {
    const uri = file();
    return uri && review.in(uri).length ? { uri: uri.toString() } : undefined;
  };
  const inEach = async (act: (proposal: Proposal) => Promise<unknown>) => {
    for (const proposal of review.open()) await act(proposal);
  };
  return {
    "galley.ui.start": () => steering.start(),
    "galley.ask": (question) => steering.ask((question ?? {}) as Question),
    "galley.ui.menu": () => menu(parts.status, review),
    "galley.ui.model": () => model(),
    "galley.ui.restart": () => parts.restart(),
    "galley.ui.log": () => parts.log.show(true),
    "galley.ui.approvals": () => parts.approvals.pick(),

    "galley.ui.hunk.next": () => navigate.go(1),
    "galley.ui.hunk.previous": () => navigate.go(-1),
    "galley.ui.hunk.accept": withHunk((place) => decide.accept(place)),
    "galley.ui.hunk.acceptWithPrerequisites": withHunk((place) => decide.accept(place, true)),
    "galley.ui.hunk.reject": withHunk((place) => decide.reject({ hunks: [place.hunk.hunk] })),
    "galley.ui.hunk.edit": withHunk((place) => decide.edit(place)),
    "galley.ui.hunk.comment": withHunk((place) => decide.comment(place)),
    "galley.ui.hunk.mark": withHunk((place) => decide.mark(place)),
    "galley.ui.hunk.split": withHunk((place) => decide.split(place)),
    "galley.ui.undo": () => decide.undo(),
    "galley.ui.hunk.why": withHunk((place) => decide.why(place)),

    "galley.ui.file.accept": () => {
      const here = pendingHere();
      return here && decide.acceptSet(here);
    },
    "galley.ui.file.reject": () => {
      const here = pendingHere();
      return here && decide.reject(here);
    },
    "galley.ui.file.open": (argument) => {
      const place = (isNamed(argument) ? decide.pick(argument) : undefined) ?? (file() && review.in(file()!)[0]);
      return place && sideBySide.openFile(place.proposal, place.file);
    },
    "galley.ui.all.accept": () => inEach((proposal) => decide.acceptSet({ proposal: proposal.proposal })),
    "galley.ui.all.reject": () => inEach((proposal) => decide.reject({ proposal: proposal.proposal })),
    "galley.ui.all.open": () => inEach((proposal) => sideBySide.openAll(proposal)),

    "galley.ui.task.stop": (node) => steering.stop(node),
    "galley.ui.task.pause": (node) => steering.pause(node),
    "galley.ui.task.resume": (node) => steering.resume(node),
    "galley.ui.plan.edit": (node) => parts.plans.edit(node),
    "galley.ui.plan.approve": (node) => parts.plans.approve(node),
    "galley.ui.task.steer": (node) => steering.steer(node),
    "galley.ui.task.rollback": (node) => steering.rollback(node),
    "galley.ui.task.open": (node) => inEach(async (proposal) => {
      if (!isTask(node) || proposal.task === node.task) await sideBySide.openAll(proposal);
    }),
  };
}

const isNamed = (argument: unknown) => argument !== null && typeof argument === "object" && "hunk" in argument;
const isTask = (node: unknown): node is { task: string } => node !== null && typeof node === "object" && "task" in node;

/** Registers what no one else has registered: a server may bring `galley.ask` itself. */
export function register(table: Record<string, Handler>, taken: readonly string[]): vscode.Disposable {
  const ids = Object.keys(table).filter((id) => !taken.includes(id));
  return vscode.Disposable.from(...ids.map((id) => vscode.commands.registerCommand(id, table[id]!)));
}
