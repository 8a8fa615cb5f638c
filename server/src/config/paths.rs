//! Paths with wildcards, as `include` takes them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use storage::glob::{Case, matches};

/// The paths a pattern stands for, sorted; a path without wildcards stands for itself.
pub(super) fn expand(pattern: &Path) -> Vec<PathBuf> {
    if !has_wildcards(pattern.as_os_str()) {
        return vec![pattern.to_owned()];
    }
    let mut paths = vec![PathBuf::new()];
    for component in pattern.components() {
        paths = match component {
            Component::Normal(name) if has_wildcards(name) => {
                paths.iter().flat_map(|path| entries(path, name)).collect()
            }
            other => paths.into_iter().map(|path| path.join(other)).collect(),
        };
    }
    paths.retain(|path| path.symlink_metadata().is_ok());
    paths.sort();
    paths
}

fn has_wildcards(name: &OsStr) -> bool {
    name.as_bytes()
        .iter()
        .any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// What of a directory matches; nothing if it cannot be read. Names that start with a dot must be
/// asked for with one.
fn entries(dir: &Path, pattern: &OsStr) -> Vec<PathBuf> {
    let read = match dir.as_os_str().is_empty() {
        true => std::fs::read_dir("."),
        false => std::fs::read_dir(dir),
    };
    let names = read
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    let pattern = pattern.as_bytes();
    names
        .filter(|name| pattern.starts_with(b".") || !name.as_bytes().starts_with(b"."))
        .filter(|name| matches(pattern, name.as_bytes(), Case::Sensitive))
        .map(|name| dir.join(name))
        .collect()
}
