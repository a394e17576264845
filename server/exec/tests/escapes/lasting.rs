//! What one command leaves behind for the next one, in another shadow.

use std::fs;
use std::io;
use std::path::Path;

use crate::call::{self, at, name, raw, text};
use crate::inside::{Inside, holds};
use crate::needs;
use crate::table::{Escape, escape};

pub const TABLE: &[Escape] = &[
    escape("poison a crate in the registry", |inside| poison(inside, ".cargo/registry/cache/crate"))
        .found(|inside| poisoned(inside, ".cargo/registry/cache/crate")),
    escape("poison a package in a cache", |inside| poison(inside, ".npm/_cacache/package"))
        .found(|inside| poisoned(inside, ".npm/_cacache/package")),
    escape("poison a wheel in ~/.cache", |inside| poison(inside, ".cache/pip/wheel"))
        .found(|inside| poisoned(inside, ".cache/pip/wheel")),
    escape("a program in the path", |inside| poison(inside, ".local/bin/tool"))
        .found(|inside| poisoned(inside, ".local/bin/tool")),
    escape("a toolchain", |inside| poison(inside, ".cargo/bin/tool"))
        .found(|inside| poisoned(inside, ".cargo/bin/tool")),
    escape("what a shell runs first", |inside| poison(inside, ".bashrc"))
        .found(|inside| poisoned(inside, ".bashrc")),
    escape("settings of git for all", |inside| poison(inside, ".gitconfig"))
        .found(|inside| poisoned(inside, ".gitconfig")),
    escape("settings of cargo for all", |inside| fs::write(inside.home(".cargo/config.toml"), "poison"))
        .found(|inside| poisoned(inside, ".cargo/config.toml")),
    escape("settings of cargo above the shadow", |_| {
        fs::create_dir("../.cargo").and_then(|()| fs::write("../.cargo/config.toml", "poison"))
    })
    .found(|_| {
        let found = is_poisoned("../.cargo/config.toml");
        let _ = fs::remove_dir_all("../.cargo");
        found
    }),
    escape("the shadow of another task", |_| fs::write("../second/new", "poison"))
        .found(|_| is_poisoned("new")),
    escape("a file in /tmp for the next", |inside| fs::write(tmp(inside), "poison"))
        .found(|inside| is_poisoned(tmp(inside))),
    escape("a file in TMPDIR for the next", |_| {
        fs::write(std::env::temp_dir().join("galley-next"), "poison")
    })
    .found(|_| {
        let file = std::env::temp_dir().join("galley-next");
        let found = is_poisoned(&file);
        let _ = fs::remove_file(file);
        found
    }),
    escape("a file in /dev/shm for the next", |inside| fs::write(shm(inside), "poison"))
        .found(|inside| is_poisoned(shm(inside)))
        .needs(|| needs::there("/dev/shm")),
    escape("shared memory for the next", |inside| {
        raw(libc::SYS_shmget, [key(inside), 4096, 0o600 | i64::from(libc::IPC_CREAT), 0, 0, 0]).map(drop)
    })
    .found(|inside| {
        let id = raw(libc::SYS_shmget, [key(inside), 4096, 0, 0, 0, 0])?;
        raw(libc::SYS_shmctl, [id, libc::IPC_RMID.into(), 0, 0, 0, 0]).map(drop)
    }),
    escape("a queue of messages for the next", |inside| {
        let flags = i64::from(libc::O_CREAT | libc::O_RDWR);
        call::owned(raw(libc::SYS_mq_open, [name(&text(inside.mark())), flags, 0o600, 0, 0, 0])).map(drop)
    })
    .found(|inside| raw(libc::SYS_mq_unlink, [name(&text(inside.mark())), 0, 0, 0, 0, 0]).map(drop))
    .needs(|| {
        let missing = raw(libc::SYS_mq_unlink, [0; 6]).err().and_then(|e| e.raw_os_error());
        (missing == Some(libc::ENOSYS)).then(|| "this kernel has no such queues".to_owned())
    }),
    escape("a key for the next", |inside| {
        let (kind, key, value) = (text("user"), text(inside.mark()), *b"x");
        raw(libc::SYS_add_key, [name(&kind), name(&key), at(&value), 1, -4, 0]).map(drop)
    })
    .found(|inside| {
        let (kind, key) = (text("user"), text(inside.mark()));
        let id = raw(libc::SYS_keyctl, [10, -4, name(&kind), name(&key), 0, 0])?;
        raw(libc::SYS_keyctl, [9, id, -4, 0, 0, 0]).map(drop)
    })
    .needs(needs::keys),
];

fn poison(inside: &Inside, file: &str) -> io::Result<()> {
    fs::write(inside.home(file), "poison")
}

fn poisoned(inside: &Inside, file: &str) -> io::Result<()> {
    is_poisoned(inside.home(file))
}

fn is_poisoned(file: impl AsRef<Path>) -> io::Result<()> {
    holds(fs::read(file)? == b"poison", "it is as it was")
}

/// A name that both commands know.
fn tmp(inside: &Inside) -> String {
    format!("/tmp/{}", inside.mark())
}

fn shm(inside: &Inside) -> String {
    format!("/dev/shm/{}", inside.mark())
}

fn key(inside: &Inside) -> i64 {
    0x6761_0000 | (inside.number("SUITE") & 0xffff)
}
