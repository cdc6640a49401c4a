//! A disk image of a store's host, started at a second till.
//!
//! The copy has the original's identity and everything it holds; only where it listens is its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};

use super::process::Part;
use super::{StorePart, World, parts};
use crate::free_port::free_port;
use crate::network::Proxy;

impl World {
    /// Copies a store's host while its agent is off for a moment, and starts both. Answers the
    /// copy's index.
    ///
    /// # Errors
    /// A file cannot be copied, or one of the two does not answer in time.
    pub async fn copy_agent(&mut self, index: usize) -> Result<usize> {
        self.kill_agent(index)?;
        let store = &self.stores[index];
        let (name, from, address) = (store.name.clone(), store.folder.clone(), store.address);
        let at_relay = store.line.address();
        let folder = self.plan.folder.join(format!("store-{name}-copy")).join("agent");
        copy_files(&from, &folder)?;
        let port = free_port().context("find a port for the copy")?;
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let line = Proxy::open(self.asking.relay, self.plan.seed).await.context("lay a line")?;
        let configuration = folder.join("agent.toml");
        let text = fs::read_to_string(&configuration).context("read the copy's configuration")?;
        let text = text
            .replace(&address.to_string(), &own.to_string())
            .replace(&from.display().to_string(), &folder.display().to_string())
            .replace(&at_relay.to_string(), &line.address().to_string());
        agent::files::write_private(&configuration, text.as_bytes())
            .context("write the copy's configuration")?;
        let label = format!("agent-{name}-copy");
        let agent = Part::new(&label, &self.plan.folder, parts::agent(&folder)?);
        self.stores.push(StorePart {
            name,
            address: own,
            folder,
            line,
            line_to_broker: None,
            relayed_before_its_end: None,
            agent,
        });
        let copy = self.stores.len() - 1;
        self.start_agent(index).await?;
        self.start_agent(copy).await?;
        Ok(copy)
    }
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).context("make the copy's folder")?;
    for entry in fs::read_dir(from).context("list the host's files")? {
        let entry = entry.context("list the host's files")?;
        let target = to.join(entry.file_name());
        if entry.file_type().context("look at a file")?.is_dir() {
            copy_files(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).context("copy a file")?;
        }
    }
    Ok(())
}
