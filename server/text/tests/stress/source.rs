//! Made-up source files with what makes real ones hard: repetition, copies that differ in a word, blank lines,
//! brackets alone on a line, and several ways to indent.

use crate::dice::Dice;

/// A file as lines without endings.
#[derive(Debug, Clone)]
pub struct Source {
    pub lines: Vec<String>,
    /// What one step of indentation is.
    pub step: &'static str,
}

const SYLLABLES: [&str; 16] =
    ["ba", "ko", "ri", "ten", "mu", "sal", "ve", "do", "lin", "gar", "pe", "zu", "fo", "nel", "ti", "wa"];

fn word(dice: &mut Dice) -> String {
    (0..dice.between(2, 4)).map(|_| *dice.pick(&SYLLABLES)).collect()
}

struct Writer<'d> {
    dice: &'d mut Dice,
    words: Vec<String>,
    step: &'static str,
    braces: bool,
    lines: Vec<String>,
}

/// A file of some functions, a few of them copies of others.
pub fn source(dice: &mut Dice) -> Source {
    let step = *dice.pick(&["    ", "    ", "  ", "\t"]);
    let words = (0..dice.between(12, 40)).map(|_| word(dice)).collect();
    let braces = dice.roll(3) > 0;
    let mut writer = Writer { dice, words, step, braces, lines: Vec::new() };
    writer.head();
    let mut functions: Vec<Vec<String>> = Vec::new();
    for _ in 0..writer.dice.between(3, 9) {
        let lines = match writer.dice.roll(5) {
            0 if !functions.is_empty() => {
                let copied = writer.dice.pick(&functions).clone();
                writer.altered(copied)
            }
            _ => writer.function(),
        };
        functions.push(lines.clone());
        writer.lines.extend(lines);
        writer.lines.push(String::new());
    }
    if writer.dice.once_in(2) {
        writer.lines.pop();
    }
    Source { lines: writer.lines, step }
}

impl Writer<'_> {
    fn name(&mut self) -> String {
        self.dice.pick(&self.words).clone()
    }

    fn head(&mut self) {
        for _ in 0..self.dice.between(1, 5) {
            let (a, b) = (self.name(), self.name());
            let line = if self.braces { format!("use {a}::{b};") } else { format!("from {a} import {b}") };
            self.lines.push(line);
        }
        self.lines.push(String::new());
    }

    fn function(&mut self) -> Vec<String> {
        let (name, a, b) = (self.name(), self.name(), self.name());
        let mut lines = Vec::new();
        if self.dice.once_in(2) {
            let sign = if self.braces { "//" } else { "#" };
            let (c, d) = (self.name(), self.name());
            lines.push(format!("{sign} {c} the \"{d}\" of {name}, if it's there - or not."));
        }
        lines.push(match self.braces {
            true => format!("fn {name}({a}: u32, {b}: &str) -> bool {{"),
            false => format!("def {name}({a}, {b}=None):"),
        });
        self.body(1, &mut lines);
        if self.braces {
            lines.push("}".to_owned());
        }
        lines
    }

    fn body(&mut self, depth: usize, lines: &mut Vec<String>) {
        let indent = self.step.repeat(depth);
        for _ in 0..self.dice.between(2, 6) {
            let (a, b, c) = (self.name(), self.name(), self.name());
            let n = self.dice.roll(20);
            let end = if self.braces { ";" } else { "" };
            match self.dice.roll(12) {
                0..=2 => lines.push(format!("{indent}{a} = {b}({c}, {n}){end}")),
                3 => lines.push(format!("{indent}{a}.{b}(\"{c} {n}\", '{b}'){end}")),
                4 => lines.push(format!("{indent}{a}[{n}] += {b} - {c}{end}")),
                5 => lines.push(format!("{indent}return {a} < {b} && {c} > {n}{end}")),
                6 => lines.push(format!("{indent}log.info(\"start\"){end}")),
                7 => lines.push(String::new()),
                8 => lines.push(format!("{indent}{a} = {{ \"{b}\": {n}, \"{c}\": \"<{b}>\" }}{end}")),
                9 if depth < 3 => {
                    let head =
                        if self.braces { format!("if {a} > {n} {{") } else { format!("if {a} > {n}:") };
                    lines.push(indent.clone() + &head);
                    self.body(depth + 1, lines);
                    if self.braces {
                        lines.push(indent.clone() + "}");
                    }
                }
                10 => lines.push(format!("{indent}{a}(){end}")),
                _ => lines.push(format!("{indent}let {a}_{n} = {b}.{c}(\\\"{n}\\\"){end}")),
            }
        }
    }

    /// A copy with one word changed, or none.
    fn altered(&mut self, mut lines: Vec<String>) -> Vec<String> {
        for _ in 0..self.dice.roll(3) {
            let at = self.dice.roll(lines.len());
            let (from, to) = (self.name(), self.name());
            lines[at] = lines[at].replace(&from, &to);
        }
        lines
    }
}

/// What an edit does to one run of lines.
#[derive(Debug, Clone)]
pub struct Change {
    /// Lines of the file, half-open.
    pub at: std::ops::Range<usize>,
    pub new: Vec<String>,
}

/// Changes in order, at least `gap` lines apart.
pub fn changes(dice: &mut Dice, source: &Source, count: usize, gap: usize) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    let mut tries = 0;
    while out.len() < count && tries < 50 {
        tries += 1;
        let change = change(dice, source);
        let apart =
            |other: &Change| change.at.end + gap <= other.at.start || other.at.end + gap <= change.at.start;
        if out.iter().all(apart) {
            out.push(change);
        }
    }
    out.sort_by_key(|change| change.at.start);
    out
}

fn change(dice: &mut Dice, source: &Source) -> Change {
    let len = source.lines.len();
    let start = dice.roll(len);
    let count = dice.between(1, 3).min(len - start);
    let old = &source.lines[start..start + count];
    let indent: String =
        old.first().map(|line| line.chars().take_while(|c| c.is_whitespace()).collect()).unwrap_or_default();
    let fresh = |dice: &mut Dice| {
        let (a, b) = (word(dice), word(dice));
        let n = dice.roll(90) + 10;
        match dice.roll(3) {
            0 => format!("{indent}{a}_new = {b}({n});"),
            1 => format!("{indent}new_{a}.call(\"{b}\", {n})"),
            _ => format!("{indent}assert {a} != 'x{b}'"),
        }
    };
    let new = match dice.roll(7) {
        0 => Vec::new(),
        1 => (0..dice.between(1, 3)).map(|_| fresh(dice)).collect(),
        2 | 3 => {
            let new: Vec<String> = (0..dice.between(1, 3)).map(|_| fresh(dice)).collect();
            return Change { at: start..start, new };
        }
        4 => {
            let head = fresh(dice);
            let deeper = fresh(dice);
            vec![head + " {", format!("{}{deeper}", source.step), indent.clone() + "}"]
        }
        _ => old.iter().map(|line| reworded(dice, line)).collect(),
    };
    if new == old { change(dice, source) } else { Change { at: start..start + count, new } }
}

fn reworded(dice: &mut Dice, line: &str) -> String {
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3).collect();
    if words.is_empty() {
        return line.to_owned();
    }
    let from = *dice.pick(&words);
    line.replacen(from, &format!("{}{}", word(dice), word(dice)), 1)
}

/// The file after the changes.
pub fn changed(source: &[String], changes: &[Change]) -> Vec<String> {
    let mut out = Vec::new();
    let mut done = 0;
    for change in changes {
        out.extend_from_slice(&source[done..change.at.start]);
        out.extend(change.new.iter().cloned());
        done = change.at.end;
    }
    out.extend_from_slice(&source[done..]);
    out
}

/// Lines at which all of `wanted` stands in `lines`.
pub fn places(lines: &[String], wanted: &[String]) -> Vec<usize> {
    if wanted.is_empty() || wanted.len() > lines.len() {
        return Vec::new();
    }
    let windows = lines.windows(wanted.len()).enumerate();
    windows.filter(|(_, window)| *window == wanted).map(|(at, _)| at).collect()
}
