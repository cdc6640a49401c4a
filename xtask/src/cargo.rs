//! The workspace, and cargo started as a person would from a shell at its root.
//!
//! Does not read what cargo says.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// What `cargo run` tells the program that it starts about that program's own package. Passed on,
/// they would stand for another package, and `ring` would be compiled anew each time: its build
/// script asks to be run again when one of them changes.
const OF_THIS_PACKAGE: &[&str] = &["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME"];

/// The workspace's folder: the one above this package, which cargo names when it runs us.
pub(crate) fn workspace() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .context("find the workspace: start this as `cargo xtask`")?;
    Ok(package.parent().context("find the folder above xtask")?.to_owned())
}

/// Cargo, without the variables that speak of this package.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).stdin(Stdio::null());
    forget_this_package(&mut command);
    command
}

/// Takes this package's variables out of a child's environment.
pub(crate) fn forget_this_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let ours = name
            .to_str()
            .is_some_and(|name| OF_THIS_PACKAGE.iter().any(|prefix| name.starts_with(prefix)));
        if ours {
            command.env_remove(name);
        }
    }
}

/// Runs a command to its end with its output on ours; true if it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("start {}", shown(command)))?;
    Ok(status.success())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program()).to_string_lossy();
    command
        .get_args()
        .fold(format!("`{name}"), |text, argument| format!("{text} {}", argument.to_string_lossy()))
        + "`"
}
