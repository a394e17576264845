//! Where things that belong to a workspace, and not into it, are kept below Galley's state directory.

use crate::roots::Roots;
use std::path::{Path, PathBuf};

/// A name for a set of roots, the same in every process and at every start: readable, with a digest.
pub fn workspace_key(roots: &Roots) -> String {
    let mut hasher = blake3::Hasher::new();
    for root in roots.iter() {
        let path = root.real.as_os_str().as_encoded_bytes();
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
    }
    let digest = hasher.finalize().to_hex();
    let name = roots.iter().next().map_or("none", |root| root.name.as_str());
    let readable: String =
        name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(24).collect();
    format!("{readable}-{}", &digest[..16])
}

/// The folder for a workspace's build caches, which survive tasks. It is made, with the mark that keeps
/// backups away from it.
pub fn cache_dir(state_dir: &Path, workspace_key: &str) -> std::io::Result<PathBuf> {
    let folder = state_dir.join("build-cache").join(workspace_key);
    std::fs::create_dir_all(&folder)?;
    let mark = folder.join("CACHEDIR.TAG");
    if !mark.exists() {
        std::fs::write(
            mark,
            "Signature: 8a477f597d28d172789f06886806bc55\n# Build products; may be removed.\n",
        )?;
    }
    Ok(folder)
}
