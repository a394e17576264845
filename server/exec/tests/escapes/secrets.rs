//! Keys, tokens, and what other processes know.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::call::{self, at, at_mut, owned, raw};
use crate::inside::{Inside, SECRET, holds, is_secret};
use crate::needs;
use crate::suite::LEAKED;
use crate::table::{Escape, escape};

pub const TABLE: &[Escape] = &[
    escape("keys of ssh", |inside| read(inside, ".ssh/id_ed25519")),
    escape("keys of clouds", |inside| {
        let read = |path| read(inside, path);
        read(".aws/credentials")
            .or_else(|_| read(".config/gcloud/credentials.db"))
            .or_else(|_| read(".kube/config"))
    }),
    escape("tokens of package registries", |inside| {
        let read = |path| read(inside, path);
        read(".cargo/credentials.toml").or_else(|_| read(".npmrc")).or_else(|_| read(".pypirc"))
    }),
    escape("passwords of git and netrc", |inside| {
        read(inside, ".git-credentials").or_else(|_| read(inside, ".netrc"))
    }),
    escape("tokens of docker and of a forge", |inside| {
        read(inside, ".docker/config.json").or_else(|_| read(inside, ".config/gh/hosts.yml"))
    }),
    escape("key rings and the history of the shell", |inside| {
        let read = |path| read(inside, path);
        read(".gnupg/private-keys-v1.d/key")
            .or_else(|_| read(".local/share/keyrings/login.keyring"))
            .or_else(|_| read(".bash_history"))
    }),
    escape("another workspace", |inside| is_secret(fs::read(inside.place("other/src/lib.rs"))?)),
    escape("passwords of the system", |_| holds(!fs::read("/etc/shadow")?.is_empty(), "it is empty"))
        .needs(|| needs::readable("/etc/shadow")),
    escape("secrets in the environment", |_| is_secret(std::env::var("SERVICE_TOKEN").unwrap_or_default())),
    escape("the address of the agent of ssh", |_| {
        holds(std::env::var_os("SSH_AUTH_SOCK").is_some(), "it is not set")
    }),
    escape("environment of the parent", |_| {
        is_secret(fs::read(format!("/proc/{}/environ", std::os::unix::process::parent_id()))?)
    })
    .needs(needs::looking),
    escape("environment of the server", |inside| {
        is_secret(fs::read(format!("/proc/{}/environ", inside.number("SUITE")))?)
    })
    .needs(needs::looking),
    escape("environment of everybody", |_| {
        let own = std::process::id().to_string();
        let found = processes()?.any(|pid| {
            pid != own && fs::read(format!("/proc/{pid}/environ")).is_ok_and(|text| is_secret(text).is_ok())
        });
        holds(found, "nobody's has it")
    })
    .needs(needs::looking),
    escape("environment through a thread of the server", |inside| {
        let suite = inside.number("SUITE");
        is_secret(fs::read(format!("/proc/{suite}/task/{suite}/environ"))?)
    })
    .needs(needs::looking),
    escape("command lines of others", |inside| {
        let line = fs::read(format!("/proc/{}/cmdline", inside.bystander()))?;
        holds(line.starts_with(b"/proc/self/exe"), "it is not that of the process")
    })
    .beyond_landlock("names of processes stay visible"),
    escape("an inherited descriptor", |_| {
        let file = call::inherited(LEAKED.into())?;
        let mut found = vec![0; SECRET.len()];
        file.read_at(&mut found, 0)?;
        is_secret(found)
    }),
    escape("an inherited descriptor through /proc/self/fd", |_| {
        is_secret(fs::read(format!("/proc/self/fd/{LEAKED}"))?)
    }),
    escape("a descriptor of another process", |inside| {
        is_secret(fs::read(format!("/proc/{}/fd/{}", inside.bystander(), inside.number("FD")))?)
    })
    .needs(needs::looking),
    escape("a descriptor of another process by its handle", |inside| {
        let process = handle(inside)?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&process).into();
        let file = owned(raw(libc::SYS_pidfd_getfd, [number, inside.number("FD"), 0, 0, 0, 0]))?;
        let mut found = vec![0; SECRET.len()];
        File::from(file).read_at(&mut found, 0)?;
        is_secret(found)
    })
    .needs(needs::looking),
    escape("descriptors of the parent", |_| {
        let folder = format!("/proc/{}/fd", std::os::unix::process::parent_id());
        let open = |path: &Path| File::options().read(true).open(path).is_ok();
        let found = fs::read_dir(folder)?.flatten().any(|entry| open(&entry.path()));
        holds(found, "none can be opened")
    })
    .needs(needs::looking),
    escape("memory of a process by a call", |inside| {
        let mut found = vec![0u8; SECRET.len()];
        let here = [at_mut(&mut found), found.len() as i64];
        let there = [inside.number("ADDRESS"), SECRET.len() as i64];
        raw(libc::SYS_process_vm_readv, [inside.bystander().into(), at(&here), 1, at(&there), 1, 0])?;
        is_secret(found)
    })
    .needs(needs::looking),
    escape("memory of a process by /proc", |inside| {
        let memory = File::open(format!("/proc/{}/mem", inside.bystander()))?;
        let mut found = vec![0; SECRET.len()];
        memory.read_at(&mut found, inside.number("ADDRESS") as u64)?;
        is_secret(found)
    })
    .needs(needs::looking),
    escape("layout of a process", |inside| {
        let maps = fs::read_to_string(format!("/proc/{}/maps", inside.bystander()))?;
        holds(maps.contains("[stack]"), "it is empty")
    })
    .needs(needs::looking),
    escape("files by the root of a process", |inside| {
        let secret = inside.home("secret");
        is_secret(fs::read(format!("/proc/{}/root{}", inside.bystander(), secret.display()))?)
    })
    .needs(needs::looking),
    escape("files by the folder of a process", |inside| {
        is_secret(fs::read(format!("/proc/{}/cwd/secret", inside.bystander()))?)
    })
    .needs(needs::looking),
    escape("shared memory of others", |inside| {
        is_secret(call::shared_memory(inside.number("MEMORY"), SECRET.len())?)
    }),
    escape("the disk itself", |_| {
        let disks = ["/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/xvda", "/dev/mmcblk0"];
        let read =
            |disk: &&str| File::open(disk).is_ok_and(|mut file| file.read_exact(&mut [0; 512]).is_ok());
        holds(disks.iter().any(read), "none can be read")
    })
    .needs(|| needs::root().or_else(|| needs::readable("/dev/vda"))),
    escape("memory of the kernel", |_| {
        let mut start = [0; 4];
        File::open("/proc/kcore")?.read_exact(&mut start)?;
        holds(start == *b"\x7fELF", "it is empty")
    })
    .needs(needs::raw_io),
];

fn read(inside: &Inside, path: &str) -> io::Result<()> {
    is_secret(fs::read(inside.home(path))?)
}

fn processes() -> io::Result<impl Iterator<Item = String>> {
    let names =
        fs::read_dir("/proc")?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.filter(|name| name.bytes().all(|b| b.is_ascii_digit())))
}

/// A handle of the bystander.
pub fn handle(inside: &Inside) -> io::Result<std::os::fd::OwnedFd> {
    owned(raw(libc::SYS_pidfd_open, [inside.bystander().into(), 0, 0, 0, 0, 0]))
}
