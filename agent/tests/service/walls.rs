//! The unit's walls, as far as a test can put them up: an own user, a host that is read-only but for
//! the data folder, a private `/tmp`, no capability, no new privilege.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use crate::host::{AGENT, Host};

/// The number of `nobody` and `nogroup` on Debian: a user without any right.
pub(crate) const NOBODY: u32 = 65_534;

/// What systemd does before it starts a program: `$1` stays writable, `$2` on is the program.
const WALLS: &str = r#"
data=$1; shift
case $data in /tmp/*) ;; *) mount -t tmpfs tmpfs /tmp ;; esac
mount --bind "$data" "$data"
mount -o remount,bind,ro /
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all \
    --bounding-set=-all "$@"
"#;

/// A command within the walls; none where this host does not let a test put them up.
#[track_caller]
fn within(host: &Host) -> Option<Command> {
    let unshare = needs::program("unshare", "apt-get install util-linux")?;
    needs::program("setpriv", "apt-get install util-linux")?;
    let walls = |program: &Path| {
        let mut command = Command::new(&unshare);
        command.args(["--mount", "--propagation=private", "sh", "-e", "-c", WALLS, "sh"]);
        command.arg(host.data()).arg(program);
        command
    };
    let tried = walls(Path::new(AGENT)).arg("--version").output().unwrap();
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr);
        let missing =
            format!("mount namespaces, and a program that every user can reach ({})", said.trim());
        needs::host(&missing, "sudo cargo test -p agent --test service");
        return None;
    }
    Some(walls(Path::new(AGENT)))
}

/// What the kernel says of a process.
fn status(id: u32, key: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().to_owned()
}

#[test]
fn it_sells_and_stops_in_order_within_the_walls_of_its_unit() {
    let host = Host::new();
    if chown(host.data(), Some(NOBODY), Some(NOBODY)).is_err() {
        return needs::host(
            "the rights of an administrator",
            "sudo cargo test -p agent --test service",
        );
    }
    let Some(command) = within(&host) else { return };
    let mut agent = host.start(&mut host.run(command));
    assert_eq!(status(agent.id(), "Uid"), NOBODY.to_string());
    assert_eq!(status(agent.id(), "NoNewPrivs"), "1");
    assert_eq!(status(agent.id(), "CapEff"), "0000000000000000");
    assert_eq!(status(agent.id(), "CapBnd"), "0000000000000000");
    let mounts = fs::read_to_string(format!("/proc/{}/mounts", agent.id())).unwrap();
    let root = mounts.lines().rev().find(|line| line.split(' ').nth(1) == Some("/")).unwrap();
    assert!(root.split(' ').nth(3).unwrap().split(',').any(|option| option == "ro"), "{root}");
    assert_eq!(host.sell("000001"), 201);
    agent.terminate();
    assert!(agent.ended().success());
    // What it has sold is there at the next start.
    let mut agent = host.start(&mut host.run(within(&host).unwrap()));
    assert_eq!(host.sell("000001"), 200, "a replay");
    agent.terminate();
    assert!(agent.ended().success());
}
