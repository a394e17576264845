//! The command line. Exit status: 0 done; 1 the work failed; 2 usage or configuration; 3 stopped by budget or policy; 130
//! cancelled.

mod audit;
mod batch;
mod candidates;
mod demo;
mod doctor;
mod edit;
mod eval;
mod find;
mod hunk_view;
mod live;
mod orders;
mod plan;
mod proving;
mod review;
mod reviewing;
mod roll;
mod run;
mod session;
mod task;
mod terminal;
mod turn;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Done.
pub const DONE: i32 = 0;
/// The work failed: checks fail, conflict, nothing found.
pub const FAILED: i32 = 1;
/// Usage or configuration.
pub const USAGE: i32 = 2;
/// Stopped by budget or policy.
pub const STOPPED: i32 = 3;
/// Cancelled by the person.
pub const CANCELLED: i32 = 130;

#[derive(Parser)]
#[command(
    name = "galley",
    version,
    about = "A coding agent that lives in a language server: it proposes, you review, then it is applied.",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The language server on standard input and output (what editors start)
    Lsp {
        /// Accepted for editors that add it; standard input and output are used anyway
        #[arg(long, hide = true)]
        stdio: bool,
    },
    /// The whole job on a bundled project, here in the terminal
    Demo(DemoArgs),
    /// A task without an editor: plan, work, checks, then the proposal
    Run(RunArgs),
    /// Tasks of this workspace: list, show, resume
    #[command(subcommand)]
    Task(TaskCommand),
    /// Review the latest proposal of this workspace in the terminal
    Review(ReviewArgs),
    /// Take applied changes back: a task, a checkpoint, one hunk; later work stays
    Rollback(RollbackArgs),
    /// Build the index once and tell what is in it
    Index(IndexArgs),
    /// Find text, symbols or files
    Search(SearchArgs),
    /// Rank files for a task in words
    Context(ContextArgs),
    /// What a change of a symbol may affect
    Impact(ImpactArgs),
    /// Apply an edit text, or merge three files, with the product's own engine
    #[command(subcommand)]
    Edit(EditCommand),
    /// Many cases from standard input, one JSON request a line
    Batch {
        /// context, impact, edit, merge or policy
        what: String,
    },
    /// What the policy says to a command
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The record: verify its chain, or show a task's part of it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What was spent, by task, model and day
    Cost(CostArgs),
    /// A suite of tasks with what judges them: resolved, tokens, cost, time
    Eval(EvalArgs),
    /// What is found, what is missing, and the command that mends it
    Doctor(RootArgs),
    /// The `galley/*` messages
    #[command(subcommand)]
    Protocol(ProtocolCommand),
}

/// `galley demo`
#[derive(Args)]
pub struct DemoArgs {
    /// Accept all hunks without asking
    #[arg(long)]
    yes: bool,
    /// A model (provider/model) in place of the recorded one
    #[arg(long)]
    model: Option<String>,
    /// Where to put the copy of the project (default: a new temporary folder)
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// `galley run`
#[derive(Args)]
pub struct RunArgs {
    /// What is to be done, in words
    goal: String,
    /// The workspace
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// provider/model
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    bounds: BoundArgs,
    /// Explore and plan first: ask (for approval), auto, or none
    #[arg(long, num_args = 0..=1, default_missing_value = "ask", require_equals = true)]
    plan: Option<String>,
    /// Give the request to so many tasks at once, which share the budget; the best is brought to you, or the one you choose
    #[arg(long, default_value_t = 1)]
    best_of: u32,
    /// Models for these tasks, taken in turn (with commas between)
    #[arg(long, value_delimiter = ',', conflicts_with = "model")]
    models: Vec<String>,
    /// Apply the proposal if its checks pass, without asking
    #[arg(long)]
    apply: bool,
    /// Events as JSON Lines
    #[arg(long)]
    json: bool,
}

/// Where, and how to print.
#[derive(Args)]
pub struct RootArgs {
    /// The workspace
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// JSON Lines
    #[arg(long)]
    json: bool,
}

/// `galley review`
#[derive(Args)]
pub struct ReviewArgs {
    /// The task, or the beginning of its id (default: the latest proposal)
    task: Option<String>,
    /// The workspace
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Accept this hunk, with those that it needs, without asking (may be given several times)
    #[arg(long)]
    accept: Vec<String>,
    /// Reject this hunk without asking (may be given several times)
    #[arg(long)]
    reject: Vec<String>,
    /// Accept all that is pending, without asking
    #[arg(long)]
    accept_all: bool,
    /// Reject all that is pending and not accepted, without asking
    #[arg(long)]
    reject_all: bool,
    /// JSON Lines: the hunks, or what was done
    #[arg(long)]
    json: bool,
}

impl ReviewArgs {
    /// Whether the decisions are given with the command.
    fn decides(&self) -> bool {
        self.accept_all || self.reject_all || !self.accept.is_empty() || !self.reject.is_empty()
    }
}

/// Limits of a task.
#[derive(Args)]
pub struct LimitArgs {
    /// Limit in US dollars
    #[arg(long)]
    max_usd: Option<f64>,
    /// Limit on rounds
    #[arg(long)]
    max_steps: Option<u32>,
    /// Limit on input and output tokens together
    #[arg(long)]
    max_tokens: Option<u64>,
    /// Limit on seconds that it runs
    #[arg(long)]
    max_seconds: Option<u64>,
}

impl LimitArgs {
    /// The limits that are given.
    fn budget(&self) -> galley_agent::Budget {
        galley_agent::Budget {
            usd: self.max_usd,
            tokens: self.max_tokens,
            steps: self.max_steps,
            seconds: self.max_seconds,
        }
    }
}

/// What binds a task's changes.
#[derive(Args)]
pub struct BoundArgs {
    /// Only these paths may be changed (may be given several times)
    #[arg(long)]
    scope: Vec<String>,
    /// Only inside these symbols may be changed (may be given several times)
    #[arg(long)]
    scope_symbol: Vec<String>,
    /// At most so many lines may be added and removed
    #[arg(long)]
    max_lines: Option<u32>,
    /// Ask before changing tests, api, ci, locks, generated or rules (may be given several times)
    #[arg(long)]
    protect: Vec<String>,
}

/// `galley task`
#[derive(Subcommand)]
pub enum TaskCommand {
    /// The tasks of this workspace, latest last
    List(RootArgs),
    /// One task: plan, steps, evidence, proposal
    Show {
        /// Its id, or the beginning of it
        task: String,
        /// JSON
        #[arg(long)]
        json: bool,
    },
    /// A recording of a task, without secrets: play it with --model replay/FILE
    Export {
        /// Its id, or the beginning of it
        task: String,
        /// The file to write (default: standard output)
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Leave a message for a running task, wherever it runs
    Steer {
        /// Its id, or the beginning of it
        task: String,
        /// The message
        message: String,
    },
    /// The messages that wait, with their ids; new words for one, or taking it back
    Queue {
        /// The task's id, or the beginning of it
        task: String,
        /// The message to change
        message: Option<String>,
        /// Its new text
        text: Option<String>,
        /// Take it back
        #[arg(long, conflicts_with = "text", requires = "message")]
        remove: bool,
        /// JSON Lines
        #[arg(long)]
        json: bool,
    },
    /// Other limits, another scope or another model for a running task, wherever it runs
    Change {
        /// Its id, or the beginning of it
        task: String,
        #[command(flatten)]
        limits: LimitArgs,
        #[command(flatten)]
        bounds: BoundArgs,
        /// provider/model, from the next turn on
        #[arg(long)]
        model: Option<String>,
    },
    /// Hold a running task at its next safe point, wherever it runs
    Pause {
        /// Its id, or the beginning of it
        task: String,
    },
    /// Stop a running task, wherever it runs; what it has is kept as a partial proposal
    Cancel {
        /// Its id, or the beginning of it
        task: String,
    },
    /// The plan of a task, as a text that can be edited
    Plan {
        /// Its id, or the beginning of it
        task: String,
        /// Edit it in $EDITOR and send what is saved to the task
        #[arg(long)]
        edit: bool,
        /// Send this file's plan to the task (`-`: standard input)
        #[arg(long, conflicts_with = "edit")]
        set: Option<PathBuf>,
        /// Let a task that waits for its plan's approval begin
        #[arg(long)]
        approve: bool,
    },
    /// What each task of a --best-of run came to, best first
    Candidates {
        /// One of them, or the beginning of its id (default: the latest run)
        task: Option<String>,
        #[command(flatten)]
        place: RootArgs,
    },
    /// Take one candidate of a --best-of run; the others are closed
    Choose {
        /// Its id, or the beginning of it
        task: String,
        /// The workspace
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Take hunks of another candidate into the proposal of this one, if they apply, and check it anew
    Take {
        /// The candidate's id, or the beginning of it
        task: String,
        /// The hunks
        #[arg(required = true)]
        hunks: Vec<String>,
        /// The workspace
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// A new task that shares the beginning of another and goes on with other words
    Fork {
        /// The other task's id, or the beginning of it
        task: String,
        /// Its last round that is shared, from 1; 0 for none
        #[arg(long)]
        step: u32,
        /// The words
        message: String,
        /// The workspace
        #[arg(long, default_value = ".")]
        root: PathBuf,
        /// provider/model
        #[arg(long)]
        model: Option<String>,
        /// Apply the proposal if its checks pass, without asking
        #[arg(long)]
        apply: bool,
        /// Events as JSON Lines
        #[arg(long)]
        json: bool,
    },
    /// Go on with an interrupted task (default: the latest), or with a paused one, wherever it runs
    Resume {
        /// Its id, or the beginning of it
        task: Option<String>,
        /// The workspace
        #[arg(long, default_value = ".")]
        root: PathBuf,
        /// provider/model
        #[arg(long)]
        model: Option<String>,
        /// Apply the proposal if its checks pass, without asking
        #[arg(long)]
        apply: bool,
        /// Events as JSON Lines
        #[arg(long)]
        json: bool,
    },
}

/// `galley rollback`
#[derive(Args)]
pub struct RollbackArgs {
    /// A task, of which everything is taken back (default: the latest checkpoint of any)
    task: Option<String>,
    /// Only this checkpoint
    #[arg(long, conflicts_with_all = ["task", "since"])]
    checkpoint: Option<String>,
    /// Return to the state before this checkpoint: it and all since, of any task
    #[arg(long, conflicts_with = "task")]
    since: Option<String>,
    /// Only this hunk of what was accepted (may be given several times)
    #[arg(long, conflicts_with_all = ["checkpoint", "since"])]
    hunk: Vec<String>,
    /// Tell what can be taken back, latest last
    #[arg(long)]
    list: bool,
    /// The workspace
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// JSON
    #[arg(long)]
    json: bool,
}

/// Where to look.
#[derive(Args)]
pub struct FindRoot {
    /// The workspace
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// JSON
    #[arg(long)]
    json: bool,
}

/// `galley index`
#[derive(Args)]
pub struct IndexArgs {
    /// Remove what is kept of this workspace's index, and build nothing
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    place: FindRoot,
}

/// `galley search`
#[derive(Args)]
pub struct SearchArgs {
    /// What to find
    query: String,
    /// text, symbol or file
    #[arg(long, default_value = "text")]
    kind: String,
    /// At most so many answers
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// The query is a regular expression (text only)
    #[arg(long)]
    regex: bool,
    #[command(flatten)]
    place: FindRoot,
}

/// `galley context`
#[derive(Args)]
pub struct ContextArgs {
    /// The task in words
    query: String,
    /// At most so many files
    #[arg(long, default_value_t = 10)]
    limit: usize,
    #[command(flatten)]
    place: FindRoot,
}

/// `galley impact`
#[derive(Args)]
pub struct ImpactArgs {
    /// The symbol
    #[arg(long)]
    symbol: String,
    /// The file that defines it
    #[arg(long)]
    file: Option<String>,
    /// At most so many places
    #[arg(long, default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    place: FindRoot,
}

/// `galley edit`
#[derive(Subcommand)]
pub enum EditCommand {
    /// Apply an edit text from standard input
    Apply {
        /// The folder
        #[arg(long, default_value = ".")]
        root: PathBuf,
        /// search-replace, apply-patch or unified
        #[arg(long)]
        format: String,
        /// Tell, but write nothing
        #[arg(long)]
        dry_run: bool,
        /// JSON
        #[arg(long)]
        json: bool,
    },
    /// Three-way merge; a conflict is exit status 1
    Merge {
        /// JSON
        #[arg(long)]
        json: bool,
        /// The common ancestor
        base: PathBuf,
        /// One side
        ours: PathBuf,
        /// The other
        theirs: PathBuf,
    },
}

/// `galley policy`
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Judge a command
    Explain {
        /// JSON
        #[arg(long)]
        json: bool,
        /// The command, after --
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

/// `galley audit`
#[derive(Subcommand)]
pub enum AuditCommand {
    /// Check the hash chain
    Verify {
        /// JSON
        #[arg(long)]
        json: bool,
    },
    /// Every event of a task
    Show {
        /// Its id, or the beginning of it
        task: String,
    },
}

/// `galley cost`
#[derive(Args)]
pub struct CostArgs {
    /// Only the last so many days
    #[arg(long)]
    days: Option<u32>,
    /// By task and phase: planning, exploring, editing, and what was asked beside
    #[arg(long)]
    phases: bool,
    /// JSON Lines
    #[arg(long)]
    json: bool,
}

/// `galley eval`
#[derive(Args)]
pub struct EvalArgs {
    /// The suite: a TOML or JSON file
    suite: Option<PathBuf>,
    /// How many cases run at a time
    #[arg(short, long, default_value_t = 1)]
    jobs: usize,
    /// provider/model (may be given several times: each does every case)
    #[arg(long)]
    model: Vec<String>,
    /// Limit of each case in US dollars
    #[arg(long)]
    max_usd: Option<f64>,
    /// Limit of each case on rounds
    #[arg(long)]
    max_steps: Option<u32>,
    /// No case is begun once so many US dollars are spent
    #[arg(long)]
    max_total_usd: Option<f64>,
    /// Where results are kept, one JSON object a line; cases that are in it are not run again (default: beside the suite)
    #[arg(long)]
    results: Option<PathBuf>,
    /// A shell command that is given each case on its standard input and prints its result: `ssh host galley eval --case`
    #[arg(long)]
    runner: Option<String>,
    /// Keep the projects of the cases in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Run the one case on standard input and print its result
    #[arg(long, conflicts_with = "suite")]
    case: bool,
    /// Results as JSON Lines
    #[arg(long)]
    json: bool,
}

/// `galley protocol`
#[derive(Subcommand)]
pub enum ProtocolCommand {
    /// Their JSON schema
    Schema,
}

/// Runs the command line of this process and returns its exit status.
pub fn run() -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let status = if error.use_stderr() { USAGE } else { DONE };
            // A closed pipe is no reason to complain.
            let _ = error.print();
            return status;
        }
    };
    match cli.command.unwrap_or(Command::Lsp { stdio: true }) {
        Command::Lsp { .. } => crate::lsp::serve_stdio(),
        Command::Demo(args) => demo::demo(&args),
        Command::Run(args) => run::run(&args),
        Command::Task(command) => task::task(&command),
        Command::Review(args) => reviewing::command(&args),
        Command::Rollback(args) => roll::rollback(&args),
        Command::Index(args) => find::index(&args),
        Command::Search(args) => find::search(&args),
        Command::Context(args) => find::context(&args),
        Command::Impact(args) => find::impact(&args),
        Command::Edit(command) => edit::edit(&command),
        Command::Batch { what } => batch::batch(&what),
        Command::Policy(PolicyCommand::Explain { json, command }) => edit::explain(json, &command),
        Command::Audit(command) => audit::audit(&command),
        Command::Cost(args) => audit::cost(&args),
        Command::Eval(args) => eval::eval(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Protocol(ProtocolCommand::Schema) => {
            terminal::print(&format!("{:#}\n", crate::protocol::schema()));
            DONE
        }
    }
}

/// Tells the person what went wrong, and returns the exit status.
fn fail(status: i32, message: &str) -> i32 {
    eprintln!("galley: {message}");
    status
}
