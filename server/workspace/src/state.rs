//! Where things that belong to a workspace, and not into it, are kept below Galley's state directory.

use crate::roots::Roots;

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
