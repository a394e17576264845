//! The cache on disk: what comes back is what was there, whatever happens to the files, whoever else writes them.

use galley_index::{Given, Index, IndexSnapshot, Opaque, Reader, Stamp};
use galley_text::path::RelPath;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

const TEXTS: &[&str] = &[
    "fn alpha() { beta(); }\nstruct Gamma { delta: u8 }\n",
    "fn beta() {}\nimpl Gamma { fn alpha(&self) {} }\n",
    "class Gamma:\n    def alpha(self):\n        return beta()\n",
    "// only words: alpha beta gamma\n",
    "",
    "fn broken( {{{ \"",
    "# Gamma\n\nabout alpha\n",
];
const PATHS: &[&str] = &["a.rs", "b.rs", "c.py", "e/a.rs", "e/f.txt", "tests/d.rs", "z.md"];

/// A tree in memory: text and the number of its last change, which serves as its stamp.
type Tree = Arc<Mutex<BTreeMap<RelPath, (String, u64)>>>;

fn path(number: usize) -> RelPath {
    RelPath::new(PATHS[number]).expect("a path")
}

fn tree() -> Tree {
    let files = (0..PATHS.len()).map(|n| (path(n), (TEXTS[n].to_owned(), n as u64 + 1)));
    Arc::new(Mutex::new(files.collect()))
}

fn reader(tree: &Tree) -> Reader {
    let tree = Arc::clone(tree);
    Arc::new(move |path| tree.lock().expect("no panic").get(path).map(|(text, _)| text.as_str().into()))
}

fn stamp(number: u64) -> Stamp {
    Stamp([number, 0, 0, 1])
}

/// Opens the folder and brings the index up to date, as a start does; gives the number of files that were read.
fn open(folder: &Path, tree: &Tree) -> (Index, usize) {
    let index = Index::open(folder, reader(tree));
    let read = refresh(&index, tree);
    (index, read)
}

fn refresh(index: &Index, tree: &Tree) -> usize {
    let files = tree.lock().expect("no panic").clone();
    let listed: Vec<_> = files.iter().map(|(path, (_, n))| (path.clone(), Some(stamp(*n)))).collect();
    let stale = index.stale(&listed);
    let given = |path: &RelPath| Given {
        path: path.clone(),
        text: Ok(files[path].0.as_str().into()),
        stamp: Some(stamp(files[path].1)),
    };
    index.update_from_disk(&stale.iter().map(given).collect::<Vec<_>>());
    stale.len()
}

fn fresh(tree: &Tree) -> Index {
    let index = Index::with_reader(reader(tree));
    let files = tree.lock().expect("no panic").clone();
    let files: Vec<_> = files.into_iter().map(|(path, (text, _))| (path, text.into())).collect();
    index.update(&files);
    index
}

/// Everything that the index says, as text.
fn answers(snapshot: &IndexSnapshot) -> String {
    let mut said = String::new();
    for name in ["alpha", "beta", "Gamma", "delta", "nothing"] {
        said += &format!("{:?}\n{:?}\n", snapshot.definitions(name), snapshot.references(name, 50));
        said += &format!("{:?}\n{:?}\n", snapshot.impact(name, None, 50), snapshot.symbols(name, 50));
        said += &format!("{:?}\n", snapshot.reference_count(name));
    }
    said += &format!("{:?}\n", snapshot.rank("alpha of the gamma, beta", 50));
    for number in 0..PATHS.len() {
        said += &format!("{:?}{:?}\n", snapshot.outline(&path(number)), snapshot.imports(&path(number)));
    }
    let counts = snapshot.counts();
    said += &format!("{:?}\n", (counts.files, counts.parsed, counts.bytes, counts.lines, counts.symbols));
    said + &snapshot.map(500)
}

#[test]
fn what_was_kept_comes_back_and_nothing_is_read() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    let (index, read) = open(folder.path(), &tree);
    assert_eq!(read, PATHS.len());
    let before = answers(&index.snapshot());
    assert_eq!(before, answers(&fresh(&tree).snapshot()));
    index.persist().expect("room on disk");
    assert_eq!(before, answers(&index.snapshot()), "what moves to disk stays the same");
    drop(index);
    let (index, read) = open(folder.path(), &tree);
    assert_eq!(read, 0);
    assert_eq!(before, answers(&index.snapshot()));
    assert_eq!(index.kept().contents, PATHS.len());
    assert!(index.kept().bytes > 0);
}

#[test]
fn only_what_changed_is_read() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    let (index, _) = open(folder.path(), &tree);
    index.persist().expect("room on disk");
    {
        let mut tree = tree.lock().expect("no panic");
        tree.insert(path(0), ("fn gone_elsewhere() {}\n".to_owned(), 100));
        tree.remove(&path(1));
        tree.insert(RelPath::new("new.rs").expect("a path"), ("fn brand_new() {}\n".to_owned(), 101));
    }
    let (index, read) = open(folder.path(), &tree);
    assert_eq!(read, 2);
    assert_eq!(answers(&index.snapshot()), answers(&fresh(&tree).snapshot()));
    index.persist().expect("room on disk");
    let (index, read) = open(folder.path(), &tree);
    assert_eq!(read, 0, "the changes were kept beside the base");
    assert_eq!(answers(&index.snapshot()), answers(&fresh(&tree).snapshot()));
    assert_eq!(index.snapshot().definitions("brand_new").len(), 1);
}

#[test]
fn a_file_without_a_stamp_is_read_each_time() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    let index = Index::open(folder.path(), reader(&tree));
    index.update(&[(path(0), TEXTS[0].into())]);
    index.persist().expect("room on disk");
    assert_eq!(open(folder.path(), &tree).1, PATHS.len());
}

#[test]
fn files_that_are_no_text_are_remembered() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    let (index, _) = open(folder.path(), &tree);
    let picture = RelPath::new("p.png").expect("a path");
    index.update_from_disk(&[Given {
        path: picture.clone(),
        text: Err(Opaque::Binary),
        stamp: Some(stamp(9)),
    }]);
    index.persist().expect("room on disk");
    let index = Index::open(folder.path(), reader(&tree));
    assert_eq!(index.snapshot().opaque().collect::<Vec<_>>(), [(&picture, Opaque::Binary)]);
    let mut listed: Vec<_> = (0..PATHS.len()).map(|n| (path(n), Some(stamp(n as u64 + 1)))).collect();
    listed.push((picture.clone(), Some(stamp(9))));
    listed.sort();
    assert_eq!(index.stale(&listed), []);
    listed.retain(|(path, _)| *path != picture);
    assert_eq!(index.stale(&listed), []);
    assert_eq!(index.snapshot().opaque().count(), 0, "it is gone from the disk");
}

#[test]
fn two_writers_keep_both_their_contents() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    let (one, _) = open(folder.path(), &tree);
    let (other, _) = open(folder.path(), &tree);
    one.persist().expect("room on disk");
    let text = |n: usize| format!("fn branch_{n}() {{ alpha(); }}\n");
    for round in 0..40 {
        tree.lock().expect("no panic").insert(path(round % 3), (text(round), 1_000 + round as u64));
        let index = if round % 2 == 0 { &one } else { &other };
        refresh(index, &tree);
        index.persist().expect("room on disk");
        assert_eq!(answers(&index.snapshot()), answers(&fresh(&tree).snapshot()), "{round}");
    }
    let (third, read) = open(folder.path(), &tree);
    assert_eq!(read, 0);
    assert_eq!(answers(&third.snapshot()), answers(&fresh(&tree).snapshot()));
    assert!(std::fs::read_dir(folder.path()).expect("a folder").count() < 20, "old files are removed");
}

#[test]
fn writers_at_the_same_time_do_no_harm() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..6 {
                    let (index, _) = open(folder.path(), &tree);
                    index.persist().expect("room on disk");
                    assert_eq!(index.snapshot().counts().files, PATHS.len());
                }
            });
        }
    });
    let (index, read) = open(folder.path(), &tree);
    assert_eq!(read, 0);
    assert_eq!(answers(&index.snapshot()), answers(&fresh(&tree).snapshot()));
}

#[test]
fn purging_leaves_nothing_and_stops_nobody() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    let folder = folder.path().join("deep/inside");
    assert_eq!(Index::purge(&folder).expect("nothing to do"), 0);
    let (index, _) = open(&folder, &tree);
    index.persist().expect("room on disk");
    assert!(Index::purge(&folder).expect("a purge") > 0);
    assert!(!folder.exists());
    assert_eq!(answers(&index.snapshot()), answers(&fresh(&tree).snapshot()));
    index.persist().expect("room on disk");
    assert_eq!(open(&folder, &tree).1, 0, "what was purged is written again by who still has it");
}

/// How a file is damaged.
#[derive(Debug, Clone)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Longer(Vec<u8>),
    Gone,
    /// Bytes of one file under the name of another.
    Swapped,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        8 => (any::<prop::sample::Index>(), 1..=255_u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        4 => any::<prop::sample::Index>().prop_map(Damage::Cut),
        1 => prop::collection::vec(any::<u8>(), 1..40).prop_map(Damage::Longer),
        1 => Just(Damage::Gone),
        1 => Just(Damage::Swapped),
    ]
}

fn do_damage(folder: &Path, which: prop::sample::Index, damage: &Damage) {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let file = which.get(&files);
    let mut bytes = std::fs::read(file).expect("a file");
    match damage {
        Damage::Flip(at, bits) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        Damage::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
        Damage::Longer(more) => bytes.extend(more),
        Damage::Gone => return std::fs::remove_file(file).expect("a file"),
        Damage::Swapped => {
            bytes = std::fs::read(&files[(which.index(files.len()) + 1) % files.len()]).expect("a file")
        }
        Damage::Flip(..) => {}
    }
    std::fs::write(file, bytes).expect("a file");
}

fn cases() -> u32 {
    std::env::var("GALLEY_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(3), cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn damage_never_shows(
        damages in prop::collection::vec((any::<prop::sample::Index>(), damage()), 1..3),
        changed: bool,
    ) {
        let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
        open(folder.path(), &tree).0.persist().expect("room on disk");
        if changed {
            tree.lock().expect("no panic").insert(path(2), ("def other(): pass\n".to_owned(), 77));
            open(folder.path(), &tree).0.persist().expect("room on disk");
        }
        for (which, damage) in &damages {
            do_damage(folder.path(), *which, damage);
        }
        let expected = answers(&fresh(&tree).snapshot());
        let (index, _) = open(folder.path(), &tree);
        prop_assert_eq!(&answers(&index.snapshot()), &expected);
        index.persist().expect("room on disk");
        prop_assert_eq!(&answers(&index.snapshot()), &expected);
        let (index, _) = open(folder.path(), &tree);
        prop_assert_eq!(&answers(&index.snapshot()), &expected, "what was damaged is made anew");
    }
}

/// Records of a pack that has many begin with what they have in common; that may be damaged like all else.
#[test]
fn many_contents_come_back_also_from_damage() {
    let (folder, tree) = (tempfile::tempdir().expect("a folder"), tree());
    for number in 0..80_u64 {
        let text = format!(
            "pub fn common_name_{number}(alpha: Gamma) -> Option<Gamma> {{ beta(alpha) }}\nstruct Kept{};\n",
            number % 7
        );
        let path = RelPath::new(&format!("many/f{number}.rs")).expect("a path");
        tree.lock().expect("no panic").insert(path, (text, 200 + number));
    }
    let all = |snapshot: &IndexSnapshot| {
        // The reader takes the lock too.
        let paths: Vec<RelPath> = tree.lock().expect("no panic").keys().cloned().collect();
        let outlines: Vec<_> = paths.iter().map(|path| snapshot.outline(path)).collect();
        format!("{}{outlines:?}{:?}", answers(snapshot), snapshot.symbols("comnam", 60))
    };
    let expected = all(&fresh(&tree).snapshot());
    open(folder.path(), &tree).0.persist().expect("room on disk");
    let (index, read) = open(folder.path(), &tree);
    assert_eq!((all(&index.snapshot()), read), (expected.clone(), 0));
    let whole: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (std::fs::read(&path).expect("a file"), path))
        .collect();
    let (pack, path) =
        whole.iter().find(|(_, path)| path.to_string_lossy().contains("pack-")).expect("a pack");
    // Behind the head, near the end, where what is in common lies, and between.
    for from_end in [1, 40, pack.len() / 2] {
        let mut bytes = pack.clone();
        let at = bytes.len() - from_end;
        bytes[at] ^= 0x55;
        std::fs::write(path, &bytes).expect("a file");
        let (index, _) = open(folder.path(), &tree);
        assert_eq!(all(&index.snapshot()), expected, "{from_end}");
    }
}
