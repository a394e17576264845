//! Programs that only read, with the options that make them do more.
//!
//! One table: a row is a program and what of it is refused. An option is refused by any of its abbreviations, since
//! GNU programs take those.

use super::parse::Word;

/// A program that may run unasked, as long as its words pass.
pub(super) struct Reader {
    pub name: &'static str,
    /// Single letters after one dash that make it do more, alone or in a cluster.
    letters: &'static str,
    /// Long options (with their dashes) that make it do more.
    options: &'static [&'static str],
    /// Most operands that it may have; more would be written to.
    operands: Option<usize>,
    /// Whether words that the shell computes are harmless for it: it has no option that does harm.
    computed: bool,
}

const fn plain(name: &'static str) -> Reader {
    Reader { name, letters: "", options: &[], operands: None, computed: true }
}

const fn except(name: &'static str, letters: &'static str, options: &'static [&'static str]) -> Reader {
    Reader { name, letters, options, operands: None, computed: false }
}

const READERS: &[Reader] = &[
    plain("ls"),
    plain("cat"),
    plain("head"),
    plain("tail"),
    plain("wc"),
    plain("pwd"),
    plain("echo"),
    plain("printf"),
    plain("true"),
    plain("false"),
    plain(":"),
    plain("test"),
    plain("["),
    plain("which"),
    plain("type"),
    // As a wrapper it is judged by what it starts; here it is `command -v`.
    plain("command"),
    plain("stat"),
    plain("cut"),
    plain("tr"),
    plain("nl"),
    plain("rev"),
    plain("tac"),
    plain("fold"),
    plain("paste"),
    plain("column"),
    plain("comm"),
    plain("cmp"),
    plain("seq"),
    plain("sleep"),
    plain("basename"),
    plain("dirname"),
    plain("realpath"),
    plain("readlink"),
    plain("md5sum"),
    plain("sha1sum"),
    plain("sha256sum"),
    plain("cksum"),
    plain("du"),
    plain("df"),
    plain("uname"),
    plain("nproc"),
    plain("id"),
    plain("whoami"),
    plain("cd"),
    plain("exit"),
    plain("grep"),
    plain("egrep"),
    plain("fgrep"),
    except("jq", "", &["--from-file", "--library-path"]),
    except("diff", "", &["--output"]),
    except("date", "s", &["--set"]),
    except("file", "C", &["--compile"]),
    except("tree", "oR", &["--output"]),
    except("sort", "oT", &["--output", "--compress-program", "--temporary-directory", "--files0-from"]),
    Reader { name: "uniq", letters: "", options: &[], operands: Some(1), computed: false },
    except("rg", "z", &["--pre", "--hostname-bin", "--search-zip"]),
    except("fd", "xX", &["--exec", "--exec-batch"]),
    except(
        "find",
        "",
        &[
            "-exec",
            "-execdir",
            "-ok",
            "-okdir",
            "-delete",
            "-fprint",
            "-fprint0",
            "-fprintf",
            "-fls",
            "-files0-from",
        ],
    ),
];

/// What of git only reads: sub-command and the letters and options that make it do more.
const GIT: &[Reader] = &[
    except("status", "", &[]),
    except("diff", "", &["--output", "--ext-diff", "--textconv"]),
    except("log", "", &["--output", "--ext-diff", "--textconv"]),
    except("show", "", &["--output", "--ext-diff", "--textconv"]),
    except("blame", "", &["--textconv", "--contents"]),
    except("ls-files", "", &[]),
    except("ls-tree", "", &[]),
    except("rev-parse", "", &["--parseopt", "--sq-quote"]),
    except("rev-list", "", &[]),
    except("merge-base", "", &[]),
    except("describe", "", &[]),
    except("cat-file", "", &["--textconv", "--filters"]),
    except("shortlog", "", &[]),
    except("grep", "O", &["--open-files-in-pager", "--textconv", "--ext-grep"]),
    Reader {
        name: "branch",
        letters: "dDmMcCfut",
        options: &[
            "--delete",
            "--move",
            "--copy",
            "--force",
            "--set-upstream-to",
            "--unset-upstream",
            "--edit-description",
            "--track",
        ],
        operands: Some(0),
        computed: false,
    },
    Reader {
        name: "tag",
        letters: "adsufFmem",
        options: &[
            "--delete",
            "--sign",
            "--annotate",
            "--force",
            "--message",
            "--file",
            "--edit",
            "--local-user",
        ],
        operands: Some(0),
        computed: false,
    },
    Reader { name: "remote", letters: "", options: &[], operands: Some(0), computed: false },
];

/// Whether `words` only read. The error says why not, for a program of the table; none for one that is not in it.
pub(super) fn only_reads(program: &str, words: &[Word]) -> Option<Result<(), String>> {
    match program {
        "git" => Some(git(words)),
        "sed" => Some(sed(words)),
        _ => READERS.iter().find(|r| r.name == program).map(|reader| reader.judge(program, words)),
    }
}

impl Reader {
    fn judge(&self, program: &str, words: &[Word]) -> Result<(), String> {
        let mut operands = 0;
        for word in words {
            if word.computed && !self.computed {
                return Err(format!(
                    "{program} has a word that the shell computes, which could be an option"
                ));
            }
            if word.glob && !self.computed && word.text.starts_with(['*', '?', '[', '-']) {
                return Err(format!("{program} has a pattern that could match an option"));
            }
            let text = word.text.as_str();
            let name = text.split('=').next().unwrap_or(text);
            if text.len() > 1 && text.starts_with('-') {
                if let Some(option) = self.options.iter().find(|option| abbreviates(name, option)) {
                    return Err(format!("{program} {option} does more than read"));
                }
                let cluster = !text.starts_with("--");
                if let Some(letter) = text.chars().find(|c| cluster && self.letters.contains(*c)) {
                    return Err(format!("{program} -{letter} does more than read"));
                }
            } else {
                operands += 1;
            }
        }
        match self.operands {
            Some(most) if operands > most => Err(format!("{program} with more than {most} operands writes")),
            _ => Ok(()),
        }
    }
}

/// Whether `given` may stand for `option`.
fn abbreviates(given: &str, option: &str) -> bool {
    given == option || (given.len() > 2 && option.starts_with("--") && option.starts_with(given))
}

fn git(words: &[Word]) -> Result<(), String> {
    let mut rest = words;
    loop {
        match rest.first().map(|w| w.text.as_str()) {
            Some("--no-pager" | "--no-optional-locks" | "--literal-pathspecs") => rest = &rest[1..],
            Some("-C") if rest.len() > 1 && !rest[1].computed => rest = &rest[2..],
            Some(option) if option.starts_with('-') => {
                return Err(format!("git {option} can make git start programs or look elsewhere"));
            }
            _ => break,
        }
    }
    let Some((command, words)) = rest.split_first() else { return Ok(()) };
    match GIT.iter().find(|row| row.name == command.text && !command.computed) {
        Some(row) => row.judge(&format!("git {}", row.name), words),
        None => Err(format!("git {} is not among those that only read", command.text)),
    }
}

/// `sed` without `-i` and with a script that only prints, deletes from the output or replaces in it.
fn sed(words: &[Word]) -> Result<(), String> {
    let mut script = None;
    let mut script_follows = false;
    for word in words {
        let text = word.text.as_str();
        if word.computed {
            return Err("sed has a word that the shell computes".to_owned());
        }
        match text {
            _ if std::mem::take(&mut script_follows) => sed_script(text)?,
            "-n" | "--quiet" | "--silent" | "-E" | "-r" | "-u" | "-z" | "-s" | "-nE" | "-En" | "-nr"
            | "--" => {}
            "-e" | "--expression" | "-ne" | "-Ee" | "-nEe" => {
                script_follows = true;
                script = Some(());
            }
            _ if text.starts_with('-') && text.len() > 1 => {
                return Err(format!("sed {text} may write files or run programs"));
            }
            _ if script.is_none() => {
                sed_script(text)?;
                script = Some(());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Accepts a small language that is surely harmless: `[address[,address]][!]command` with p, d, q, = or s///.
fn sed_script(script: &str) -> Result<(), String> {
    let refused = || format!("the sed script {script:?} may write files or run programs");
    let mut rest = script.trim();
    while !rest.is_empty() {
        rest = sed_addresses(rest).ok_or_else(refused)?;
        let mut characters = rest.chars();
        rest = match characters.next() {
            Some('p' | 'd' | 'q' | '=') => characters.as_str(),
            Some('s') => sed_replace(characters.as_str()).ok_or_else(refused)?,
            _ => return Err(refused()),
        };
        rest = rest.trim_start_matches(' ');
        rest = match rest.chars().next() {
            None => rest,
            Some(';' | '\n') => rest[1..].trim_start(),
            Some(_) => return Err(refused()),
        };
    }
    Ok(())
}

fn sed_addresses(mut rest: &str) -> Option<&str> {
    for _ in 0..2 {
        rest = match rest.chars().next()? {
            '$' => &rest[1..],
            '0'..='9' | '+' => rest[1..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '~'),
            '/' => sed_field(&rest[1..], '/')?,
            _ => rest,
        };
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    Some(rest.trim_start_matches([' ', '!']))
}

fn sed_replace(rest: &str) -> Option<&str> {
    let sign = rest.chars().next().filter(char::is_ascii_punctuation).filter(|&c| c != '\\')?;
    let rest = sed_field(sed_field(&rest[1..], sign)?, sign)?;
    // `e` runs the result, `w` writes it; the other flags only choose.
    Some(rest.trim_start_matches(|c: char| matches!(c, 'g' | 'p' | 'i' | 'I') || c.is_ascii_digit()))
}

/// What follows the next `sign` that no backslash stands before.
fn sed_field(text: &str, sign: char) -> Option<&str> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == sign => return Some(&text[at + c.len_utf8()..]),
            _ => {}
        }
    }
    None
}
