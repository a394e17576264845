//! The judgement itself: every simple command alone, the strictest answer wins.

use super::allow::only_reads;
use super::confined::only_edits;
use super::forbid::{FORBIDDEN, Seen};
use super::parse::{Line, Redirect, Simple, Word, parse};
use super::places::forbidden_target;
use super::{Decision, Risk, Rules, Verdict};

/// A line within a line (`sh -c`, `eval`) is followed this deep.
const DEPTH: usize = 6;

/// Variables that change nothing but looks and verbosity of a command.
const HARMLESS_VARIABLES: &[&str] = &[
    "RUST_BACKTRACE",
    "RUST_LOG",
    "CI",
    "NO_COLOR",
    "FORCE_COLOR",
    "CARGO_TERM_COLOR",
    "TZ",
    "LANG",
    "NODE_ENV",
    "TERM",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "GOMAXPROCS",
    "RUST_TEST_THREADS",
    "CARGO_INCREMENTAL",
    "COLUMNS",
    "PROPTEST_CASES",
    "INSTA_UPDATE",
    "DEBUG",
    "VERBOSE",
];

/// Options after a known check that make it run something else than the check.
const TURNED_CHECK: &[&str] = &[
    "--config",
    "-Z",
    "--manifest-path",
    "--exec",
    "--runner",
    "--rootdir",
    "--confcutdir",
    "-p",
    "--plugins",
    "--plugin",
    "--toolexec",
    "-toolexec",
    "-exec",
    "--prefix",
    "--cwd",
    "-C",
    "--script-shell",
    "--init-script",
    "-I",
    "--eval",
    "-f",
    "--file",
    "--globalSetup",
    "--require",
];

/// Judges a line of shell.
pub fn judge(command: &str, rules: &Rules) -> Verdict {
    judge_at(command, rules, 0)
}

fn judge_at(command: &str, rules: &Rules, depth: usize) -> Verdict {
    let line = parse(command);
    let mut verdict = Verdict { decision: Decision::Allow, risk: Risk::None, reasons: vec![] };
    for note in &line.notes {
        verdict.raise(Decision::Ask, Risk::Medium, (*note).to_owned());
    }
    if depth > DEPTH {
        verdict.raise(
            Decision::Ask,
            Risk::Medium,
            "commands within commands too deep to be judged".to_owned(),
        );
        return verdict;
    }
    let empty = line
        .commands
        .iter()
        .all(|c| c.words.is_empty() && c.redirects.is_empty() && c.assignments.is_empty());
    if empty && line.notes.is_empty() {
        verdict.raise(Decision::Ask, Risk::None, "there is no command".to_owned());
    }
    for place in 0..line.commands.len() {
        Judge { line: &line, place, rules, depth }.simple(&mut verdict);
    }
    verdict
}

impl Verdict {
    /// Adds a reason; the strictest decision and the greatest risk stay, its reasons in front.
    fn raise(&mut self, decision: Decision, risk: Risk, reason: String) {
        if self.reasons.contains(&reason) {
            self.decision = self.decision.max(decision);
            self.risk = self.risk.max(risk);
            return;
        }
        let stricter = decision > self.decision;
        if stricter {
            self.reasons.insert(0, reason);
        } else if decision == self.decision || decision > Decision::Allow {
            self.reasons.push(reason);
        }
        self.decision = self.decision.max(decision);
        self.risk = self.risk.max(risk);
    }

    fn join(&mut self, other: Verdict) {
        for reason in other.reasons {
            self.raise(other.decision, other.risk, reason);
        }
        self.decision = self.decision.max(other.decision);
        self.risk = self.risk.max(other.risk);
    }
}

struct Judge<'a> {
    line: &'a Line,
    place: usize,
    rules: &'a Rules,
    depth: usize,
}

impl Judge<'_> {
    fn command(&self) -> &Simple {
        &self.line.commands[self.place]
    }

    fn simple(&self, verdict: &mut Verdict) {
        for redirect in &self.command().redirects {
            judge_redirect(redirect, verdict);
        }
        for (name, _) in &self.command().assignments {
            judge_variable(name, verdict);
        }
        if !self.command().words.is_empty() {
            self.words(&self.command().words, verdict);
        }
    }

    /// Judges program and arguments; wrappers (`env`, `timeout`) are judged by what they start.
    fn words(&self, words: &[Word], verdict: &mut Verdict) {
        let Some((program, arguments)) = words.split_first() else { return };
        if program.computed || program.glob && !matches!(program.text.as_str(), "[" | "[[") {
            let text = "the name of the program is computed by the shell".to_owned();
            return verdict.raise(Decision::Ask, Risk::High, text);
        }
        let name = bare_name(&program.text);
        let seen = Seen { program: name, words: arguments, line: self.line, place: self.place };
        for rule in FORBIDDEN.iter().filter(|rule| (rule.matches)(&seen)) {
            verdict.raise(Decision::Forbid, Risk::High, format!("{name}: {}", rule.reason));
        }
        if starts_with(words, &self.rules.forbid) {
            verdict.raise(Decision::Forbid, Risk::High, format!("{name}: forbidden by the configuration"));
        }
        if let Some(inner) = wrapped(name, arguments, verdict) {
            return if inner.is_empty() {
                self.known(words, name, verdict)
            } else {
                self.words(inner, verdict)
            };
        }
        if self.line_inside(name, arguments, verdict) {
            return;
        }
        self.known(words, name, verdict);
    }

    /// Judges by the lists: what the configuration asks for, known checks, what only reads; else ask.
    fn known(&self, words: &[Word], name: &str, verdict: &mut Verdict) {
        if starts_with(words, &self.rules.ask) {
            return verdict.raise(
                Decision::Ask,
                Risk::Medium,
                format!("{name}: to be asked for by the configuration"),
            );
        }
        if starts_with(words, &self.rules.allow) {
            return verdict.raise(
                Decision::Allow,
                Risk::Low,
                format!("{name}: allowed by the configuration"),
            );
        }
        if let Some(length) = prefix(words, &self.rules.checks) {
            match turned(&words[length..]) {
                None => {
                    return verdict.raise(
                        Decision::Allow,
                        Risk::Low,
                        format!("{name}: a check of this project"),
                    );
                }
                Some(why) => return verdict.raise(Decision::Ask, Risk::Medium, format!("{name}: {why}")),
            }
        }
        if words[0].text != name && !is_system_path(&words[0].text) {
            return verdict.raise(
                Decision::Ask,
                Risk::Medium,
                format!("{}: a program of the workspace", words[0].text),
            );
        }
        if only_edits(name, &words[1..]) {
            let text = format!("{name}: changes files of the copy, to be reviewed");
            return verdict.raise(Decision::Allow, Risk::Low, text);
        }
        match only_reads(name, &words[1..]) {
            Some(Ok(())) => match reaches_out(name, &words[1..]) {
                None => verdict.raise(Decision::Allow, Risk::None, format!("{name}: only reads")),
                Some(path) => verdict.raise(
                    Decision::Ask,
                    Risk::Low,
                    format!("{name}: {path} lies outside of the workspace"),
                ),
            },
            Some(Err(why)) => verdict.raise(Decision::Ask, Risk::Medium, why),
            None => verdict.raise(
                Decision::Ask,
                risk_of(name, &words[1..]),
                format!("{name}: not known to be harmless"),
            ),
        }
    }

    /// `sh -c LINE` and `eval LINE`: the line is judged too. True if that was all there is to say.
    fn line_inside(&self, name: &str, arguments: &[Word], verdict: &mut Verdict) -> bool {
        let shell = matches!(name, "sh" | "bash" | "dash" | "zsh" | "ksh");
        let text = if shell {
            let is_c =
                |w: &Word| w.text.starts_with('-') && !w.text.starts_with("--") && w.text.ends_with('c');
            let Some(at) = arguments.iter().position(is_c) else { return false };
            match arguments.get(at + 1) {
                Some(line) => line,
                None => return false,
            }
        } else if name == "eval" {
            let text = arguments.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
            &Word { text, computed: arguments.iter().any(|w| w.computed), ..Word::default() }
        } else {
            return false;
        };
        verdict.join(judge_at(&text.text, self.rules, self.depth + 1));
        if text.computed || name == "eval" {
            verdict.raise(Decision::Ask, Risk::High, format!("{name}: runs a line that the shell computes"));
        }
        true
    }
}

fn bare_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_system_path(program: &str) -> bool {
    let folder = program.rsplit_once('/').map_or("", |(folder, _)| folder);
    matches!(folder, "/bin" | "/usr/bin" | "/usr/local/bin")
}

/// The length of the longest list of first words that `words` begin with.
fn prefix(words: &[Word], lists: &[Vec<String>]) -> Option<usize> {
    let fits = |list: &&Vec<String>| {
        !list.is_empty()
            && list.len() <= words.len()
            && list.iter().zip(words).all(|(text, word)| *text == word.text && !word.computed && !word.glob)
    };
    lists.iter().filter(fits).map(Vec::len).max()
}

fn starts_with(words: &[Word], lists: &[Vec<String>]) -> bool {
    prefix(words, lists).is_some()
}

/// Why the words after a check make it something else.
fn turned(rest: &[Word]) -> Option<String> {
    if rest.iter().any(|w| w.computed) {
        return Some("a check with words that the shell computes".to_owned());
    }
    // What follows a `--` goes to the tests themselves.
    let own = rest.iter().take_while(|w| w.text != "--");
    own.map(|w| w.text.split('=').next().unwrap_or_default())
        .find(|option| TURNED_CHECK.contains(option) || option.starts_with("-Z") || option.starts_with('+'))
        .filter(|option| *option != "-p")
        .map(|option| format!("{option} can make the check run something else"))
}

/// The first word that names a path outside of the workspace. Inside of the sandbox it is empty anyway; without one
/// it may be somebody's.
fn reaches_out(name: &str, arguments: &[Word]) -> Option<String> {
    if matches!(
        name,
        "echo"
            | "printf"
            | "test"
            | "["
            | "which"
            | "type"
            | "seq"
            | "sleep"
            | "date"
            | "tr"
            | "basename"
            | "dirname"
    ) {
        return None;
    }
    let outside = |w: &&Word| {
        let text = w.text.as_str();
        let home = text.starts_with('~') && !w.quoted;
        let up = text.split('/').any(|part| part == "..");
        let absolute = text.starts_with('/') && text != "/dev/null" && !(name == "cut" && text.len() == 1);
        home || up || absolute || text.contains("$HOME") || text.contains("${HOME}")
    };
    // The first operand of these is a pattern, unless an option brought it.
    let by_option = |w: &Word| {
        let text = w.text.as_str();
        text.starts_with("--regexp")
            || text.starts_with("--file")
            || text.starts_with("-e")
            || text.starts_with("-f")
    };
    let pattern_first = matches!(name, "grep" | "egrep" | "fgrep" | "rg" | "sed" | "jq");
    let skipped = usize::from(pattern_first && !arguments.iter().any(by_option));
    let operands = arguments.iter().filter(|w| !w.text.starts_with('-')).skip(skipped);
    operands.into_iter().find(outside).map(|w| w.text.clone())
}

/// What a wrapper starts: none if `name` is no wrapper, an empty slice if it starts nothing.
fn wrapped<'a>(name: &str, arguments: &'a [Word], verdict: &mut Verdict) -> Option<&'a [Word]> {
    let text = |at: usize| arguments.get(at).map(|w| w.text.as_str());
    let is_option = |at: usize| text(at).is_some_and(|t| t.starts_with('-') && t.len() > 1);
    let mut at = 0;
    match name {
        "command" | "builtin" | "exec" | "nohup" | "setsid" => {
            while is_option(at) {
                if name == "command" && matches!(text(at), Some("-v" | "-V")) {
                    return None;
                }
                at += 1;
            }
        }
        "env" => {
            while let Some(word) = arguments.get(at) {
                if let Some((variable, _)) = word.text.split_once('=').filter(|_| !is_option(at)) {
                    judge_variable(variable, verdict);
                } else if is_option(at) {
                    if !matches!(word.text.as_str(), "-i" | "-" | "--ignore-environment") {
                        verdict.raise(Decision::Ask, Risk::Medium, format!("env {}: not known", word.text));
                    }
                } else {
                    break;
                }
                at += 1;
            }
        }
        "nice" | "ionice" | "stdbuf" | "chrt" | "taskset" => {
            while is_option(at) {
                at += if matches!(text(at), Some("-n" | "-c" | "-o" | "-e" | "-i")) { 2 } else { 1 };
            }
        }
        "timeout" => {
            while is_option(at) {
                at += if matches!(text(at), Some("-s" | "-k" | "--signal" | "--kill-after")) { 2 } else { 1 };
            }
            at += 1;
        }
        "xargs" | "parallel" => {
            verdict.raise(Decision::Ask, Risk::Medium, format!("{name}: its words come from what it reads"));
            while is_option(at) {
                at += if matches!(text(at), Some("-n" | "-P" | "-I" | "-d" | "-L" | "-a" | "-s" | "-E")) {
                    2
                } else {
                    1
                };
            }
        }
        "find" => {
            let runs = arguments
                .iter()
                .position(|w| matches!(w.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir"))?;
            verdict.raise(
                Decision::Ask,
                Risk::Medium,
                "find -exec: runs a program on what it finds".to_owned(),
            );
            at = runs + 1;
        }
        "sudo" | "doas" => {
            while is_option(at) {
                at += if matches!(text(at), Some("-u" | "-g" | "-C")) { 2 } else { 1 };
            }
        }
        _ => return None,
    }
    Some(arguments.get(at..).unwrap_or_default())
}

fn judge_variable(name: &str, verdict: &mut Verdict) {
    let harmless = HARMLESS_VARIABLES.contains(&name) || name.starts_with("LC_");
    // A name in small letters is the shell's own; no program looks at it.
    let own = name.chars().all(|c| !c.is_ascii_uppercase());
    if harmless || own {
        return;
    }
    let risk = if name.starts_with("LD_") || name == "PATH" || name.starts_with("GIT_") {
        Risk::High
    } else {
        Risk::Medium
    };
    verdict.raise(Decision::Ask, risk, format!("{name}=…: a variable that can change what a program does"));
}

fn judge_redirect(redirect: &Redirect, verdict: &mut Verdict) {
    let target = redirect.target.text.as_str();
    if let Some(why) = forbidden_target(&redirect.sign, &redirect.target) {
        return verdict.raise(Decision::Forbid, Risk::High, format!("{} {target}: {why}", redirect.sign));
    }
    let copies_descriptor =
        redirect.sign.ends_with('&') && target.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let harmless = matches!(target, "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty");
    if !redirect.sign.contains('>') {
        let outside = target.starts_with(['/', '~', '$']) || target.contains("..");
        if redirect.sign == "<" && outside && !harmless {
            verdict.raise(Decision::Ask, Risk::Low, format!("< {target}: reads outside of the workspace"));
        }
    } else if !copies_descriptor && !harmless {
        verdict.raise(Decision::Ask, Risk::Low, format!("{} {target}: writes a file", redirect.sign));
    }
}

/// How much harm an unknown command may do, for the words in which the person is asked.
fn risk_of(name: &str, arguments: &[Word]) -> Risk {
    let has = |texts: &[&str]| arguments.iter().any(|w| texts.contains(&w.text.as_str()));
    match name {
        "rm" | "shred" | "kill" | "pkill" | "killall" | "ssh" | "scp" | "rsync" | "curl" | "wget" | "nc"
        | "docker" | "podman" | "kubectl" | "terraform" | "aws" | "gcloud" | "crontab" | "at"
        | "systemctl" | "launchctl" => Risk::High,
        "git" if has(&["push", "reset", "clean", "rebase", "filter-branch", "gc"]) => Risk::High,
        "npm" | "pnpm" | "yarn" | "cargo" | "pip" | "gem"
            if has(&["publish", "login", "logout", "owner", "yank"]) =>
        {
            Risk::High
        }
        "mkdir" | "touch" | "cp" | "ln" | "mv" => Risk::Low,
        _ => Risk::Medium,
    }
}
