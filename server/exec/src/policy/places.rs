//! Places that a command must keep its hands off: devices, `.git`, keys, a person's or a system's all.

use super::parse::Word;

/// The folders at the top that belong to the system and its administrator.
const SYSTEM: &[&str] = &["etc", "usr", "bin", "sbin", "lib", "lib64", "boot", "proc", "sys", "var", "root"];

/// Where a redirection must not lead, with the reason.
pub(super) fn forbidden_target(sign: &str, target: &Word) -> Option<&'static str> {
    let text = target.text.as_str();
    if is_secret(text) {
        return Some("it touches keys or passwords");
    }
    if text.contains("/dev/tcp/") || text.contains("/dev/udp/") {
        return Some("it opens a connection through the shell");
    }
    if !sign.contains('>') {
        return None;
    }
    if is_git(target) {
        return Some("it changes files inside of .git, where hooks and settings start programs");
    }
    if is_device(text) {
        return Some("it overwrites a device");
    }
    let top = text.strip_prefix('/').and_then(|inner| inner.split_once('/')).map(|(top, _)| top);
    top.is_some_and(|top| SYSTEM.contains(&top)).then_some("it writes into a folder of the system")
}

/// Whether losing this folder is losing a person's or a system's all.
pub(super) fn is_vital(path: &str) -> bool {
    let path = path.replace("${HOME}", "~").replace("$HOME", "~");
    let mut path = path.trim_end_matches("/*").trim_end_matches('/');
    while let Some(shorter) = path.strip_suffix("/.").or_else(|| path.strip_suffix("//")) {
        path = shorter;
    }
    let upwards =
        path.split('/').all(|part| part == ".." || part.is_empty()) && path.matches("..").count() > 2;
    if path.is_empty() || path == "~" || upwards {
        return true;
    }
    const VITAL: &[&str] = &[
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "opt",
        "proc",
        "root",
        "run",
        "sbin",
        "srv",
        "sys",
        "usr",
        "var",
        "Users",
        "System",
        "Library",
        "Applications",
        "mnt",
        "media",
    ];
    let mut parts = path.trim_start_matches('/').split('/').filter(|p| !p.is_empty());
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    path.starts_with('/')
        && first.is_some_and(|top| {
            VITAL.contains(&top)
                && (second.is_none() || (matches!(top, "home" | "usr" | "Users") && third.is_none()))
        })
}

pub(super) fn is_device(path: &str) -> bool {
    path.strip_prefix("/dev/").is_some_and(|device| {
        !matches!(device, "null" | "zero" | "full" | "stdout" | "stderr" | "stdin" | "tty")
            && !device.starts_with("fd/")
            && !device.starts_with("shm/")
    })
}

pub(super) fn is_git(word: &Word) -> bool {
    let text = word.text.split_once('=').map_or(word.text.as_str(), |(_, value)| value);
    text.split('/').any(|part| part.eq_ignore_ascii_case(".git"))
}

/// Whether a word names a place where keys and passwords lie.
pub(super) fn is_secret(text: &str) -> bool {
    const FOLDERS: &[&str] = &[
        ".ssh",
        ".gnupg",
        ".aws",
        ".azure",
        ".kube",
        ".password-store",
        ".git-credentials",
        ".netrc",
        ".pgpass",
        ".pypirc",
    ];
    const ENDS: &[&str] = &[
        "/.docker/config.json",
        "/.config/gh/hosts.yml",
        "/.cargo/credentials.toml",
        "/.cargo/credentials",
        "/etc/shadow",
        "/etc/gshadow",
        "/etc/sudoers",
        "/.config/gcloud/credentials.db",
        "~/.npmrc",
        "/id_rsa",
        "/id_ed25519",
        "$HOME/.npmrc",
        "/.gem/credentials",
    ];
    let text = text.trim_start_matches('@').rsplit_once(['=', '@', ':']).map_or(text, |(_, path)| path);
    let parts = || text.split('/');
    let process = parts().any(|p| p == "proc")
        && parts().next_back().is_some_and(|p| matches!(p, "environ" | "mem" | "maps"));
    let folder = text.contains('/') && parts().any(|part| FOLDERS.contains(&part));
    folder
        || process
        || ENDS.iter().any(|end| text.ends_with(end))
        || matches!(text, ".ssh" | ".netrc" | ".aws")
}
