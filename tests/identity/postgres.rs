//! The same stories on a relay whose store is PostgreSQL: fewer, because a commit takes longer.
//!
//! The server is the test's own, listens on a Unix socket in its folder, and ends with the pipe
//! that this process holds.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use cloud_relay::seams::Telling;
use cloud_relay::store::postgres::{Address, PostgresStore, WhenEmpty};
use tests::needs;

use crate::relay::{Book, Relay};
use crate::time::Time;
use crate::{clones, restored};

/// Of each kind of story.
const STORIES: usize = 8;

/// The user of Debian's package, for a test run by root: the server refuses to run as root.
const SERVER_USER: &str = "postgres";

/// Starts the server, says so, and stops it when nobody holds the pipe any more.
const SCRIPT: &str = r#"
"$1/initdb" -D "$2/data" -U storekeep -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1 &&
"$1/pg_ctl" -w -t 120 -D "$2/data" -l "$2/log" \
  -o "-k '$2' -c listen_addresses=''" start >>"$2/log" 2>&1 &&
echo ready || { cat "$2/log"; exit 1; }
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate stop >>"$2/log" 2>&1
rm -rf "$2"
"#;

struct Server {
    folder: PathBuf,
    _shell: Child,
    _pipe: ChildStdin,
}

impl Server {
    fn start(programs: &Path) -> Self {
        // A short path: a socket's has at most 107 bytes. The shell removes the folder.
        let folder = tempfile::Builder::new().prefix("skid").tempdir().unwrap().keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(programs).arg(&folder).current_dir(&folder);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        if std::fs::metadata(&folder).unwrap().uid() == 0 {
            let (uid, gid) = user(SERVER_USER).expect("PostgreSQL's package brings its user");
            chown(&folder, Some(uid), Some(gid)).unwrap();
            shell.uid(uid).gid(gid);
        }
        let mut shell = shell.spawn().unwrap();
        let pipe = shell.stdin.take().unwrap();
        let mut said = BufReader::new(shell.stdout.take().unwrap()).lines();
        let first = said.next().unwrap().unwrap();
        assert_eq!(first, "ready", "PostgreSQL does not start");
        Self { folder, _shell: shell, _pipe: pipe }
    }

    fn address(&self) -> Address {
        let host = self.folder.to_str().unwrap().replace('/', "%2F");
        let url = format!("postgresql://storekeep@{host}/postgres");
        Address { url, password: None, authorities: None }
    }
}

/// User and group of a name, as the host's list has them.
fn user(name: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let mut number = || fields.next()?.parse().ok();
    Some((number()?, number()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clones_and_restored_hosts_are_told_apart_on_postgresql_too() {
    let Some(programs) = needs::postgresql() else { return };
    let server = Server::start(&programs);
    let store = PostgresStore::open(&server.address(), WhenEmpty::Make).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (time, book) = (Time::new(), Book::default());
    let relay = Relay::over(Arc::new(store), folder.path(), &time, &book, Telling::Apart);
    clones::found_kept_apart_and_settled(&relay, STORIES).await;
    restored::sell_on(&relay, STORIES).await;
}
