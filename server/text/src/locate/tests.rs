use super::*;

fn place(text: &str, old: &str, new: &str) -> Result<(String, How), LocateError> {
    replace(text, old, new, None, false).map(|replaced| (replaced.text, replaced.how))
}

#[track_caller]
fn check(text: &str, old: &str, new: &str, expected: &str, how: How) {
    assert_eq!(place(text, old, new), Ok((expected.to_owned(), how)));
}

#[test]
fn exact_text_may_be_part_of_a_line() {
    check("let a = 1;\n", "a = 1", "b = 2", "let b = 2;\n", How::Exact);
    check("a\r\nb\r\n", "a\nb", "a\nc", "a\r\nc\r\n", How::LineEndings);
    check("x\ny\r\nz\r\n", "x\ny\r\n", "x\nw\n", "x\nw\r\nz\r\n", How::Exact);
}

#[test]
fn several_places_are_ambiguous_unless_one_is_pointed_at() {
    let text = "f(1)\ng(2)\nf(1)\n";
    assert_eq!(place(text, "f(1)", "h"), Err(LocateError::Ambiguous { places: vec![0, 2] }));
    assert_eq!(replace(text, "f(1)", "h", Some(2), false).unwrap().text, "f(1)\ng(2)\nh\n");
    assert!(replace(text, "f(1)", "h", Some(1), false).is_err());
    let all = replace(text, "f(1)", "h", None, true).unwrap();
    assert_eq!((all.text.as_str(), all.places.len()), ("h\ng(2)\nh\n", 2));
}

#[test]
fn lines_are_indented_as_the_file_is() {
    let text = "class A:\n    def first(self):\n        return 1\n";
    let expected = "class A:\n    def first(self):\n        if x:\n            return 2\n";
    check(
        text,
        "def first(self):\n    return 1\n",
        "def first(self):\n    if x:\n        return 2\n",
        expected,
        How::Indentation,
    );
}

#[test]
fn reindenting_is_a_change_like_any_other() {
    let text = "\tstart_here();\n\tfinish_there();\n";
    check(
        text,
        "    start_here();\n    finish_there();\n",
        "    if (x) {\n        start_here();\n    }\n    finish_there();\n",
        "\tif (x) {\n\t\tstart_here();\n\t}\n\tfinish_there();\n",
        How::Indentation,
    );
}

#[test]
fn typographic_characters_stay_in_the_patch() {
    check(
        "say(\"hello\");\nprint('x');\n",
        "say(“hello”);\nprint('x');\n",
        "say(“hello”);\nprint('y');\n",
        "say(\"hello\");\nprint('y');\n",
        How::Typography,
    );
    // And the file's own stay in the file, also in a line that changes.
    check(
        "message = \"It’s working\"\n",
        "    message = \"It's working\"\n",
        "    message = \"It's broken\"\n",
        "message = \"It’s broken\"\n",
        How::Typography,
    );
}

#[test]
fn escapes_are_undone_where_everything_was_escaped() {
    check(
        "if a < b && quick {\n",
        "if a &lt; b &amp;&amp; quick {",
        "if a &lt; c {",
        "if a < c {\n",
        How::Escapes,
    );
    check("say(\"hello\")\n", "say(\\\"hello\\\")", "say(\\\"bye\\\")", "say(\"bye\")\n", How::Escapes);
    assert!(place("say(\"hello\")\n", "say(\\\"hello\\\")", "say(\\\"bye\\\", \"x\")").is_err());
}

#[test]
fn parts_may_be_left_out() {
    let text = "fn main() {\n    first();\n    second();\n    third();\n}\n";
    check(
        text,
        "fn main() {\n    // ... existing code ...\n    third();\n}\n",
        "fn main() {\n    // ... existing code ...\n    fourth();\n}\n",
        "fn main() {\n    first();\n    second();\n    fourth();\n}\n",
        How::Elided,
    );
}

#[test]
fn stale_context_stays_and_stale_targets_refuse() {
    let text = "alpha = compute(1)\nbeta = compute(2)\ngamma = compute(3)\n";
    check(
        text,
        "alpha = compute(9)\nbeta = compute(2)\ngamma = compute(3)\n",
        "alpha = compute(9)\nbeta = compute(7)\ngamma = compute(3)\n",
        "alpha = compute(1)\nbeta = compute(7)\ngamma = compute(3)\n",
        How::StaleContext,
    );
    let refused = place(
        text,
        "alpha = compute(1)\nbeta = compute(9)\ngamma = compute(3)\n",
        "alpha = compute(1)\nbeta = compute(7)\ngamma = compute(3)\n",
    );
    let Err(LocateError::NotFound { nearest }) = refused else { panic!("{refused:?}") };
    assert_eq!(nearest[0].line, 0);
    assert!(nearest[0].text.contains("beta = compute(2)"));
}

#[test]
fn forgotten_blank_lines_stay() {
    check(
        "import first\n\nvalue = 12345\n",
        "import first\nvalue = 12345\n",
        "import first\nvalue = 67890\n",
        "import first\n\nvalue = 67890\n",
        How::BlankLines,
    );
}

#[test]
fn an_edit_is_not_made_twice() {
    let text = "use alpha;\nuse betagamma;\n";
    let twice = place(text, "use alpha;\n", "use alpha;\nuse betagamma;\n");
    assert_eq!(twice, Err(LocateError::AlreadyApplied { line: 0 }));
}

#[test]
fn little_evidence_is_none() {
    assert!(matches!(place("    }\nx\n", "  }\n", "  })\n"), Ok((_, How::Exact)) | Err(_)));
    assert!(place("\t);\nx\n", "    );\n", "    ));\n").is_err());
}

#[test]
fn messages_say_what_to_do() {
    let error = place("let first = 1;\nlet second = 2;\n", "let first = 3;", "x").unwrap_err();
    assert!(error.to_string().contains("1 | let first = 1;"), "{error}");
    let error = place("a\na\n", "a", "b").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the quoted text is in the file 2 times, at lines 1, 2; quote more lines around the one you mean"
    );
}
