//! A folder with the files of an agent, and the shipped program in it.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use agent::files::write_private;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The shipped program.
pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_storekeep-agent");

/// Far beyond what any of it takes; reached only by a fault.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

const EXAMPLE: &str = include_str!("../../../docs/examples/sale.json");

/// The files of one agent.
pub(crate) struct Host(TempDir);

/// A running agent.
pub(crate) struct Running {
    child: Child,
}

impl Host {
    /// In a place that another user can reach and that is not below `/tmp`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let host = Self(folder);
        fs::create_dir(host.data()).unwrap();
        host.configure("");
        host
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Writes the configuration, which everybody may read.
    pub(crate) fn configure(&self, more: &str) {
        let file = self.folder().join("agent.toml");
        let text = format!("store = \"0042\"\n{more}\n[local_api]\nlisten = \"127.0.0.1:0\"\n");
        write_private(&file, text.as_bytes()).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    }

    /// The command that runs the agent, with the program in front of it that is handed in.
    pub(crate) fn run(&self, mut command: Command) -> Command {
        command.arg("run").arg("--config").arg(self.folder().join("agent.toml"));
        command
            .arg("--data-dir")
            .arg(self.data())
            .stdout(Stdio::piped())
            .env_remove("NOTIFY_SOCKET");
        command
    }

    /// Starts it, and returns when it takes sales.
    pub(crate) fn start(&self, command: &mut Command) -> Running {
        let mut child = command.spawn().unwrap();
        // It says where it takes sales once it does; at its end that line is missing.
        let mut said = String::new();
        let mut out = child.stdout.take().unwrap();
        while !said.ends_with("local-api.token\n") {
            let mut bytes = [0; 256];
            let length = out.read(&mut bytes).unwrap();
            assert_ne!(length, 0, "the agent ended: {said}");
            said.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        Running { child }
    }

    /// Sells something; returns the status that the POS sees.
    pub(crate) fn sell(&self, receipt: &str) -> u16 {
        let sale = EXAMPLE.replace("900001", receipt);
        let read = |name| fs::read_to_string(self.data().join(name)).unwrap().trim().to_owned();
        let (address, token) = (read("local-api.address"), read("local-api.token"));
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{sale}",
            sale.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("{answer}"))
    }
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to stop, as systemd does.
    pub(crate) fn terminate(&self) {
        let id = Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
    }

    /// How it ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    /// A test that failed leaves nothing behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill().and_then(|()| self.child.wait()));
        }
    }
}
