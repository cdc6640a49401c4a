//! What tests need of Debian, and how it is brought there.
//!
//! Only on request. What cannot be installed is said and not an error here: the tests that need it
//! say so themselves and are counted as not run.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::Result;

use crate::cargo::{shown, succeeds};

/// A program that some test starts.
struct Tool {
    program: &'static str,
    /// The Debian package that brings it.
    package: &'static str,
    wanted_for: &'static str,
}

/// One line each; a test asks for its program with `needs::program`.
const TOOLS: &[Tool] = &[
    Tool {
        program: "chromium",
        package: "chromium",
        wanted_for: "the agent's local page, seen as a browser sees it",
    },
    Tool {
        program: "curl",
        package: "curl",
        wanted_for: "the example client of integrators in shell",
    },
    Tool { program: "python3", package: "python3", wanted_for: "the same in Python" },
    Tool { program: "mcs", package: "mono-mcs", wanted_for: "the same in C#" },
    Tool {
        program: "mono",
        package: "libmono-system-net-http4.0-cil",
        wanted_for: "the client in C#, which speaks HTTP",
    },
    Tool {
        program: "mosquitto",
        package: "mosquitto",
        wanted_for: "batches that go through a real MQTT broker",
    },
    Tool {
        program: "initdb",
        package: "postgresql",
        wanted_for: "the relay's store in PostgreSQL, on a server that the tests start",
    },
    Tool {
        program: "systemd-analyze",
        package: "systemd",
        wanted_for: "how far the units are closed, and the users that the installer makes",
    },
    Tool {
        program: "mariadbd",
        package: "mariadb-server",
        wanted_for: "POS databases in MariaDB, on a server that the tests start",
    },
    Tool {
        program: "softhsm2-util",
        package: "softhsm2",
        wanted_for: "the journal's key on a token, by a library of PKCS#11",
    },
    Tool {
        program: "strace",
        package: "strace",
        wanted_for: "whether the agent's unit allows every system call that the agent makes",
    },
    Tool {
        program: "mkfs.ext4",
        package: "e2fsprogs",
        wanted_for: "power cuts under an ext4 file system",
    },
    Tool {
        program: "mkfs.xfs",
        package: "xfsprogs",
        wanted_for: "power cuts under an XFS file system",
    },
];

/// Where Debian keeps PostgreSQL's programs, a folder a version: not in `PATH`.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// Installs every tool that is not there yet.
pub(super) fn install() -> Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !is_there(tool.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for tool in &missing {
        println!("installing {}: {}", tool.package, tool.wanted_for);
    }
    if !succeeds(apt_get().arg("update"))? {
        println!("not refreshed: the list of Debian packages");
    }
    let mut command = apt_get();
    command.args(["install", "--yes", "--no-install-recommends"]);
    command.args(missing.iter().map(|tool| tool.package));
    if !succeeds(&mut command)? {
        println!("not installed: {} failed; it has to run as root", shown(&command));
    }
    Ok(())
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet").stdin(Stdio::null());
    command.stdout(Stdio::null());
    command
}

/// Whether a program of this name stands in one of the folders of `PATH` or of PostgreSQL.
fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    if let Ok(versions) = fs::read_dir(POSTGRESQL) {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.iter().any(|folder| folder.join(program).is_file())
}
