//! One run: builds a world from a seed, lets it sell under faults, ends the faults, waits until
//! everything has come to rest, and has the promises checked.
//!
//! One thread and virtual time: whatever happens follows from the seed. Holds no promise itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloud_relay::connectors::{Connector, Targets};
use cloud_relay::keys::{Keys, WhenMissing};
use cloud_relay::store::model::{NewDevice, NewToken};
use cloud_relay::store::sqlite::SqliteStore;
use cloud_relay::store::{SharedStore, Store};
use protocol::bytes::Bytes;
use protocol::id::{Code, DeviceId, StoreId, TargetId, TenantId};
use protocol::sign::SigningKey;
use ring::rand::SystemRandom;
use rust_decimal::Decimal;
use tokio::task::JoinSet;

use super::agent::Agent;
use super::chance::Chance;
use super::faults::{Faults, Planted, Victims};
use super::host::Host;
use super::model::Model;
use super::network::{Ends, Kind, Line, Weather};
use super::relay::{Plan, Replica};
use super::till::Till;
use super::trace::{Time, Trace};
use super::vendor::Vendor;
use super::vendor::ledger::Ledger;
use super::vendor::shop::Shop;
use super::{Game, Outcome};
use crate::pos::books::{Books, SharedBooks};
use crate::pos::catalogue::Catalogue;
use crate::pos::mix::Mix;
use crate::pos::place::{Identity, Place, Store as Shopfloor, Taxation};
use crate::pos::register::Register;

/// How long there are faults, at most: then tills that still wait get their answers.
const FAULTS_LAST_MAX: Duration = Duration::from_secs(6 * 60);

/// How long everything may take to come to rest without faults. The longest single waits are a
/// host that stands still for six minutes, and the back-off of five after the settle time of three.
const REST_WITHIN: Duration = Duration::from_secs(3 * 60 * 60);

/// How often is looked whether everything is at rest.
const REST_LOOK: Duration = Duration::from_secs(5);

/// How often the marks are checked while everything goes on.
const WATCH: Duration = Duration::from_millis(250);

/// The items of all stores.
const ITEMS: u32 = 12;

/// What tills do, with much that is rare elsewhere.
const MIX: Mix = Mix {
    sale: 60,
    take_back: 18,
    void: 3,
    no_sale: 2,
    suspend: 2,
    adjustment: 5,
    receipt: 4,
    count: 6,
    ..Mix::SALES
};

/// Everything of one run.
struct World {
    seed: u64,
    trace: Arc<Trace>,
    chance: Chance,
    inspector: SharedStore,
    keys: Arc<Keys>,
    replicas: Vec<Arc<Replica>>,
    shops: Vec<Arc<Shop>>,
    agents: Vec<(Arc<Agent>, Arc<Weather>)>,
    catalogue: Arc<Catalogue>,
    books: SharedBooks,
    tenant: TenantId,
}

/// Plays one game.
///
/// # Panics
/// The machine has no room for a folder.
#[must_use]
pub fn play(game: Game) -> Outcome {
    let folder = folder();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads");
    runtime.block_on(async {
        let trace = Arc::new(Trace::new(Time::begin(), game.keeps_lines));
        let world = World::build(game, folder.path(), Arc::clone(&trace)).await;
        let figures = world.run(game.planted).await;
        let (broken, lines) = trace.end();
        Outcome { broken, lines, ..figures }
    })
}

/// A folder in memory where there is one: what is synced there costs nothing.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    in_memory.unwrap_or_else(|| tempfile::tempdir().expect("make a folder"))
}

impl World {
    async fn build(game: Game, folder: &Path, trace: Arc<Trace>) -> Self {
        let Game { seed, planted, .. } = game;
        let chance = Chance::of(seed, "world");
        let catalogue = Arc::new(Catalogue::generate(seed, ITEMS, 150));
        let stores: Vec<String> =
            (1..=chance.within(1, 2)).map(|number| format!("{number:04}")).collect();
        let books = Books::open(&catalogue, stores.iter().map(String::as_str));
        let shops = shops(seed, &chance, &trace, &catalogue, &books);
        let tenant = TenantId::new("simulated").expect("a name");
        let no_wait: super::host::Disk = Arc::new(|| Box::pin(std::future::ready(())));
        let file = folder.join("relay.db");
        let inspector = SqliteStore::open_in_line(&file, &no_wait).expect("make the relay's store");
        let keys = Keys::open(folder, WhenMissing::Make, &SystemRandom::new());
        let keys = Arc::new(keys.expect("make the relay's keys"));
        let plan = Arc::new(Plan {
            file,
            keys: Arc::clone(&keys),
            targets: targets(&shops),
            tenant: tenant.clone(),
            seams: planted.relay(),
            trace: Arc::clone(&trace),
        });
        let is_alone = chance.one_in(3) && planted != Planted::NoFence;
        let count = if is_alone { 1 } else { 2 };
        let replicas = (1..=count).map(|number| {
            let host = Host::new(&format!("relay-{number}"), seed, trace.time());
            Replica::new(host, Arc::clone(&plan), seed)
        });
        let mut world = Self {
            seed,
            chance,
            inspector: Arc::new(inspector),
            keys,
            replicas: replicas.collect(),
            shops,
            agents: Vec::new(),
            catalogue,
            books: Arc::new(Mutex::new(books)),
            tenant,
            trace,
        };
        for store in stores {
            let agent = world.agent(&store, folder, planted).await;
            world.agents.push(agent);
        }
        world
    }

    async fn agent(
        &self,
        store: &str,
        folder: &Path,
        planted: Planted,
    ) -> (Arc<Agent>, Arc<Weather>) {
        let store = StoreId::new(store).expect("a name");
        let device = DeviceId::new(format!("device-{store}")).expect("a name");
        let host = Host::new(&format!("agent-{store}"), self.seed, self.trace.time());
        let key = SigningKey::generate(&SystemRandom::new()).expect("random bytes");
        let key = SigningKey::from_pkcs8(&key).expect("a key that was just made");
        enrol(&*self.inspector, &store, &device, &key, self.trace.time()).await;
        let weather = Arc::new(Weather::default());
        let ends = Ends {
            name: host.name.clone(),
            device: device.clone(),
            kind: *self.chance.any_of(&[Kind::Https, Kind::Mqtt]),
            key,
            relay_key: self.keys.verifying_key(),
            replicas: self.replicas.clone(),
            weather: Arc::clone(&weather),
        };
        let line = Line::new(ends, self.seed, Arc::clone(&self.trace));
        let trace = Arc::clone(&self.trace);
        let whose = (host, store, device);
        (Agent::new(whose, folder, line, planted.agent(), self.seed, trace), weather)
    }

    async fn run(&self, planted: Planted) -> Outcome {
        let agents: Vec<_> = self.agents.iter().map(|(agent, _)| Arc::clone(agent)).collect();
        let model = Arc::new(Model::new(
            agents,
            Arc::clone(&self.inspector),
            self.shops.clone(),
            Arc::clone(&self.books),
            self.tenant.clone(),
            Arc::clone(&self.trace),
        ));
        let victims = Victims {
            agents: self.agents.clone(),
            replicas: self.replicas.clone(),
            shops: self.shops.clone(),
        };
        let faults = Faults::new(victims, self.seed, planted, Arc::clone(&self.trace));
        self.replicas.iter().for_each(|replica| replica.start());
        self.agents.iter().for_each(|(agent, _)| agent.start());
        let mut tills = self.tills(&model);
        let whole = async {
            tokio::select! {
                biased;
                () = sold(&mut tills) => {}
                () = faults.run() => {}
                () = tokio::time::sleep(FAULTS_LAST_MAX) => {}
            }
            faults.end();
            sold(&mut tills).await;
            self.rest(&model).await;
        };
        tokio::select! {
            biased;
            () = watch(&model, &self.trace) => {}
            () = whole => {}
        }
        if !self.trace.is_broken() {
            model.verify().await;
        }
        let lasted = self.trace.time().passed();
        Outcome { events: model.events(), lasted, ..Outcome::default() }
    }

    fn tills(&self, model: &Arc<Model>) -> JoinSet<()> {
        let mut tills = JoinSet::new();
        let activities = self.chance.within(5, 14);
        let pause_ms_max = *self.chance.any_of(&[2_000, 9_000, 30_000]);
        // Whether a sale that a till could not hand in yet went before a count, nobody can tell
        // who sees both arrive; stores that count have one till.
        let counts = self.chance.one_in(2);
        let registers = if counts { 1 } else { self.chance.within(1, 3) };
        let mix = if counts { MIX } else { MIX.without_counts() };
        for (agent, _) in &self.agents {
            let name = agent.store.to_string();
            let (currency, taxation) = ("EUR".to_owned(), Taxation::Included);
            let floor = Arc::new(Shopfloor { name, currency, coin_minor: 1, taxation });
            for number in 1..=registers {
                let place = Place {
                    store: Arc::clone(&floor),
                    register: number.to_string(),
                    cashier: format!("c-{number}"),
                };
                let name = format!("till-{}-{number}", agent.store);
                let chance = Chance::of(self.seed, &name);
                let (catalogue, seed) = (Arc::clone(&self.catalogue), chance.bits());
                let register = Register::new(place, catalogue, mix, Identity::Given, seed);
                let till = Till {
                    name,
                    register,
                    agent: Arc::clone(agent),
                    books: Arc::clone(&self.books),
                    chance,
                    model: Arc::clone(model),
                    trace: Arc::clone(&self.trace),
                };
                tills.spawn(till.run(activities, pause_ms_max));
            }
        }
        tills
    }

    /// Waits until nothing is left to do.
    async fn rest(&self, model: &Model) {
        let began = self.trace.time().passed();
        while let Some(busy) = model.busy().await {
            if self.trace.time().passed().saturating_sub(began) > REST_WITHIN {
                self.trace.broken("world", &format!("it does not come to rest: {busy}"));
                return;
            }
            tokio::time::sleep(REST_LOOK).await;
        }
        self.trace.say("world", || "everything is at rest".to_owned());
    }
}

/// Waits until every till is through.
async fn sold(tills: &mut JoinSet<()>) {
    while let Some(ended) = tills.join_next().await {
        ended.expect("no till panics");
    }
}

/// Checks what can be checked at any moment; ends once something was broken.
async fn watch(model: &Model, trace: &Trace) {
    while !trace.is_broken() {
        tokio::time::sleep(WATCH).await;
        model.watch().await;
    }
}

async fn enrol(
    store: &dyn Store,
    whose: &StoreId,
    device: &DeviceId,
    key: &SigningKey,
    time: Time,
) {
    let hash = Bytes([device.as_str().bytes().last().unwrap_or_default(); 32]);
    let now = time.now();
    let token = NewToken {
        label: Code::new(device.as_str()).expect("a name"),
        hash,
        store: None,
        uses: 1,
        created_at: now,
        expires_at: now + Duration::from_secs(60),
    };
    store.add_token(token).await.expect("add a token");
    let new = NewDevice {
        device: device.clone(),
        store: whose.clone(),
        public_key: key.verifying_key(),
        token_hash: hash,
        agent_version: "simulated".to_owned(),
        now,
    };
    store.enrol(new).await.expect("enrol a device").expect("the token admits it");
}

/// A vendor that keeps stock, and one that keeps drafts.
fn shops(
    seed: u64,
    chance: &Chance,
    trace: &Arc<Trace>,
    catalogue: &Catalogue,
    books: &Books,
) -> Vec<Arc<Shop>> {
    let mut stock = BTreeMap::new();
    for (store, books) in &books.stores {
        for (sku, level) in &books.first_stock {
            stock.insert((store.clone(), sku.clone()), Decimal::new(level.0, 3));
        }
    }
    let ledgers = [("shop", Ledger::with_stock(stock)), ("books", Ledger::default())];
    let shops = ledgers.into_iter().map(|(name, ledger)| {
        let item = chance.any_of(catalogue.items());
        let unknown = chance.one_in(4).then(|| item.sku.clone());
        Shop::new(name, seed, Arc::clone(trace), ledger, unknown)
    });
    shops.collect()
}

fn targets(shops: &[Arc<Shop>]) -> Targets {
    let targets = shops.iter().map(|shop| {
        let vendor: Arc<dyn Connector> =
            Arc::new(Vendor::new(Arc::clone(shop), shop.name == "books"));
        (TargetId::new(shop.name).expect("a name"), vendor)
    });
    targets.collect()
}
