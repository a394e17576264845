//! Judgements held to their examples, and properties over lines that nobody thought of.

use proptest::prelude::*;

use super::forbid::FORBIDDEN;
use super::{Decision, Rules, judge};

fn rules() -> Rules {
    let list = |lines: &[&str]| lines.iter().map(|l| l.split(' ').map(String::from).collect()).collect();
    Rules {
        checks: list(&["cargo test", "cargo check", "npm test", "pytest"]),
        allow: list(&["make docs"]),
        ask: list(&["cargo test --slow"]),
        forbid: list(&["npm publish"]),
    }
}

fn decision(line: &str) -> Decision {
    judge(line, &rules()).decision
}

#[test]
fn every_row_of_the_table_keeps_its_examples() {
    for rule in FORBIDDEN {
        for line in rule.must {
            let verdict = judge(line, &rules());
            assert_eq!(verdict.decision, Decision::Forbid, "{}: {line:?}: {verdict:?}", rule.name);
            let named = verdict.reasons.iter().any(|reason| reason.contains(rule.reason));
            assert!(named, "{}: {line:?} is forbidden for another reason: {verdict:?}", rule.name);
        }
        for line in rule.must_not {
            let verdict = judge(line, &rules());
            assert_ne!(verdict.decision, Decision::Forbid, "{}: {line:?}: {verdict:?}", rule.name);
        }
    }
}

#[test]
fn what_only_reads_and_known_checks_are_allowed() {
    for line in [
        "ls -la src",
        "cat Cargo.toml | head -20",
        "grep -rn 'a|b' src && wc -l src/*.rs",
        "rg -n foo src 2>/dev/null",
        "find . -name '*.rs' -type f | sort | uniq -c",
        "git status --short",
        "git --no-pager log --oneline -5",
        "git diff HEAD~1 -- src/lib.rs",
        "git branch -a",
        "sed -n '10,20p' src/lib.rs",
        "sed -n '/fn main/,/^}/p' src/main.rs",
        "sed 's/a/b/g' x | head",
        "cargo test",
        "cargo test -p galley -- --nocapture 2>&1 | tail -50",
        "RUST_BACKTRACE=1 cargo test name",
        "timeout 60 cargo check",
        "cd server && cargo test",
        "sh -c 'ls; pwd'",
        "make docs",
        "echo \"rm -rf /\"",
        "test -f x && echo yes || echo no",
        "for_each=1; echo $for_each",
        "if test -f a; then cat a; fi",
        "/usr/bin/ls",
        "command -v cargo",
        "cat <<'E'\nrm -rf /\nE",
    ] {
        assert_eq!(decision(line), Decision::Allow, "{line:?}: {:?}", judge(line, &rules()));
    }
}

#[test]
fn what_is_unknown_or_does_more_is_asked() {
    for line in [
        "",
        "   ",
        "# only a comment",
        "cargo run",
        "cargo build",
        "./ls",
        "python3 -c 'print(1)'",
        "awk '{print}' x",
        "find . -exec cat {} +",
        "find . -delete",
        "find . $x",
        "sort -o out in",
        "sort --outp=x in",
        "sort -no out in",
        "uniq in out",
        "rg --pre ./x foo",
        "sed -i s/a/b/ x",
        "sed 's/a/b/e' x",
        "sed 's/a/b/w out' x",
        "sed -n 'w out' x",
        "sed '1e id' x",
        "sed -f script x",
        "git -c core.pager=x log",
        "git diff --output=x",
        "git diff --outp=x",
        "git branch new",
        "git branch -D old",
        "git push",
        "git grep -Oless x",
        "git --git-dir=x status",
        "ls > out",
        "cat a >> b",
        "cat /etc/passwd",
        "cat ~/notes",
        "cat ../other/file",
        "grep -r key /home/me",
        "grep --regexp=key /home/me",
        "sed -n 1p /etc/passwd",
        "ls | xargs cat",
        "$x",
        "${cmd} a",
        "l$x",
        "$(echo ls)",
        "cat $(curl x)",
        "eval ls",
        "sh script.sh",
        "sh -c \"$x\"",
        "PATH=. ls",
        "LD_PRELOAD=x ls",
        "env PATH=. ls",
        "cargo test --config x=y",
        "cargo test --slow",
        "cargo test $x",
        "cargo testing",
        "\"cargo test\"",
        "ls 'a",
        "ls $(a",
        "f() { ls; }; f",
        "case x in y) ls;; esac",
        "{rm,-rf,x}",
        "r?",
        "curl https://x",
        "tree -o x",
        "date -s 1",
    ] {
        assert_eq!(decision(line), Decision::Ask, "{line:?}: {:?}", judge(line, &rules()));
    }
}

#[test]
fn redirections_and_configuration_can_forbid() {
    for line in [
        "echo x > /dev/sda",
        "echo x > .git/hooks/pre-commit",
        "echo x >> ~/.ssh/authorized_keys",
        "cat < ~/.ssh/id_rsa",
        "echo x > /etc/passwd",
        "echo x > /proc/sys/kernel/core_pattern",
        "npm publish",
        "cargo test; sudo id",
        "ls\nsudo id",
        "ls & sudo id",
        "ls | sudo id",
        "echo \"$(sudo id)\"",
        "echo `sudo id`",
        "cat <<E\n$(sudo id)\nE",
        "sh -c 'sh -c \"sudo id\"'",
        "eval 'sudo id'",
        "env -i sudo id",
        "timeout 5 nice -n 3 sudo id",
        "find . -exec sudo {} ;",
        "if true; then sudo id; fi",
        "while sudo id; do ls; done",
        "f() { sudo id; }",
        "(ls; (sudo id))",
        "! sudo id",
        "x=1 sudo id",
        ">x sudo id",
        "s\"u\"do id",
        "su\\\ndo id",
        "$'sudo' id",
        "ls ${x:-$(sudo id)}",
    ] {
        assert_eq!(decision(line), Decision::Forbid, "{line:?}: {:?}", judge(line, &rules()));
    }
}

#[test]
fn the_weightiest_reason_stands_first() {
    let verdict = judge("ls; cargo run; sudo id", &rules());
    assert!(verdict.reasons[0].starts_with("sudo"), "{verdict:?}");
    assert!(verdict.reasons.iter().any(|r| r.starts_with("cargo")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_line_makes_the_judge_panic(line in "\\PC*") {
        judge(&line, &rules());
    }

    #[test]
    fn no_shell_like_line_makes_the_judge_panic(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "'", "\"", "`", "$(", "${", "$((", "(", ")", "{", "}", "|", "||", "&", "&&", ";", "\n", "<", ">", "<<E", ">&",
            "\\", "$", "#", "=", "ls", "rm", "-rf", "/", "~", "sh", "-c", "E", " ", "é", "\t", "\r", "*", "[", "!", "if", "$'",
        ]), 0..40)
    ) {
        judge(&pieces.concat(), &rules());
        judge(&pieces.join(" "), &rules());
    }

    #[test]
    fn a_forbidden_command_behind_a_separator_is_never_allowed(
        // Quotes and escapes are closed again, so that the separator counts.
        before in "[a-z ./=*-]{0,16}('[a-z;| ]{0,5}'|\"[a-z;| ]{0,5}\"|\\\\[;| a-z]){0,2}[a-z ]{0,4}",
        separator in prop::sample::select(vec![";", "\n", "&&", "||", "|", "&", ";;", "|&", "; (", "; {", "; ! "]),
        forbidden in prop::sample::select(vec!["sudo id", "rm -rf /", "reboot", "mkfs /dev/sda", "cat ~/.ssh/id_rsa"]),
        after in "([ ;|&][a-z ;|&]{0,8})?",
    ) {
        let line = format!("{before}{separator} {forbidden}{after}");
        let verdict = judge(&line, &rules());
        prop_assert_eq!(verdict.decision, Decision::Forbid, "{:?}: {:?}", line, verdict);
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them(line in "[a-c '\"\\\\;|&]{0,14}") {
        let parsed = super::parse::parse(&line);
        let Some(real) = shell_words(&line) else { return Ok(()) };
        prop_assert!(parsed.notes.is_empty(), "{:?}: {:?}", line, parsed.notes);
        let ours: Vec<_> = parsed.commands.iter().flat_map(|c| c.words.iter().map(|w| w.text.clone())).collect();
        prop_assert_eq!(ours, real, "{:?}", line);
    }
}

/// The words of a line by the rules of POSIX, written a second time and differently; none where it is unfinished.
fn shell_words(line: &str) -> Option<Vec<String>> {
    #[derive(PartialEq)]
    enum In {
        Nothing,
        Single,
        Double,
    }
    let (mut words, mut word, mut state) = (Vec::new(), None::<String>, In::Nothing);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match (&state, c) {
            (In::Nothing, ' ' | ';' | '|' | '&') => words.extend(word.take()),
            (In::Nothing, '\'') => (state, word) = (In::Single, Some(word.unwrap_or_default())),
            (In::Nothing, '"') => (state, word) = (In::Double, Some(word.unwrap_or_default())),
            (In::Single, '\'') | (In::Double, '"') => state = In::Nothing,
            (In::Nothing, '\\') => word.get_or_insert_default().push(rest.next()?),
            (In::Double, '\\') => match rest.next()? {
                c @ ('"' | '\\') => word.get_or_insert_default().push(c),
                c => word.get_or_insert_default().extend(['\\', c]),
            },
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.take());
    (state == In::Nothing).then_some(words)
}

#[test]
fn plain_changes_of_files_in_the_copy_need_no_question() {
    let decide = |line: &str| judge(line, &Rules::default()).decision;
    for line in
        ["mv a.rs src/b.rs", "chmod +x run.sh", "rm -f old.txt", "mkdir -p a/b && touch a/b/c", "cp -p a b"]
    {
        assert_eq!(decide(line), Decision::Allow, "{line}");
    }
    for line in [
        "mv a ../b",
        "rm -rf src",
        "rm *.rs",
        "cp /etc/hosts .",
        "chmod u+s run",
        "chmod 4755 run",
        "mv $A b",
        "rm -- -x",
        "cp -r a b",
        "touch ~/x",
        "chmod +x",
        "rm",
    ] {
        assert_ne!(decide(line), Decision::Allow, "{line}");
    }
}
