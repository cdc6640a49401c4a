//! A host with the real relay on it, and the line before it.
//!
//! It only takes batches (`serve`): the target that it plans for is never called, so that what is
//! measured is what agent and relay do. Its store is SQLite, and is asked itself what it holds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent::files::{make_private_folder, write_private};
use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tests::free_port::free_port;
use tests::mosquitto::RELAY_NAME;
use tests::network::Proxy;
use tests::process::Running;
use tests::wait;
use tokio::net::TcpStream;

use crate::Bench;
use crate::agent_host::WAIT;
use crate::timing::now;
use crate::workload::STORE;

/// The target that sales are planned for. Nobody listens there, and nobody calls.
const TARGET: &str = "[targets.shop]\nkind = \"shopify\"\nshop = \"http://127.0.0.1:9\"\n\
                      client_id = \"none\"\n";

/// What the relay's store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) entries: u64,
    pub(crate) receipts: u64,
    pub(crate) deliveries: u64,
}

/// A relay, and the line to it.
pub(crate) struct RelayHost {
    pub(crate) folder: PathBuf,
    pub(crate) line: Proxy,
    running: Running,
    address: SocketAddr,
}

impl RelayHost {
    /// Starts a relay that speaks HTTPS, and MQTT if there is a broker.
    pub(crate) async fn start(
        bench: &Bench,
        folder: &Path,
        broker: Option<SocketAddr>,
    ) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        write_configuration(folder, address, broker, "")?;
        let running = run(bench, folder, address).await?;
        let line = Proxy::open(address, 1).await.context("lay the line to the relay")?;
        Ok(Self { folder: folder.to_owned(), line, running, address })
    }

    /// Kills it and starts it again. The moment from which on it listens again.
    pub(crate) async fn crash(&mut self, bench: &Bench) -> Result<std::time::Instant> {
        self.running.kill()?;
        self.running = run(bench, &self.folder, self.address).await?;
        Ok(now())
    }

    /// What an agent's configuration says to reach it along the line.
    pub(crate) async fn way_for_agents(&self, bench: &Bench, label: &str) -> Result<String> {
        let token = self.token(bench, label).await?;
        let file = self.folder.join(format!("{label}.token"));
        write_private(&file, token.as_bytes()).context("write the token")?;
        Ok(format!(
            "[relay]\nurl = \"https://localhost:{}\"\nca_file = \"{}\"\n\
             enrolment_token_file = \"{}\"\n",
            self.line.address().port(),
            self.folder.join("relay.pem").display(),
            file.display()
        ))
    }

    async fn token(&self, bench: &Bench, label: &str) -> Result<String> {
        let program = bench.programs.relay(&self.folder).argument("token").argument("create");
        let program = program.argument("--json").argument("--label").argument(label);
        let program = program.argument("--store").argument(STORE);
        let output = self.folder.join(format!("{label}.out"));
        let mut running = program.start(&output)?;
        let status = running.ended(WAIT).await?;
        let said = running.said()?;
        ensure!(status.success(), "make a token: {said}");
        let made: Value = serde_json::from_str(&said).context("read the token's JSON")?;
        Ok(made["token"].as_str().context("find the token")?.to_owned())
    }

    /// What its store holds now.
    pub(crate) fn held(&self) -> Result<Held> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Connection::open_with_flags(self.folder.join("relay.db"), flags)
            .context("open the relay's store")?;
        let count = |sql: &str| -> Result<u64> {
            let count: i64 = store.query_row(sql, [], |row| row.get(0)).context("count")?;
            u64::try_from(count).context("count")
        };
        Ok(Held {
            entries: count("SELECT count(*) FROM inbox")?,
            receipts: count("SELECT count(*) FROM natural_keys")?,
            deliveries: count("SELECT count(DISTINCT inbox_row) FROM outbox")?,
        })
    }

    /// Waits until it holds more than so many entries; how long after `since` it did.
    pub(crate) async fn holds_more(
        &self,
        entries: u64,
        since: std::time::Instant,
    ) -> Result<Duration> {
        let look = || async { (self.head().ok()? > entries).then_some(since.elapsed()) };
        wait::until("the relay to commit a batch", WAIT, look).await
    }

    /// The sum of all heads: cheaper to ask for than a count.
    pub(crate) fn head(&self) -> Result<u64> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Connection::open_with_flags(self.folder.join("relay.db"), flags)
            .context("open the relay's store")?;
        let sql = "SELECT coalesce(sum(head_sequence), 0) FROM epochs";
        let head: i64 = store.query_row(sql, [], |row| row.get(0)).context("read the heads")?;
        u64::try_from(head).context("read the heads")
    }
}

/// Writes what a relay is started with.
pub(crate) fn write_configuration(
    folder: &Path,
    address: SocketAddr,
    broker: Option<SocketAddr>,
    store: &str,
) -> Result<()> {
    make_private_folder(folder).context("make the relay's folder")?;
    let names = vec!["localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("make a certificate")?;
    let write = |name: &str, text: &str| -> Result<PathBuf> {
        let file = folder.join(name);
        write_private(&file, text.as_bytes()).with_context(|| format!("write `{name}`"))?;
        Ok(file)
    };
    let certificate = write("relay.pem", &made.cert.pem())?;
    let key = write("relay.key", &made.signing_key.serialize_pem())?;
    let secret = write("shop.secret", "none")?;
    let mqtt = broker.map(|broker| {
        format!("[mqtt]\nurl = \"mqtt://{broker}\"\nusername = \"{RELAY_NAME}\"\n\n")
    });
    let text = format!(
        "tenant = \"bench\"\n\n[listen]\naddress = \"{address}\"\ncertificate_file = \"{}\"\n\
         key_file = \"{}\"\n\n{store}{}{TARGET}client_secret_file = \"{}\"\n",
        certificate.display(),
        key.display(),
        mqtt.unwrap_or_default(),
        secret.display(),
    );
    write("relay.toml", &text).map(drop)
}

async fn run(bench: &Bench, folder: &Path, address: SocketAddr) -> Result<Running> {
    let running =
        bench.programs.relay(folder).argument("serve").start(&folder.join("relay.out"))?;
    let look = || async move { TcpStream::connect(address).await.ok() };
    wait::until("the relay to listen", WAIT, look).await?;
    Ok(running)
}
