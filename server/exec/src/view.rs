//! Which files a sandbox shows: the system's programs, the toolchains found from the environment, and what the
//! caller lists. Everything else (home, keys, other workspaces, sockets under /run and /var) is left out.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::environment::get;
use crate::plan::View;
use crate::{Network, Spec};

/// Folders of the system that hold programs and settings, no person's files and no sockets.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/snap",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
    "/var/lib/dpkg",
    "/var/cache/fontconfig",
    "/var/lib/ca-certificates",
    "/run/current-system",
    "/run/opengl-driver",
];

/// Secrets inside of those.
const SYSTEM_SECRETS: &[&str] = &[
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/krb5.keytab",
    "/etc/kubernetes",
    "/etc/rancher",
    "/etc/wireguard",
    "/etc/openvpn",
    "/etc/NetworkManager/system-connections",
    "/etc/docker",
    "/etc/letsencrypt",
    "/etc/machine-id",
    "/etc/security/opasswd",
    "/etc/netrc",
    "/etc/pip.conf",
    "/etc/npmrc",
];

/// Programs and settings of toolchains inside home: read-only.
const TOOLCHAINS: &[&str] = &[
    ".cargo/bin",
    ".cargo/env",
    ".cargo/config.toml",
    ".cargo/config",
    ".rustup",
    ".pyenv",
    ".nvm",
    ".fnm",
    ".volta",
    ".bun/bin",
    ".deno/bin",
    ".asdf",
    ".sdkman",
    ".rbenv",
    ".rvm",
    ".goenv",
    ".jenv",
    ".nodenv",
    ".dotnet",
    ".elan",
    ".ghcup",
    ".juliaup",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/pipx",
    ".local/share/uv",
    ".local/share/mise",
    ".local/share/fnm",
    ".local/share/pnpm",
    ".local/share/rtx",
    ".tool-versions",
    "go/bin",
    "sdk",
    "miniconda3",
    "anaconda3",
    "miniforge3",
    ".gitignore_global",
    ".config/git/ignore",
];

/// Caches of packages inside home: read, written only into a private layer.
const CACHES: &[&str] = &[
    ".cargo/registry",
    ".cargo/git",
    "go/pkg/mod",
    ".m2/repository",
    ".gradle/caches",
    ".gradle/wrapper",
    ".npm/_cacache",
    ".cache/pip",
    ".cache/uv",
    ".cache/yarn",
    ".cache/pnpm",
    ".cache/ms-playwright",
    ".nuget/packages",
    ".gem",
    ".bundle/cache",
    ".mix",
    ".hex",
    ".composer/cache",
    ".bun/install/cache",
    ".cache/deno",
    ".stack",
    ".cabal",
];

/// Toolchain roots that a variable may put elsewhere: variable, parts that are programs, parts that are caches.
const MOVED: &[(&str, &[&str], &[&str])] = &[
    ("CARGO_HOME", &["bin", "config.toml", "config"], &["registry", "git"]),
    ("RUSTUP_HOME", &[""], &[]),
    ("PYENV_ROOT", &[""], &[]),
    ("VIRTUAL_ENV", &[""], &[]),
    ("CONDA_PREFIX", &[""], &[]),
    ("NVM_DIR", &[""], &[]),
    ("FNM_DIR", &[""], &[]),
    ("VOLTA_HOME", &[""], &[]),
    ("GOROOT", &[""], &[]),
    ("GOPATH", &["bin"], &["pkg/mod"]),
    ("GOMODCACHE", &[], &[""]),
    ("JAVA_HOME", &[""], &[]),
    ("M2_HOME", &[""], &[]),
    ("MAVEN_HOME", &[""], &[]),
    ("GRADLE_HOME", &[""], &[]),
    ("SDKMAN_DIR", &[""], &[]),
    ("DOTNET_ROOT", &[""], &[]),
    ("NUGET_PACKAGES", &[], &[""]),
    ("GEM_HOME", &[""], &[]),
    ("RBENV_ROOT", &[""], &[]),
    ("ASDF_DIR", &[""], &[]),
    ("ASDF_DATA_DIR", &[""], &[]),
    ("MISE_DATA_DIR", &[""], &[]),
    ("SSL_CERT_FILE", &[""], &[]),
];

/// The view for `spec`, whose command will have `environment`.
pub(crate) fn of(spec: &Spec, environment: &[(String, String)], home: Option<&Path>) -> View {
    let mut readable: BTreeSet<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    let mut caches = BTreeSet::new();
    if let Some(home) = home {
        readable.extend(TOOLCHAINS.iter().map(|part| home.join(part)));
        caches.extend(CACHES.iter().map(|part| home.join(part)));
    }
    for (variable, programs, packages) in MOVED {
        let Some(root) = get(environment, variable).map(Path::new).filter(|p| p.is_absolute()) else {
            continue;
        };
        let part = |part: &&str| if part.is_empty() { root.to_owned() } else { root.join(part) };
        readable.extend(programs.iter().map(part).filter(|p| is_narrow(p, home)));
        caches.extend(packages.iter().map(part).filter(|p| is_narrow(p, home)));
    }
    let path = get(environment, "PATH").unwrap_or_default();
    readable.extend(std::env::split_paths(path).filter(|p| p.is_absolute() && is_narrow(p, home)));
    readable.extend(spec.sandbox.readable.iter().cloned());
    if spec.sandbox.network == Network::All {
        // Often a link into /run, which is not shown.
        readable.extend(std::fs::canonicalize("/etc/resolv.conf"));
    }
    let existing = |paths: &[PathBuf]| -> Vec<PathBuf> {
        paths.iter().filter_map(|p| std::fs::canonicalize(p).ok()).collect()
    };
    let mut links = Vec::new();
    let mut real = Vec::new();
    for path in readable.into_iter().filter(|p| p.exists()) {
        let Ok(target) = std::fs::canonicalize(&path) else { continue };
        // A link is made again, and what it leads to is shown; links at the top (`/bin`) lead into what is shown.
        if let Ok(link) = std::fs::read_link(&path) {
            if path.parent() == Some(Path::new("/")) {
                links.push((path, link));
                continue;
            }
            links.push((path, target.clone()));
        }
        if is_narrow(&target, home) || spec.sandbox.readable.iter().any(|p| target.starts_with(p)) {
            real.push(target);
        }
    }
    // A toolchain inside of what is writable (a program folder of the shadow in the path) stays writable with it.
    let writable = existing(&spec.sandbox.writable);
    let listed = existing(&spec.sandbox.readable);
    let own = |path: &PathBuf| !listed.contains(path) && writable.iter().any(|above| path.starts_with(above));
    real.retain(|path| !own(path));
    caches.retain(|path| !own(path));
    links.retain(|(link, _)| !real.iter().any(|above: &PathBuf| link.starts_with(above)));
    let mut hidden: Vec<PathBuf> = SYSTEM_SECRETS.iter().map(PathBuf::from).collect();
    hidden.extend(home.into_iter().flat_map(home_secrets));
    let mut hidden = existing(&hidden);
    hidden.extend(closed_settings().iter().cloned());
    hidden
        .extend(listening().into_iter().filter(|socket| real.iter().any(|shown| socket.starts_with(shown))));
    hidden.extend(existing(&spec.sandbox.readable_hidden));
    let caches: Vec<PathBuf> = caches.into_iter().filter(|p| p.is_dir()).collect();
    View {
        aliases: aliases(spec, home, &[&caches[..], &writable].concat()),
        readable: without_nested(real),
        caches,
        writable,
        shown: spec.sandbox.shown.iter().filter(|(source, _)| source.exists()).cloned().collect(),
        unions: spec.sandbox.unions.clone(),
        hidden,
        links,
        home: home.map(Path::to_owned),
        private: None,
    }
}

/// The other paths that folders can be found at: none that covers something which the command needs as it is.
fn aliases(spec: &Spec, home: Option<&Path>, needed: &[PathBuf]) -> Vec<(PathBuf, PathBuf)> {
    const DEVICES: [&str; 3] = ["/proc", "/dev", "/sys"];
    const PRIVATE: [&str; 3] = ["/tmp", "/var/tmp", "/run"];
    let tops = PRIVATE.iter().map(Path::new).chain(home).chain(needed.iter().map(PathBuf::as_path));
    let tops: Vec<&Path> = tops.collect();
    let fits = |(name, place): &(PathBuf, PathBuf)| {
        name.is_absolute()
            && name != place
            && !DEVICES.iter().any(|device| name.starts_with(device))
            && !tops.iter().any(|top| top.starts_with(name))
    };
    let real = |(name, place): &(PathBuf, PathBuf)| Some((name.clone(), std::fs::canonicalize(place).ok()?));
    spec.sandbox.aliases.iter().filter_map(real).filter(fits).collect()
}

/// Whether a path from a variable is narrower than home and the top of the file system: a PATH with `.` of home
/// in it must not show all of home.
fn is_narrow(path: &Path, home: Option<&Path>) -> bool {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let whole = |above: &Path| above.starts_with(&real);
    let device = ["/proc", "/dev", "/tmp"].iter().any(|top| real.starts_with(top));
    real.components().count() > 1 && !device && !home.is_some_and(whole)
}

/// Secrets that lie inside of what is shown of home.
fn home_secrets(home: &Path) -> Vec<PathBuf> {
    const PARTS: &[&str] = &[
        ".cargo/credentials",
        ".cargo/credentials.toml",
        ".m2/settings.xml",
        ".m2/settings-security.xml",
        ".gradle/gradle.properties",
        ".gem/credentials",
        ".composer/auth.json",
        ".nuget/NuGet/NuGet.Config",
        ".ssh",
        ".gnupg",
        ".aws",
        ".azure",
        ".kube",
        ".docker",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".git-credentials",
        ".config/gcloud",
        ".config/gh",
        ".password-store",
        ".local/share/keyrings",
    ];
    PARTS.iter().map(|part| home.join(part)).collect()
}

/// Settings of the system that not everybody may read: keys of services, which user 0 or a group of the person's could.
fn closed_settings() -> &'static [PathBuf] {
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found = Vec::new();
        let mut folders = vec![PathBuf::from("/etc")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(state) = entry.metadata() else { continue };
                let open = state.is_symlink() || state.permissions().mode() & 0o004 != 0;
                match (open, state.is_dir()) {
                    (false, _) => found.push(entry.path()),
                    (true, true) => folders.push(entry.path()),
                    (true, false) => {}
                }
            }
        }
        found
    })
}

/// Local sockets with a path at which somebody listens now: being shown read-only does not keep anybody from talking.
fn listening() -> Vec<PathBuf> {
    let text = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let path = |line: &str| line.find(" /").map(|at| PathBuf::from(&line[at + 1..]));
    text.lines().filter_map(path).filter(|path| path.exists()).collect()
}

/// Drops paths that lie below another one of the list.
fn without_nested(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    paths.dedup();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !kept.iter().any(|above| path.starts_with(above)) {
            kept.push(path);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_and_root_are_never_shown_whole() {
        let home = Path::new("/home/ann");
        assert!(!is_narrow(Path::new("/"), Some(home)));
        assert!(!is_narrow(Path::new("/home"), Some(home)));
        assert!(!is_narrow(Path::new("/home/ann"), Some(home)));
        assert!(!is_narrow(Path::new("/proc/self"), Some(home)));
        assert!(is_narrow(Path::new("/home/ann/.cargo/bin"), Some(home)));
    }

    #[test]
    fn nested_paths_are_shown_once() {
        let paths = ["/usr/bin", "/usr", "/usrx", "/opt"].map(PathBuf::from).to_vec();
        assert_eq!(without_nested(paths), ["/opt", "/usr", "/usrx"].map(PathBuf::from));
    }
}
