//! Reading through snapshots: buffers before disk, nothing outside the roots, typed refusals.

use super::*;
use crate::{Limits, ReadError};
use galley_text::change::ChangeSet;
use galley_text::encoding::Encoding;

#[test]
fn buffers_come_before_the_disk() {
    let fixture = Fixture::new(&[("a.txt", "disk\n")]);
    let a = path("a.txt");
    let before = fixture.snapshot();
    fixture.workspace.open_document(&a, "buffer\n", 7);
    let after = fixture.snapshot();
    assert_eq!(&*before.read(&a).unwrap(), "disk\n");
    assert_eq!(before.version(&a), None);
    assert_eq!(&*after.read(&a).unwrap(), "buffer\n");
    assert_eq!(after.version(&a), Some(7));

    let change = ChangeSet::between("buffer\n", "changed\n");
    fixture.workspace.change_document(&a, &change, 8).unwrap();
    assert_eq!(&*fixture.snapshot().read(&a).unwrap(), "changed\n");
    assert_eq!(&*after.read(&a).unwrap(), "buffer\n", "a snapshot does not change");
    assert!(fixture.workspace.change_document(&path("b.txt"), &change, 1).is_err());

    assert!(fixture.workspace.close_document(&a));
    assert!(!fixture.workspace.close_document(&a));
    assert_eq!(&*fixture.snapshot().read(&a).unwrap(), "disk\n");
}

#[test]
fn a_second_reading_gives_what_the_first_gave() {
    let fixture = Fixture::new(&[("a.txt", "one\n")]);
    let a = path("a.txt");
    let snapshot = fixture.snapshot();
    assert_eq!(&*snapshot.read(&a).unwrap(), "one\n");
    fixture.put("a.txt", "two\n");
    assert_eq!(&*snapshot.read(&a).unwrap(), "one\n");
    assert_eq!(&*fixture.snapshot().read(&a).unwrap(), "two\n");
}

#[test]
fn a_change_of_equal_length_and_time_is_noticed() {
    let fixture = Fixture::new(&[("a.txt", "one\n")]);
    let a = path("a.txt");
    let place = fixture.root().join("a.txt");
    for round in 0..50 {
        let time = place.metadata().unwrap().modified().unwrap();
        let text = format!("{:03}\n", round);
        std::fs::write(&place, &text).unwrap();
        std::fs::File::options().append(true).open(&place).unwrap().set_modified(time).unwrap();
        assert_eq!(&*fixture.snapshot().peek(&a).unwrap(), text);
    }
}

#[test]
fn encodings_are_decoded_and_told() {
    let fixture = Fixture::new(&[("plain.txt", "a\n")]);
    std::fs::write(fixture.root().join("bom.txt"), b"\xef\xbb\xbfa\r\n").unwrap();
    std::fs::write(fixture.root().join("wide.txt"), b"\xff\xfea\0\n\0").unwrap();
    std::fs::write(fixture.root().join("latin.txt"), b"caf\xe9\n").unwrap();
    std::fs::write(fixture.root().join("image.bin"), b"\x89PNG\0\0\0").unwrap();
    let snapshot = fixture.snapshot();
    assert_eq!(&*snapshot.read(&path("bom.txt")).unwrap(), "a\r\n");
    assert_eq!(snapshot.encoding(&path("bom.txt")), Encoding::Utf8Bom);
    assert_eq!(&*snapshot.read(&path("wide.txt")).unwrap(), "a\n");
    assert_eq!(snapshot.encoding(&path("wide.txt")), Encoding::Utf16Le);
    assert_eq!(snapshot.read(&path("latin.txt")), Err(ReadError::NotUtf8 { offset: 3 }));
    assert_eq!(snapshot.read(&path("image.bin")), Err(ReadError::Binary));
    assert_eq!(snapshot.read(&path("none.txt")), Err(ReadError::Missing));
    assert_eq!(snapshot.read(&path("plain.txt/below")), Err(ReadError::Missing));
}

#[test]
fn a_huge_file_is_refused_without_reading_it() {
    let fixture = Fixture::new(&[]);
    let huge = std::fs::File::create(fixture.root().join("huge.txt")).unwrap();
    huge.set_len(200 << 20).unwrap();
    let begun = std::time::Instant::now();
    let read = fixture.snapshot().read(&path("huge.txt"));
    assert_eq!(read, Err(ReadError::TooLarge { bytes: 200 << 20, limit: 8 << 20 }));
    assert!(begun.elapsed() < Duration::from_secs(1));
    let limits = Limits { file_bytes: 3, ..Limits::default() };
    let small = Workspace::with_limits(vec![fixture.root()], limits).unwrap();
    fixture.put("four.txt", "1234");
    let read = small.snapshot().read(&path("four.txt"));
    assert_eq!(read, Err(ReadError::TooLarge { bytes: 4, limit: 3 }));
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_roots_only() {
    let fixture = Fixture::new(&[("real/a.txt", "inside\n"), (".git/config", "secret\n")]);
    std::fs::write(fixture.outer.path().join("key"), "secret\n").unwrap();
    let root = fixture.root();
    link("real/a.txt", root.join("good"));
    link(root.join("real"), root.join("folder"));
    link("../key", root.join("bad"));
    link(fixture.outer.path(), root.join("out"));
    link(".git/config", root.join("git"));
    link("loop", root.join("loop"));
    link("nowhere", root.join("dangling"));
    let snapshot = fixture.snapshot();
    assert_eq!(&*snapshot.read(&path("good")).unwrap(), "inside\n");
    assert_eq!(&*snapshot.read(&path("folder/a.txt")).unwrap(), "inside\n");
    assert_eq!(snapshot.read(&path("bad")), Err(ReadError::Outside));
    assert_eq!(snapshot.read(&path("out/key")), Err(ReadError::Outside));
    assert_eq!(snapshot.read(&path("git")), Err(ReadError::Ignored));
    assert_eq!(snapshot.read(&path(".git/config")), Err(ReadError::Ignored));
    assert_eq!(snapshot.read(&path(".GIT/config")), Err(ReadError::Ignored));
    assert!(snapshot.read(&path("loop")).is_err());
    assert_eq!(snapshot.read(&path("dangling")), Err(ReadError::Missing));
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_does_not_hang_the_reader() {
    let fixture = Fixture::new(&[("sub/", "")]);
    let pipe = fixture.root().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(fixture.root().join("socket")).unwrap();
    let snapshot = fixture.snapshot();
    assert_eq!(snapshot.read(&path("pipe")), Err(ReadError::NotAFile));
    assert_eq!(snapshot.read(&path("sub")), Err(ReadError::NotAFile));
    assert_eq!(snapshot.read(&path("socket")), Err(ReadError::NotAFile));
}

#[test]
fn a_deleted_root_is_survived() {
    let fixture = Fixture::new(&[("a.txt", "a\n")]);
    assert_eq!(fixture.files(), "a.txt");
    std::fs::remove_dir_all(fixture.root()).unwrap();
    assert_eq!(fixture.files(), "");
    assert_eq!(fixture.snapshot().read(&path("a.txt")), Err(ReadError::Missing));
    assert_eq!(fixture.workspace.listing().skipped().unreadable, 1);
    fixture.put("b.txt", "b\n");
    assert_eq!(fixture.files(), "b.txt");
    assert_eq!(&*fixture.snapshot().read(&path("b.txt")).unwrap(), "b\n");
}

#[test]
fn paths_are_mapped_to_and_fro() {
    let fixture = Fixture::new(&[("one/src/a.rs", "1\n"), ("two/src/a.rs", "2\n"), ("x/one/b.rs", "3\n")]);
    let root = fixture.root();
    let single = Workspace::open(vec![root.join("one")]).unwrap();
    assert_eq!(single.locate(&root.join("one/src/a.rs")), Some(path("src/a.rs")));
    assert_eq!(single.locate(&root.join("one/src/../../two/src/a.rs")), None);
    assert_eq!(single.locate(&root.join("onex/a")), None);
    assert_eq!(single.locate(&root.join("one")), None);
    single.open_document(&path("src/a.rs"), "open\n", 1);

    single.set_roots(vec![root.join("one"), root.join("two"), root.join("x/one")]).unwrap();
    let names: Vec<_> = single.roots().into_iter().map(|root| root.name).collect();
    assert_eq!(names, ["one", "two", "one-2"]);
    assert_eq!(single.locate(&root.join("x/one/b.rs")), Some(path("one-2/b.rs")));
    assert_eq!(single.absolute(&path("two/src/a.rs")), Some(root.join("two/src/a.rs")));
    assert_eq!(single.absolute(&path("three/a.rs")), None);
    let snapshot = single.snapshot();
    assert_eq!(&*snapshot.read(&path("one/src/a.rs")).unwrap(), "open\n", "the document moved along");
    assert_eq!(&*snapshot.read(&path("two/src/a.rs")).unwrap(), "2\n");
    assert_eq!(snapshot.files().len(), 3);

    single.set_roots(vec![root.join("two")]).unwrap();
    assert!(single.open_documents().is_empty());
    assert_eq!(&*single.snapshot().read(&path("src/a.rs")).unwrap(), "2\n");
    assert!(Workspace::open(vec![root.join("none")]).is_err());
    assert!(Workspace::open(vec![root.join("one/src/a.rs")]).is_err());
    assert!(Workspace::open(vec![]).unwrap().snapshot().files().is_empty());
}

#[test]
fn galleyignore_closes_a_file_to_tasks() {
    let files = [(".galleyignore", "secret*\nprivate/\n"), ("secret.txt", "s\n"), ("private/a/b.txt", "p\n")];
    let fixture = Fixture::new(&files);
    for listed_before in [false, true] {
        if listed_before {
            fixture.files();
        }
        let snapshot = fixture.snapshot();
        assert_eq!(snapshot.read(&path("secret.txt")), Err(ReadError::Ignored));
        assert_eq!(snapshot.peek(&path("private/a/b.txt")), Err(ReadError::Ignored));
        fixture.workspace.open_document(&path("secret.txt"), "buffer\n", 1);
        assert_eq!(fixture.snapshot().read(&path("secret.txt")), Err(ReadError::Ignored));
    }
    #[cfg(unix)]
    {
        link("secret.txt", fixture.root().join("innocent.txt"));
        assert_eq!(fixture.snapshot().read(&path("innocent.txt")), Err(ReadError::Ignored));
    }
}

#[test]
fn the_content_hash_follows_content_only() {
    let fixture = Fixture::new(&[("a.txt", "a\n"), ("b.txt", "b\n")]);
    let first = fixture.snapshot().content_hash();
    std::fs::write(fixture.root().join("a.txt"), "a\n").unwrap();
    assert_eq!(fixture.snapshot().content_hash(), first, "written again, with the same text");
    fixture.workspace.open_document(&path("a.txt"), "changed\n", 1);
    let unsaved = fixture.snapshot().content_hash();
    assert_ne!(unsaved, first);
    fixture.put("a.txt", "changed\n");
    fixture.workspace.close_document(&path("a.txt"));
    assert_eq!(fixture.snapshot().content_hash(), unsaved, "saving a buffer is no change");
}
