//! A whole small world: stores with their agents, the line between, a relay, a simulated Shopify and
//! if wanted a simulated ERPNext, each a process of its own, and the registers that sell.
//!
//! The demo shows it to people; scenarios hold its claims against it. Faults that break a promise
//! on purpose are values of the plan and reach the programs' libraries as seams ([`parts`]); the
//! programs that ship have no way to ask for them. Judges nothing itself: the books do.

mod ask;
mod commands;
mod copies;
mod erp;
mod files;
mod holdings;
pub mod parts;
mod plan;
mod process;
mod standing;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};

pub use ask::{AgentView, Asking, ExceptionView, RelayView};
pub use commands::Ended;
pub use erp::{TARGET as ERP_TARGET, price_cents};
pub use plan::{LATE_SECONDS_MAX, Plan, Ports, RelayFault, RelayStore, Targets, Uplink};

use self::files::{Files, Servers};
use self::process::Part;
use crate::mosquitto::{self, Mosquitto};
use crate::network::{Mode, Proxy};
use crate::pos::books::{Books, SharedBooks};
use crate::pos::catalogue::Catalogue;
use crate::pos::client::Agent as Till;
use crate::pos::place::{Identity, Place, Store};
use crate::pos::register::Register;
use crate::wait;

/// How long a program may take to answer after its start, on a machine that compiles besides.
const START_WAIT: Duration = Duration::from_secs(60);

/// A store with its agent and its line.
pub struct StorePart {
    /// Its name.
    pub name: String,
    /// The agent's local address.
    pub address: SocketAddr,
    /// Where the agent keeps its files.
    pub folder: PathBuf,
    /// The line to the relay.
    pub line: Proxy,
    /// The line to the broker, if there is one.
    pub line_to_broker: Option<Proxy>,
    /// What it had relayed when its host was destroyed.
    pub relayed_before_its_end: Option<u64>,
    agent: Part,
}

/// The world.
pub struct World {
    /// What it was made from.
    pub plan: Plan,
    /// The stores.
    pub stores: Vec<StorePart>,
    /// What the stores wrote down.
    pub books: SharedBooks,
    /// What they sell.
    pub catalogue: Arc<Catalogue>,
    /// Asks the programs.
    pub asking: Asking,
    /// Whether the shop was told to drop answers.
    pub is_dropping: bool,
    /// How many poison orders were handed in.
    pub poisoned: u32,
    /// The broker between agents and relay, if batches go through one.
    pub broker: Option<Mosquitto>,
    files: Files,
    relay: Part,
    shopify: Part,
    erpnext: Option<Part>,
}

impl World {
    /// Starts everything and enrols the agents.
    ///
    /// # Errors
    /// A program does not start or does not answer in time.
    pub async fn start(plan: Plan) -> Result<Self> {
        let catalogue =
            Arc::new(Catalogue::generate(plan.seed, plan.items, plan.weighed_per_mille));
        let ports = plan.ports.choose(plan.stores.len())?;
        files::clear(&plan.folder)?;
        let broker = broker(&plan).await?;
        let servers = Servers {
            broker: broker.as_ref().map(|broker| broker.address),
            database: database(&plan).await?,
        };
        let files = files::write(&plan, &catalogue, &ports, &servers)?;
        let shopify =
            Part::new("shopify", &plan.folder, parts::shopify(&files.shop, ports.shopify)?);
        let erpnext = match plan.has_erp() {
            true => Some(parts::erpnext(&files.site, ports.erpnext)?),
            false => None,
        };
        let erpnext = erpnext.map(|program| Part::new("erpnext", &plan.folder, program));
        let relay = Part::new("relay", &plan.folder, parts::relay(&plan.relay_faults, &files)?);
        let names = plan.stores.iter().map(String::as_str);
        let books = Arc::new(Mutex::new(Books::open(&catalogue, names)));
        let asking = Asking::new(&ports, files.relay.clone())?;
        let mut world = Self {
            plan,
            stores: Vec::new(),
            books,
            catalogue,
            asking,
            is_dropping: false,
            poisoned: 0,
            broker,
            files,
            relay,
            shopify,
            erpnext,
        };
        world.start_shopify().await?;
        world.start_erpnext().await?;
        world.start_relay().await?;
        for (index, name) in world.plan.stores.clone().into_iter().enumerate() {
            world.open_store(&name, ports.agents[index]).await?;
            world.start_agent(index).await?;
        }
        Ok(world)
    }

    /// Lays a store's lines and hands its agent what it enrols with.
    async fn open_store(&mut self, name: &str, address: SocketAddr) -> Result<()> {
        let seed = self.plan.seed;
        let line = Proxy::open(self.asking.relay, seed).await.context("lay the line of a store")?;
        let line_to_broker = match &self.broker {
            Some(broker) => Some(Proxy::open(broker.address, seed).await.context("lay a line")?),
            None => None,
        };
        let at_broker = line_to_broker.as_ref().map(Proxy::address);
        let folder = files::write_agent(&self.plan, name, address, line.address(), at_broker)?;
        let token = parts::create_token(&self.files, name).await?;
        files::write_token(&folder, &token)?;
        let label = format!("agent-{name}");
        let agent = Part::new(&label, &self.plan.folder, parts::agent(&folder)?);
        self.stores.push(StorePart {
            name: name.to_owned(),
            address,
            folder,
            line,
            line_to_broker,
            relayed_before_its_end: None,
            agent,
        });
        Ok(())
    }

    /// Starts the agent of a store and waits until it answers.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn start_agent(&mut self, index: usize) -> Result<()> {
        let store = &mut self.stores[index];
        store.agent.start()?;
        let what = format!("the agent of store {} to answer", store.name);
        let (asking, address) = (&self.asking, store.address);
        wait::until(&what, START_WAIT, || asking.answers(address, "/healthz")).await
    }

    /// Starts the relay and waits until it answers.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn start_relay(&mut self) -> Result<()> {
        self.relay.start()?;
        let asking = &self.asking;
        let look = || asking.answers(asking.relay, "/healthz");
        wait::until("the relay to answer", START_WAIT, look).await
    }

    async fn start_shopify(&mut self) -> Result<()> {
        self.shopify.start()?;
        let asking = &self.asking;
        let look = || asking.answers(asking.shopify, "/control/summary");
        wait::until("the simulated Shopify to answer", START_WAIT, look).await
    }

    /// Starts the ERPNext site, if there is one, and enters the stores' first stock.
    async fn start_erpnext(&mut self) -> Result<()> {
        let Some(erpnext) = &mut self.erpnext else { return Ok(()) };
        erpnext.start()?;
        let (asking, plan, catalogue) = (&self.asking, &self.plan, &self.catalogue);
        let address = asking.erpnext;
        let look = || asking.answers(address, "/control/summary");
        wait::until("the simulated ERPNext to answer", START_WAIT, look).await?;
        let setup = erp::site(plan, catalogue);
        erp::stock_up(asking.http(), address, &setup, plan, catalogue).await
    }

    /// Kills the agent of a store as a power cut would, without a chance to clean up.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill_agent(&mut self, index: usize) -> Result<()> {
        self.stores[index].agent.kill()
    }

    /// Waits until an agent has been told that everything it holds is relayed; answers how much
    /// that is.
    ///
    /// # Errors
    /// It has not by the deadline.
    pub async fn relayed(&self, index: usize, deadline: Duration) -> Result<u64> {
        let store = &self.stores[index];
        let what = format!("store {} to be told that all is relayed", store.name);
        let look = || async {
            let view = self.asking.agent(store.address, &store.folder).await.ok()?;
            (view.unsent == 0).then_some(view.entries)
        };
        wait::until(&what, deadline, look).await
    }

    /// Destroys a store's host with everything on it, as a fire does, after it had so much relayed.
    ///
    /// # Errors
    /// The system refuses.
    pub fn destroy_host(&mut self, index: usize, relayed: u64) -> Result<()> {
        self.kill_agent(index)?;
        self.stores[index].relayed_before_its_end = Some(relayed);
        let folder = &self.stores[index].folder;
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("destroy the host `{}`", folder.display()))
    }

    /// Kills the relay.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill_relay(&mut self) -> Result<()> {
        self.relay.kill()
    }

    /// Whether the relay's process runs.
    pub fn relay_runs(&mut self) -> bool {
        self.relay.runs()
    }

    /// Whether an agent's process runs.
    pub fn agent_runs(&mut self, index: usize) -> bool {
        self.stores[index].agent.runs()
    }

    /// Puts every store's line into a mode.
    ///
    /// # Errors
    /// A port cannot be listened on again after a cut.
    pub async fn lines(&self, mode: Mode) -> Result<()> {
        for store in &self.stores {
            store.line.set_mode(mode).await?;
            if let Some(line) = &store.line_to_broker {
                // Nobody repeats what is no HTTP; QoS 1 repeats of itself.
                let mode = if mode == Mode::Duplicate { Mode::Open } else { mode };
                line.set_mode(mode).await?;
            }
        }
        Ok(())
    }

    /// New registers of every store, each with the agent that it hands its events to.
    ///
    /// # Errors
    /// An agent's token cannot be read.
    pub fn registers(&self) -> Result<Vec<(Register, Till)>> {
        let mut registers = Vec::new();
        for (index, store) in (0_u64..).zip(&self.stores) {
            let place = Arc::new(Store {
                name: store.name.clone(),
                currency: "EUR".to_owned(),
                // The first store rounds cash to five cents.
                coin_minor: if index == 0 { 5 } else { 1 },
                taxation: self.plan.taxation(&store.name),
            });
            for number in 1..=self.plan.registers {
                let place = Place {
                    store: Arc::clone(&place),
                    register: number.to_string(),
                    cashier: format!("c-{number}"),
                };
                let seed = self.plan.seed.wrapping_mul(1_000_003) + index * 101 + u64::from(number);
                let identity = if number % 2 == 0 { Identity::Given } else { Identity::LeftOut };
                let catalogue = Arc::clone(&self.catalogue);
                registers.push(Register::new(place, catalogue, self.plan.mix, identity, seed));
            }
        }
        self.rejoined(registers)
    }

    /// Registers that have sold before, each with the agent that it hands its events to.
    ///
    /// # Errors
    /// An agent's token cannot be read, or a register is of a store elsewhere.
    pub fn rejoined(&self, registers: Vec<Register>) -> Result<Vec<(Register, Till)>> {
        let join = |register: Register| {
            let name = &register.place().store.name;
            let store = self.stores.iter().find(|store| store.name == *name);
            let store = store.with_context(|| format!("find store {name}"))?;
            let token = ask::token(&store.folder.join("local-api.token"))?;
            Ok((register, Till::at(store.address, &token)?))
        };
        registers.into_iter().map(join).collect()
    }

    /// The token that the tills of a store carry.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn till_token(&self, index: usize) -> Result<String> {
        ask::token(&self.stores[index].folder.join("local-api.token"))
    }
}

/// The broker of a world whose batches go through one.
async fn broker(plan: &Plan) -> Result<Option<Mosquitto>> {
    match plan.uplink {
        Uplink::Https => Ok(None),
        Uplink::Mqtt | Uplink::Both => {
            let program = mosquitto::installed()?;
            let folder = plan.folder.join("broker");
            Mosquitto::with_rules(&program, &folder).await.map(Some)
        }
    }
}

/// The database of a world whose relay keeps what it holds in one.
#[cfg(unix)]
async fn database(plan: &Plan) -> Result<Option<String>> {
    match plan.relay_store {
        RelayStore::Sqlite => Ok(None),
        RelayStore::Postgres => {
            let missing = || format!("find PostgreSQL (next: {})", needs::POSTGRESQL_INSTALL);
            let programs = needs::postgresql_installed().with_context(missing)?;
            let cluster = needs::postgres::Cluster::of_this_process(&programs)?;
            cluster.database().await.map(Some)
        }
    }
}

/// As on Unix; PostgreSQL is started over a Unix socket.
#[cfg(not(unix))]
async fn database(plan: &Plan) -> Result<Option<String>> {
    match plan.relay_store {
        RelayStore::Sqlite => Ok(None),
        RelayStore::Postgres => anyhow::bail!("start PostgreSQL: this host is no Unix"),
    }
}
