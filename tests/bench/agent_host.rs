//! A host with the real agent on it, as its own process.
//!
//! Does not know what is measured.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent::files::{make_private_folder, write_private};
use anyhow::{Context, Result};
use serde_json::Value;
use tests::pos::client::http;
use tests::process::{Program, Running};
use tests::wait;

use crate::Bench;
use crate::timing::now;
use crate::workload::STORE;

/// How long a program may take for what is waited for: no claim, only an end.
pub(crate) const WAIT: Duration = Duration::from_secs(300);

/// An agent.
pub(crate) struct AgentHost {
    pub(crate) folder: PathBuf,
    pub(crate) running: Running,
    program: Program,
    address: SocketAddr,
    sold: usize,
}

impl AgentHost {
    /// Starts an agent whose configuration says this about the relay.
    pub(crate) async fn start(bench: &Bench, folder: &Path, relay: &str) -> Result<Self> {
        make_private_folder(folder).context("make the agent's folder")?;
        let text =
            format!("store = \"{STORE}\"\n\n[local_api]\nlisten = \"127.0.0.1:0\"\n\n{relay}");
        write_private(&folder.join("agent.toml"), text.as_bytes())
            .context("write the agent's configuration")?;
        let program = bench.programs.agent(folder).argument("run");
        let (running, address) = run(&program, folder).await?;
        Ok(Self { folder: folder.to_owned(), running, program, address, sold: 0 })
    }

    /// Kills it and starts it again; how long until it takes sales.
    pub(crate) async fn start_again(&mut self) -> Result<Duration> {
        self.running.kill()?;
        let begun = now();
        (self.running, self.address) = run(&self.program, &self.folder).await?;
        Ok(begun.elapsed())
    }

    /// Hands it the next sales from so many tills; the figures of their calls.
    pub(crate) async fn sell(
        &mut self,
        bench: &Bench,
        callers: usize,
        count: usize,
    ) -> Result<Value> {
        let skip = self.sold;
        self.sold += count;
        let mut arguments = vec!["callers".into(), "--address".into(), self.address.to_string()];
        arguments.extend(["--token-file".into(), self.token_file().display().to_string()]);
        arguments.extend(["--callers".into(), callers.to_string()]);
        arguments.extend(bench.sales(skip, count));
        bench.programs.probe(arguments).await
    }

    /// What it says of itself.
    pub(crate) async fn status(&self) -> Result<Value> {
        let token = std::fs::read_to_string(self.token_file()).context("read the token")?;
        let request = http(WAIT)?.get(format!("http://{}/v1/status", self.address));
        let answer = request.bearer_auth(token.trim()).send().await.context("ask the agent")?;
        let text = answer.text().await.context("read the agent's answer")?;
        serde_json::from_str(&text).context("read the agent's status")
    }

    /// Waits until the relay has acknowledged all that it holds.
    pub(crate) async fn relayed(&self) -> Result<()> {
        let look = || async {
            let status = self.status().await.ok()?;
            (status.pointer("/journal/unsent")?.as_u64()? == 0).then_some(())
        };
        wait::until("the agent to have everything relayed", WAIT, look).await
    }

    /// Waits until it stands in touch with the relay.
    pub(crate) async fn online(&self) -> Result<()> {
        let look = || async {
            let status = self.status().await.ok()?;
            (status.pointer("/relay/link/kind")? == "online").then_some(())
        };
        wait::until("the agent to be online", WAIT, look).await
    }

    fn token_file(&self) -> PathBuf {
        self.folder.join("local-api.token")
    }
}

async fn run(program: &Program, folder: &Path) -> Result<(Running, SocketAddr)> {
    let mut running = program.start(&folder.join("agent.out"))?;
    let address = running
        .line("where it takes sales", WAIT, |line| line.split_once("http://")?.1.parse().ok())
        .await?;
    Ok((running, address))
}

impl Bench {
    /// The arguments that name sales to a probe.
    pub(crate) fn sales(&self, skip: usize, count: usize) -> [String; 6] {
        let sales = self.sales.display().to_string();
        [
            "--sales".into(),
            sales,
            "--skip".into(),
            skip.to_string(),
            "--count".into(),
            count.to_string(),
        ]
    }
}
