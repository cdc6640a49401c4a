//! The committed corpus: small files that the project wrote itself, one folder a target.
//!
//! Does not change what is there: a file that a fuzzer found is as good as one that was written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{TARGETS, Target, put};

/// Where the corpus of a target stands.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// Reads a target's corpus, in the order of its names.
pub(super) fn read(target: &Target) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = folder(target.name);
    let attempt = || format!("read the corpus `{}`", folder.display());
    let mut inputs = Vec::new();
    for entry in fs::read_dir(&folder).with_context(attempt)? {
        let path = entry.with_context(attempt)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        inputs.push((name, fs::read(&path).with_context(attempt)?));
    }
    inputs.sort();
    Ok(inputs)
}

/// Writes what is missing of the inputs that targets make themselves; returns how many there were.
///
/// # Errors
/// A file cannot be written.
pub fn write_missing() -> Result<usize> {
    let mut written = 0;
    for target in TARGETS {
        let folder = folder(target.name);
        fs::create_dir_all(&folder).context("make a folder of the corpus")?;
        for (name, bytes) in (target.seeds)() {
            let file = folder.join(name);
            if !file.exists() {
                put(&file, bytes).with_context(|| format!("write `{}`", file.display()))?;
                written += 1;
            }
        }
    }
    Ok(written)
}
