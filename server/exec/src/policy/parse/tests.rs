//! What the parser makes of a line.

use super::*;

fn commands(text: &str) -> Vec<String> {
    let line = parse(text);
    line.commands
        .iter()
        .map(|c| c.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join("·"))
        .collect()
}

#[test]
fn words_and_quotes() {
    assert_eq!(commands(r#"a 'b c' "d e"f \g"#), ["a·b c·d ef·g"]);
    assert_eq!(commands(r#"r''m "-r"f $'/\''"#), ["rm·-rf·/'"]);
    assert_eq!(commands("a # no; b\nc"), ["a", "c"]);
    assert_eq!(commands("a \\\n b"), ["a·b"]);
}

#[test]
fn separators_and_nesting() {
    assert_eq!(commands("a;b&&c||d|e&f\ng"), ["a", "b", "c", "d", "e", "f", "g"]);
    // The first one stands for the subshell.
    assert_eq!(commands("(a; b) | c"), ["", "a", "b", "c"]);
    assert_eq!(commands("echo $(a; b) `c \\`d\\``"), ["echo·$()·$()", "a", "b", "c·$()", "d"]);
    assert_eq!(commands("\"$(a)\" ${x:-$(b)}"), ["$()·${x:-$(b)}", "a", "b"]);
    assert_eq!(commands("if a; then b; fi"), ["a", "b"]);
    assert_eq!(commands("a <(b) > >(c)"), ["a·/dev/fd/63·/dev/fd/63", "b", "c"]);
}

#[test]
fn pipes_and_redirections() {
    let line = parse("a 2>&1 | b >> c < d &> e");
    assert_eq!(line.commands[1].reads_from, Some(0));
    let signs = |n: usize| line.commands[n].redirects.iter().map(|r| r.sign.as_str()).collect::<Vec<_>>();
    assert_eq!((signs(0), signs(1)), (vec![">&"], vec![">>", "<", ">"]));
    assert_eq!(line.commands[0].words.len(), 1);
}

#[test]
fn heredocs_end_and_are_searched() {
    assert_eq!(commands("cat <<E\nrm -rf /\n$(a)\nE\nb"), ["cat", "a", "b"]);
    assert_eq!(commands("cat <<'E'\n$(a)\nE\nb"), ["cat", "b"]);
    assert_eq!(commands("cat <<-E\n\tx\n\tE\nb"), ["cat", "b"]);
    assert_eq!(parse("cat <<E\nx").notes, ["a here-document never ends"]);
}

#[test]
fn assignments_and_what_is_computed() {
    let line = parse("A=1 B=$x make {a,b} *.c '$y'");
    assert_eq!(line.commands[0].assignments.len(), 2);
    let flags: Vec<_> = line.commands[0].words.iter().map(|w| (w.computed, w.glob)).collect();
    assert_eq!(flags, [(false, false), (true, false), (false, true), (false, false)]);
}

#[test]
fn what_is_broken_is_noted() {
    for text in ["'a", "\"a", "$(a", "`a", "${a", "a (b c", "cat >", "a ) b"] {
        assert!(!parse(text).notes.is_empty(), "{text}");
    }
    assert!(!parse(&"(".repeat(1000)).notes.is_empty());
    assert!(!parse(&"$(".repeat(5000)).notes.is_empty());
    assert!(!parse(&"a".repeat(70_000)).notes.is_empty());
}
