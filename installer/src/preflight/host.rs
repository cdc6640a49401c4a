//! What is checked on the host itself: room, another agent, the port, scanners of files.
//!
//! Ends no process and opens no file of anybody.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use super::Check;
use crate::problem::Code;

const MIB: u64 = 1024 * 1024;

/// With less the agent would refuse sales soon: programs and logs take 100 MiB, the journal's
/// reserve 96, and a quarter of a million five-line sales the rest.
const DISK_BYTES_MIN: u64 = 512 * MIB;

/// A year of a small store's sales: with less someone should look.
const DISK_BYTES_WISHED: u64 = 4 * 1024 * MIB;

/// The agent's process, as the kernel names it: the first 15 bytes of its program's name.
const PROCESS: &str = "storekeep-agent";

/// Units of an agent that this program has not installed.
const UNITS_OF_OTHERS: [&str; 2] = [
    "usr/lib/systemd/system/storekeep-agent.service",
    "lib/systemd/system/storekeep-agent.service",
];

/// Where programs that scan files as they are written stand, and what their makers call them.
const SCANNERS: [(&str, &str); 9] = [
    ("opt/microsoft/mdatp", "Microsoft Defender"),
    ("opt/CrowdStrike", "CrowdStrike Falcon"),
    ("opt/sentinelone", "SentinelOne"),
    ("opt/sophos-spl", "Sophos"),
    ("opt/eset", "ESET"),
    ("opt/kaspersky", "Kaspersky"),
    ("opt/TrendMicro", "Trend Micro"),
    ("opt/bitdefender-security-tools", "Bitdefender"),
    ("etc/clamav/clamd.conf", "ClamAV"),
];

/// Whether there is room.
pub(super) fn disk(data: &Path) -> Check {
    const NAME: &str = "disk";
    let there = data.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    match fs4::available_space(there) {
        Ok(free) => room(free, data),
        Err(error) => Check::bad(
            NAME,
            Code::Disk,
            format!("ask for the room at `{}`: {error}", there.display()),
            "look whether that file system is mounted and healthy",
        ),
    }
}

/// What a number of free bytes means.
pub(super) fn room(free: u64, data: &Path) -> Check {
    const NAME: &str = "disk";
    let found = format!("{} MiB free for `{}`", free / MIB, data.display());
    let fix = format!("make room, or mount a larger disk at `{}`", data.display());
    match free {
        ..DISK_BYTES_MIN => {
            let found = format!("{found}, {} are needed", DISK_BYTES_MIN / MIB);
            Check::blocks(NAME, Code::Disk, found, fix)
        }
        DISK_BYTES_MIN..DISK_BYTES_WISHED => Check::notice(NAME, found, fix),
        DISK_BYTES_WISHED.. => Check::good(NAME, found),
    }
}

/// Whether another agent is here: two would take each other's files and port.
pub(super) fn another_agent(root: &Path, processes: &Path, own_agent_runs: bool) -> Check {
    const NAME: &str = "other agents";
    if let Some(unit) = UNITS_OF_OTHERS.iter().find(|unit| root.join(unit).exists()) {
        return Check::blocks(
            NAME,
            Code::AnotherAgent,
            format!("`/{unit}`: a package of the distribution has installed the agent"),
            "upgrade it with the package manager, or remove that package first",
        );
    }
    match running(processes) {
        Err(error) => Check::notice(
            NAME,
            format!("list the processes in `{}`: {error}", processes.display()),
            "look by hand whether a storekeep-agent runs",
        ),
        Ok(found) if found.is_empty() || own_agent_runs => Check::good(NAME, "none"),
        Ok(found) => Check::blocks(
            NAME,
            Code::AnotherAgent,
            format!("storekeep-agent runs already, as process {}", found.join(", ")),
            "stop it, and make sure that nothing starts it again",
        ),
    }
}

/// The numbers of the processes that are an agent.
fn running(processes: &Path) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(processes)? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().into_owned();
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // One that has ended meanwhile is none.
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if name.trim_end() == PROCESS {
            found.push(number);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the local API can listen.
pub(super) fn port(listen: SocketAddr, own_agent_runs: bool) -> Check {
    const NAME: &str = "port";
    match TcpListener::bind(listen) {
        Ok(_) => Check::good(NAME, format!("{listen} is free")),
        Err(_) if own_agent_runs => Check::good(NAME, format!("{listen} is the agent's own")),
        Err(error) => Check::blocks(
            NAME,
            Code::Port,
            format!("{listen} cannot be listened on: {error}"),
            format!(
                "`ss -ltnp 'sport = :{}'` names the program that has it; end that one, or choose \
                 another local_api.listen in a configuration of your own (--config)",
                listen.port()
            ),
        ),
    }
}

/// Whether something scans each file as it is written, which slows every sale down.
pub(super) fn scanners(root: &Path) -> Check {
    const NAME: &str = "file scanners";
    let found: Vec<_> = SCANNERS.iter().filter(|(path, _)| root.join(path).exists()).collect();
    if found.is_empty() {
        return Check::good(NAME, "none known");
    }
    let names: Vec<_> = found.iter().map(|(_, name)| *name).collect();
    let folder = PathBuf::from(crate::platform::layout::DATA);
    Check::notice(
        NAME,
        format!("{} may read each file as it is written", names.join(", ")),
        format!(
            "exclude `{}` there: it is encrypted, so nothing can be found in it, and each sale waits \
             for its disk",
            folder.display()
        ),
    )
}
