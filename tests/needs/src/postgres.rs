//! A PostgreSQL of the tests' own: one cluster a process, a database a test.
//!
//! It listens on a Unix socket in a temporary folder and nowhere else. A shell waits at the end of
//! a pipe that this process holds: however the process ends, the pipe closes, and the shell stops
//! the server and removes the folder. Does not install anything and keeps nothing.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use tokio_postgres::NoTls;

/// The user of Debian's package, for a test run by root: the server refuses to run as root.
const SERVER_USER: &str = "postgres";

/// Starts the server, says so, and stops it when nobody holds the pipe any more; Ctrl-C in the
/// terminal is for others. Durability stays on: only `initdb` itself does not wait for the disk.
const SCRIPT: &str = r#"
trap '' INT
"$1/initdb" -D "$2/data" -U storekeep -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1 &&
"$1/pg_ctl" -w -t 120 -D "$2/data" -l "$2/log" \
  -o "-k '$2' -c listen_addresses='' -c max_connections=300 $3" start >>"$2/log" 2>&1 &&
echo ready || { cat "$2/log"; exit 1; }
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate stop >>"$2/log" 2>&1
rm -rf "$2"
"#;

/// A server that runs as long as this process.
pub struct Cluster {
    folder: PathBuf,
    databases: AtomicUsize,
    _supervisor: Child,
    _pipe: ChildStdin,
}

impl Cluster {
    /// The cluster that this process shares, started by whoever asks first; `programs` is the
    /// folder of PostgreSQL's programs.
    ///
    /// # Errors
    /// It does not start.
    pub fn of_this_process(programs: &Path) -> Result<&'static Self> {
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let start = || Self::start(programs, &[], "").map_err(|error| format!("{error:#}"));
        CLUSTER.get_or_init(start).as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Starts a server of its own, with files in its folder and further options.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(programs: &Path, files: &[(&str, &str)], options: &str) -> Result<Self> {
        // A short path: a socket's has at most 107 bytes. The shell removes the folder.
        let folder = tempfile::Builder::new().prefix("skpg").tempdir();
        let folder = folder.context("make PostgreSQL's folder")?.keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(programs).arg(&folder).arg(options);
        shell.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        for (name, content) in files {
            write_private(&folder.join(name), content)?;
        }
        if fs::metadata(&folder).context("look at PostgreSQL's folder")?.uid() == 0 {
            let (uid, gid) = user(SERVER_USER)?;
            let names = files.iter().map(|(name, _)| folder.join(name));
            for path in names.chain([folder.clone()]) {
                chown(path, Some(uid), Some(gid)).context("hand files to PostgreSQL's user")?;
            }
            shell.uid(uid).gid(gid);
        }
        let mut supervisor = shell.spawn().context("start PostgreSQL's supervisor")?;
        let pipe = supervisor.stdin.take().context("hold the supervisor's pipe")?;
        let said = supervisor.stdout.take().context("hear the supervisor")?;
        let mut said = BufReader::new(said).lines();
        let first = said.next().transpose().context("hear the supervisor")?.unwrap_or_default();
        if first != "ready" {
            let rest = said.collect::<std::io::Result<Vec<String>>>()?;
            return Err(anyhow!("start PostgreSQL: {first}\n{}", rest.join("\n")));
        }
        let databases = AtomicUsize::new(0);
        Ok(Self { folder, databases, _supervisor: supervisor, _pipe: pipe })
    }

    /// The address of a new, empty database.
    ///
    /// # Errors
    /// The server does not make it.
    pub async fn database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let connected = tokio_postgres::connect(&self.url("postgres"), NoTls).await;
        let (client, connection) = connected.context("connect to PostgreSQL")?;
        let made = async {
            let made = client.batch_execute(&format!("CREATE DATABASE {name}")).await;
            // The connection ends with its client.
            drop(client);
            made
        };
        let (made, ended) = tokio::join!(made, connection);
        made.context("make a database")?;
        ended.context("end the connection to PostgreSQL")?;
        Ok(self.url(&name))
    }

    fn url(&self, database: &str) -> String {
        let host = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgresql://storekeep@{host}/{database}")
    }
}

/// User and group of a name, as the host's list has them.
pub(crate) fn user(name: &str) -> Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").context("read the host's users")?;
    let line = users.lines().find(|line| line.split(':').next() == Some(name));
    let line = line.with_context(|| format!("find the user `{name}` that the package brings"))?;
    let fields: Vec<_> = line.split(':').collect();
    ensure!(fields.len() > 3, "read the user `{name}`");
    let number = |field: &str| field.parse().with_context(|| format!("read the user `{name}`"));
    Ok((number(fields[2])?, number(fields[3])?))
}

/// Nobody else may read a server's key. The folder goes with the server.
fn write_private(path: &Path, content: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(content.as_bytes()));
    written.with_context(|| format!("write `{}`", path.display()))
}
