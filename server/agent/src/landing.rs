//! Takes the edits that were made in one overlay into another.

use galley_text::merge::merge;
use galley_text::path::RelPath;
use galley_workspace::Overlay;

/// The files that differ between two overlays of one snapshot.
pub fn changed(start: &Overlay, now: &Overlay) -> Vec<RelPath> {
    let mut paths = start.changed_paths();
    paths.extend(now.changed_paths());
    paths.sort();
    paths.dedup();
    paths.retain(|path| start.read(path).ok() != now.read(path).ok());
    paths
}

/// Does to `target` in these files what was done between `start` and `theirs`; all of it or nothing.
///
/// # Errors
/// In words, the file where both changed the same lines.
pub fn land(
    target: &mut Overlay,
    start: &Overlay,
    theirs: &Overlay,
    paths: &[RelPath],
) -> Result<(), String> {
    let before = target.checkpoint();
    for path in paths {
        land_one(target, start, theirs, path).inspect_err(|_| target.restore(&before))?;
    }
    Ok(())
}

fn land_one(target: &mut Overlay, start: &Overlay, theirs: &Overlay, path: &RelPath) -> Result<(), String> {
    let (was, new, now) = (start.read(path).ok(), theirs.read(path).ok(), target.read(path).ok());
    if now == new {
        return Ok(());
    }
    let text = match (was, new, now) {
        (was, new, now) if now == was => new.map(|text| text.to_string()),
        (Some(was), Some(new), Some(now)) => {
            let merged = merge(&was, &now, &new);
            if !merged.is_clean() {
                return Err(format!("{} is changed in the same lines already", path.as_str()));
            }
            Some(merged.text)
        }
        _ => return Err(format!("{} is changed as a whole already", path.as_str())),
    };
    let laid = match text {
        Some(text) => target.write(path, text),
        None => target.delete(path),
    };
    laid.map_err(|error| error.to_string())
}
