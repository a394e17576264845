//! What the index answers, over a handful of small files.

use galley_index::{ImpactKind, Index, Role, SymbolKind, by_name, outline_text, syntax_errors};
use galley_text::path::RelPath;
use std::sync::Arc;

fn path(text: &str) -> RelPath {
    RelPath::new(text).expect("a path")
}

const FILES: &[(&str, &str)] = &[
    (
        "src/stack.rs",
        "//! A stack of plates.\npub struct Stack {\n    plates: Vec<u8>,\n}\n\nimpl Stack {\n    pub fn push_plate(&mut self, plate: u8) {\n        self.plates.push(plate);\n        check_weight(plate);\n    }\n}\n\nfn check_weight(plate: u8) {}\n",
    ),
    (
        "src/kitchen.rs",
        "use crate::stack::Stack;\n\npub fn wash(stack: &mut Stack) {\n    stack.push_plate(1);\n}\n",
    ),
    ("src/unrelated.rs", "pub fn paint_wall(colour: &str) -> usize {\n    colour.len()\n}\n"),
    (
        "tests/stack_test.rs",
        "use kitchen::stack::Stack;\n\n#[test]\nfn holds_plates() {\n    Stack::default().push_plate(2);\n}\n",
    ),
    (
        "web/app.js",
        "export class App {\n  render() { return stackPlates(1); }\n}\nfunction stackPlates(n) { return n; }\n",
    ),
    ("README.md", "# Kitchen\n\nHow to push a plate on the stack.\n"),
    ("notes", "plain words about washing\n"),
];

fn index() -> Index {
    let index = Index::new();
    let files: Vec<(RelPath, Arc<str>)> =
        FILES.iter().map(|(name, text)| (path(name), (*text).into())).collect();
    index.update(&files);
    index
}

#[test]
fn an_outline_has_containers_ranges_and_signatures() {
    let outline = index().snapshot().outline(&path("src/stack.rs"));
    let names: Vec<_> = outline.iter().map(|s| (s.name.as_str(), s.kind, s.container.as_deref())).collect();
    assert_eq!(
        names,
        [
            ("Stack", SymbolKind::Struct, None),
            ("plates", SymbolKind::Field, Some("Stack")),
            ("push_plate", SymbolKind::Method, Some("Stack")),
            ("check_weight", SymbolKind::Function, None),
        ]
    );
    let push = &outline[2];
    assert_eq!(push.signature, "pub fn push_plate(&mut self, plate: u8)");
    assert_eq!((push.line, push.end_line), (6, 9));
    assert_eq!(&FILES[0].1[push.name_range.clone()], "push_plate");
    assert_eq!(outline, outline_text(by_name("rust").expect("rust"), FILES[0].1));
}

#[test]
fn tests_are_marked_and_what_lies_in_them_too() {
    let text =
        "#[cfg(test)]\nmod tests {\n    fn aid() {}\n    #[test]\n    fn works() {}\n}\nfn product() {}\n";
    let marks: Vec<_> =
        outline_text(by_name("rust").expect("rust"), text).into_iter().map(|s| (s.name, s.is_test)).collect();
    assert_eq!(
        marks,
        [("tests", true), ("aid", true), ("works", true), ("product", false)].map(|(n, t)| (n.to_owned(), t))
    );
}

#[test]
fn titles_of_tests_are_symbols() {
    let text = "describe(\"a stack\", () => {\n  it(\"pushes\", () => {});\n});\n";
    let outline = outline_text(by_name("javascript").expect("javascript"), text);
    let titles: Vec<_> =
        outline.iter().map(|s| (s.name.as_str(), s.container.as_deref(), s.is_test)).collect();
    assert_eq!(titles, [("a stack", None, true), ("pushes", Some("a stack"), true)]);
}

#[test]
fn embedded_languages_have_their_symbols_at_their_place() {
    let text = "<template>\n  <main id=\"top\"/>\n</template>\n<script setup lang=\"ts\">\ninterface Plate { size: number }\nfunction wash(): void {}\n</script>\n";
    let outline = outline_text(by_name("vue").expect("vue"), text);
    let found: Vec<_> = outline.iter().map(|s| (s.name.as_str(), s.kind, s.line)).collect();
    assert!(found.contains(&("wash", SymbolKind::Function, 5)), "{found:?}");
    assert!(found.contains(&("Plate", SymbolKind::Interface, 4)), "{found:?}");
    let page = "<body>\n<script>\nfunction go() {}\n</script>\n</body>\n";
    let outline = outline_text(by_name("html").expect("html"), page);
    assert_eq!(outline.iter().map(|s| (s.name.as_str(), s.line)).collect::<Vec<_>>(), [("go", 2)]);
}

#[test]
fn definitions_references_and_what_encloses_them() {
    let snapshot = index().snapshot();
    let definitions = snapshot.definitions("push_plate");
    assert_eq!(definitions.len(), 1);
    assert_eq!(definitions[0].path, path("src/stack.rs"));
    assert_eq!(snapshot.definitions("Stack::push_plate").len(), 1);
    assert_eq!(snapshot.definitions("Heap::push_plate").len(), 0);
    let places: Vec<_> = snapshot
        .references("push_plate", 10)
        .into_iter()
        .map(|p| (p.path.as_str().to_owned(), p.line, p.within, p.is_definition, p.text))
        .collect();
    let place = |p: &str, l, w: &str, d, t: &str| (p.to_owned(), l, Some(w.to_owned()), d, t.to_owned());
    assert_eq!(
        places,
        [
            place("src/kitchen.rs", 3, "wash", false, "stack.push_plate(1);"),
            place("src/stack.rs", 6, "Stack.push_plate", true, "pub fn push_plate(&mut self, plate: u8) {"),
            place("tests/stack_test.rs", 4, "holds_plates", false, "Stack::default().push_plate(2);"),
        ]
    );
    assert_eq!(snapshot.references("push_plate", 2).len(), 2);
    assert_eq!(snapshot.reference_count("push_plate"), (3, 3));
    assert_eq!(snapshot.enclosing(&path("src/stack.rs"), 160).map(|s| s.name), Some("push_plate".into()));
    assert_eq!(snapshot.imports(&path("src/kitchen.rs")), ["crate::stack::Stack"]);
}

#[test]
fn symbols_are_found_by_a_few_letters() {
    let snapshot = index().snapshot();
    let first = |query: &str| snapshot.symbols(query, 5).first().map(|found| found.symbol.name.clone());
    assert_eq!(first("stack").as_deref(), Some("Stack"));
    assert_eq!(first("pp").as_deref(), Some("push_plate"));
    assert_eq!(first("sp").as_deref(), Some("stackPlates"));
    assert_eq!(first("App.render").as_deref(), Some("render"));
    assert_eq!(first("zzz"), None);
    assert!(snapshot.symbols("a", 2).len() <= 2);
}

#[test]
fn words_lead_to_the_file_and_say_why() {
    let snapshot = index().snapshot();
    let ranked = snapshot.rank("pushing plates on the stack checks no weights", 10);
    assert_eq!(ranked[0].path, path("src/stack.rs"));
    assert!(ranked[0].why.contains("weight"), "{}", ranked[0].why);
    assert!(ranked.iter().all(|found| found.path != path("src/unrelated.rs")));
    assert_eq!(snapshot.rank("washing", 10).len(), 2);
    assert!(snapshot.rank("", 10).is_empty());
    assert!(snapshot.rank("the of and", 10).is_empty());
    assert_eq!(snapshot.role(&path("tests/stack_test.rs")), Some(Role::Test));
}

#[test]
fn a_change_affects_users_and_tests() {
    let snapshot = index().snapshot();
    let file = path("src/stack.rs");
    let impact = snapshot.impact("push_plate", Some(&file), 10);
    let place = |name: &str| {
        impact.iter().find(|found| found.path == path(name)).map(|found| (found.kind, found.line))
    };
    assert_eq!(place("src/kitchen.rs"), Some((ImpactKind::Reference, 3)));
    assert_eq!(place("tests/stack_test.rs"), Some((ImpactKind::Test, 4)));
    assert_eq!(place("src/stack.rs"), None);
    let order: Vec<_> = impact.iter().take(2).map(|found| found.path.as_str()).collect();
    assert!(!order.contains(&"src/unrelated.rs"), "{order:?}");
}

#[test]
fn the_map_keeps_its_budget_and_its_bytes() {
    let (one, other) = (index(), index());
    let map = one.snapshot().map(400);
    assert!(map.contains("src/stack.rs\n  2: pub struct Stack"), "{map}");
    assert_eq!(map, other.snapshot().map(400));
    one.update_file(&path("src/kitchen.rs"), Some(FILES[1].1));
    assert_eq!(map, one.snapshot().map(400));
    for budget in [0, 10, 30, 60] {
        assert!(one.snapshot().map(budget).len() <= budget * 4, "{budget}");
    }
}

#[test]
fn syntax_errors_are_counted() {
    assert_eq!(syntax_errors("a.rs", "fn a() {}"), Some(0));
    assert!(syntax_errors("a.rs", "fn a( {").is_some_and(|errors| errors > 0));
    assert_eq!(syntax_errors("a.unknown", "fn a( {"), None);
}

#[test]
fn files_come_and_go() {
    let index = index();
    let before = index.snapshot();
    index.update_file(&path("src/stack.rs"), None);
    assert!(index.snapshot().definitions("push_plate").is_empty());
    assert_eq!(before.definitions("push_plate").len(), 1, "a snapshot stays as it is");
    index.retain(|path| path.as_str().starts_with("web/"));
    assert_eq!(index.snapshot().counts().files, 1);
    assert!(index.snapshot().revision() > before.revision());
}

#[test]
fn a_reader_gives_the_lines_where_no_text_is_kept() {
    let index = Index::with_reader(Arc::new(|path| (path.as_str() == "a.rs").then(|| "fn one() {}".into())));
    index.update(&[(path("a.rs"), "fn one() {}".into()), (path("b.rs"), "fn one() {}".into())]);
    let texts: Vec<String> =
        index.snapshot().references("one", 9).into_iter().map(|place| place.text).collect();
    assert_eq!(texts, ["fn one() {}", ""]);
}
