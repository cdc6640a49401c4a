//! A PostgreSQL of the tests' own: one cluster a test binary, a database a test.
//!
//! It listens on a Unix socket in a temporary folder and nowhere else. A shell waits at the end of
//! a pipe that this process holds: however the process ends, the pipe closes, and the shell stops
//! the server and removes the folder. Where PostgreSQL is not installed, a test says that it was
//! not run.

use std::env;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use deadpool_postgres::tokio_postgres::{Client, NoTls};

use super::super::{Address, PostgresStore, WhenEmpty};

/// Names the file that lists tests that were not run: one JSON line each.
const NOT_RUN: &str = "STOREKEEP_NOT_RUN";

/// The user of Debian's package, for a test run by root: the server refuses to run as root.
const SERVER_USER: &str = "postgres";

/// Starts the server, says so, and stops it when nobody holds the pipe any more. Durability stays
/// on: only `initdb` itself does not wait for the disk.
const SCRIPT: &str = r#"
"$1/initdb" -D "$2/data" -U storekeep -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1 &&
"$1/pg_ctl" -w -t 120 -D "$2/data" -l "$2/log" \
  -o "-k '$2' -c listen_addresses='' -c max_connections=300 $3" start >>"$2/log" 2>&1 &&
echo ready || { cat "$2/log"; exit 1; }
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate stop >>"$2/log" 2>&1
rm -rf "$2"
"#;

/// A server that runs as long as this process.
pub(crate) struct Cluster {
    folder: PathBuf,
    databases: AtomicUsize,
    _supervisor: Child,
    _pipe: ChildStdin,
}

/// The cluster of this test binary; none if this host has no PostgreSQL, and then the test is
/// named as not run.
#[track_caller]
pub(crate) fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    let start = |programs: PathBuf| Cluster::start(&programs, &[], "");
    let cluster = CLUSTER.get_or_init(|| programs().map(start));
    if cluster.is_none() {
        say_not_run(std::panic::Location::caller());
    }
    cluster.as_ref()
}

/// A server of its own that speaks TLS on a loopback port, with a certificate and its key (PEM).
#[track_caller]
pub(crate) fn with_tls(certificate: &str, key: &str) -> Option<(Cluster, u16)> {
    let Some(programs) = programs() else {
        say_not_run(std::panic::Location::caller());
        return None;
    };
    // PostgreSQL takes no port 0. Should another take the port meanwhile, the server says so.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c ssl=on \
         -c ssl_cert_file=../server.pem -c ssl_key_file=../server.key"
    );
    let files = [("server.pem", certificate), ("server.key", key)];
    Some((Cluster::start(&programs, &files, &options), port))
}

/// The folder of the server's programs, which Debian keeps out of `PATH`.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let folders = folders.into_iter().rev().map(|folder| folder.join("bin"));
    env::split_paths(&path).chain(folders).find(|folder| folder.join("initdb").is_file())
}

fn say_not_run(asked_at: &std::panic::Location<'_>) {
    let thread = std::thread::current().name().map(ToOwned::to_owned);
    let test = thread.filter(|name| name != "main").unwrap_or_else(|| asked_at.to_string());
    let line = serde_json::json!({
        "test": test,
        "missing": "PostgreSQL",
        "command": "apt-get install postgresql",
    });
    match env::var_os(NOT_RUN) {
        Some(file) => {
            let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
            file.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        None => eprintln!("not run: {line}"),
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

impl Cluster {
    /// Starts a server with files in its folder and further options.
    fn start(programs: &Path, files: &[(&str, &str)], options: &str) -> Self {
        // A short path: a socket's has at most 107 bytes. The shell removes the folder.
        let folder = tempfile::Builder::new().prefix("skpg").tempdir().unwrap().keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(programs).arg(&folder).arg(options);
        shell.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        for (name, content) in files {
            crate::files::write_private(&folder.join(name), content.as_bytes()).unwrap();
        }
        if std::fs::metadata(&folder).unwrap().uid() == 0 {
            let (uid, gid) = user(SERVER_USER).expect("PostgreSQL's package brings its user");
            let names = files.iter().map(|(name, _)| folder.join(name));
            for path in names.chain([folder.clone()]) {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
            shell.uid(uid).gid(gid);
        }
        let mut supervisor = shell.spawn().unwrap();
        let pipe = supervisor.stdin.take().unwrap();
        let mut said = BufReader::new(supervisor.stdout.take().unwrap()).lines();
        let first = said.next().unwrap().unwrap();
        if first != "ready" {
            let rest: Vec<String> = said.map(|line| line.unwrap()).collect();
            panic!("PostgreSQL does not start: {first}\n{}", rest.join("\n"));
        }
        let databases = AtomicUsize::new(0);
        Self { folder, databases, _supervisor: supervisor, _pipe: pipe }
    }

    /// The address of a new, empty database.
    pub(crate) async fn database(&self) -> Address {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let client = self.connect("postgres").await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Address { url: self.url(&name), password: None, authorities: None }
    }

    fn url(&self, database: &str) -> String {
        let host = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgresql://storekeep@{host}/{database}")
    }

    async fn connect(&self, database: &str) -> Client {
        client(&self.url(database)).await
    }
}

/// A plain connection, for looking behind the seam.
pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.unwrap() });
    client
}

/// Opens the store in a database, or makes it.
pub(crate) async fn opened(address: &Address) -> PostgresStore {
    PostgresStore::open(address, WhenEmpty::Make).await.unwrap()
}
