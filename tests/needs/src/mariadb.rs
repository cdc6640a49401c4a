//! A MariaDB of the tests' own: one server a process, a database a test.
//!
//! It listens on a Unix socket in a temporary folder and nowhere else. A shell waits at the end of
//! a pipe that this process holds: however the process ends, the pipe closes, and the shell stops
//! the server and removes the folder. Does not install anything and keeps nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow, ensure};

use crate::postgres::user;

/// What brings MariaDB.
const INSTALL: &str = "apt-get install mariadb-server";

/// The user of Debian's package, for a test run by root: the server refuses to run as root.
const SERVER_USER: &str = "mysql";

/// Starts the server, says so, and stops it when nobody holds the pipe any more. Its own settings
/// apply, not those of a server of the host.
const SCRIPT: &str = r#"
trap '' INT
mariadb-install-db --no-defaults --datadir="$2/data" --skip-test-db \
  --auth-root-authentication-method=normal >"$2/log" 2>&1 || { cat "$2/log"; exit 1; }
"$1" --no-defaults --datadir="$2/data" --socket="$2/socket" --pid-file="$2/pid" --skip-networking \
  --innodb-buffer-pool-size=32M >>"$2/log" 2>&1 &
server=$!
until mariadb-admin --no-defaults -u root --socket="$2/socket" ping >/dev/null 2>&1; do
  kill -0 $server || { cat "$2/log"; exit 1; }
  sleep 0.1
done
echo ready
cat >/dev/null
kill -KILL $server
rm -rf "$2"
"#;

/// A server that runs as long as this process.
pub struct Server {
    folder: PathBuf,
    databases: AtomicUsize,
    _supervisor: Child,
    _pipe: ChildStdin,
}

/// Where the server's program stands; a test that finds none is counted as not run.
#[must_use]
#[track_caller]
pub fn program() -> Option<PathBuf> {
    crate::system_program("mariadbd", INSTALL)
}

impl Server {
    /// The server that this process shares, started by whoever asks first.
    ///
    /// # Errors
    /// It does not start.
    pub fn of_this_process(program: &Path) -> Result<&'static Self> {
        static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
        let start = || Self::start(program).map_err(|error| format!("{error:#}"));
        SERVER.get_or_init(start).as_ref().map_err(|error| anyhow!("{error}"))
    }

    fn start(program: &Path) -> Result<Self> {
        // A short path: a socket's has at most 107 bytes. The shell removes the folder.
        let folder = tempfile::Builder::new().prefix("skmy").tempdir();
        let folder = folder.context("make MariaDB's folder")?.keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(program).arg(&folder);
        shell.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        if fs::metadata(&folder).context("look at MariaDB's folder")?.uid() == 0 {
            let (uid, gid) = user(SERVER_USER)?;
            chown(&folder, Some(uid), Some(gid)).context("hand the folder to MariaDB's user")?;
            shell.uid(uid).gid(gid);
        }
        let mut supervisor = shell.spawn().context("start MariaDB's supervisor")?;
        let pipe = supervisor.stdin.take().context("hold the supervisor's pipe")?;
        let said = supervisor.stdout.take().context("hear the supervisor")?;
        let mut said = BufReader::new(said).lines();
        let first = said.next().transpose().context("hear the supervisor")?.unwrap_or_default();
        if first != "ready" {
            let rest = said.collect::<std::io::Result<Vec<String>>>()?;
            return Err(anyhow!("start MariaDB: {first}\n{}", rest.join("\n")));
        }
        let databases = AtomicUsize::new(0);
        Ok(Self { folder, databases, _supervisor: supervisor, _pipe: pipe })
    }

    /// The socket's file; its user `root` has no password.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The name of a new, empty database.
    ///
    /// # Errors
    /// The server does not make it.
    pub fn database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run("mysql", &format!("CREATE DATABASE {name}"))?;
        Ok(name)
    }

    /// Runs statements as root.
    ///
    /// # Errors
    /// The server refuses one.
    pub fn run(&self, database: &str, statements: &str) -> Result<()> {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-u", "root", "-D", database, "-e", statements]);
        client.arg(format!("--socket={}", self.socket().display()));
        let done = client.output().context("start MariaDB's client")?;
        ensure!(done.status.success(), "run SQL: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }
}
