//! The files that the programs of a world are started with: shop, site, the relay's and the agents'
//! configuration, secrets.
//!
//! A world is made anew each time: what an earlier one left in its folder is removed first.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use simulated_shopify::{BucketSize, SearchLag, Setup};

use super::erp;
use super::plan::{Chosen, Plan, Uplink};
use crate::mosquitto::RELAY_NAME;
use crate::pos::catalogue::Catalogue;

/// The folders of the programs.
pub(super) struct Files {
    /// The shop, as JSON.
    pub(super) shop: PathBuf,
    /// The ERPNext site, as JSON; written if it is a target.
    pub(super) site: PathBuf,
    /// The relay's folder, with `relay.toml` in it.
    pub(super) relay: PathBuf,
}

/// The file whose presence shows that a folder is a world's and may be removed.
const MARK: &str = ".storekeep-world";

/// The real servers that the relay uses.
pub(super) struct Servers {
    /// The broker's address.
    pub(super) broker: Option<SocketAddr>,
    /// The database's.
    pub(super) database: Option<String>,
}

pub(super) fn write(
    plan: &Plan,
    catalogue: &Catalogue,
    ports: &Chosen,
    servers: &Servers,
) -> Result<Files> {
    let relay = plan.folder.join("relay");
    make_folder(&relay)?;
    let shop = plan.folder.join("shop.json");
    let setup = self::shop(plan, catalogue);
    write_file(&shop, &serde_json::to_string(&setup).context("write the shop as JSON")?)?;
    write_file(&relay.join("shop.secret"), &setup.credentials.client_secret)?;
    let mut configuration = relay_toml(plan, ports, &setup, servers);
    let site = plan.folder.join("site.json");
    if plan.has_erp() {
        let setup = erp::site(plan, catalogue);
        write_file(&site, &serde_json::to_string(&setup).context("write the site as JSON")?)?;
        let secret = relay.join("site.secret");
        write_file(&secret, &setup.credentials.secret)?;
        configuration.push('\n');
        configuration.push_str(&erp::target(plan, &setup, ports.erpnext, &secret)?);
    }
    write_file(&relay.join("relay.toml"), &configuration)?;
    Ok(Files { shop, site, relay })
}

/// The shop: a location for each store, a variant for each item, stocked as the stores are.
#[must_use]
pub(super) fn shop(plan: &Plan, catalogue: &Catalogue) -> Setup {
    let mut setup = Setup::new("demo.myshopify.com");
    setup.seed = plan.seed;
    setup.options.taxes_included = true;
    setup.search_lag = SearchLag { least_ms: 0, most_ms: plan.search_lag_ms };
    setup.bucket = BucketSize { maximum: plan.bucket.0, restore_per_second: plan.bucket.1 };
    for store in &plan.stores {
        setup = setup.with_location(store);
    }
    let locations = setup.locations.iter();
    let stocked: Vec<_> =
        locations.map(|place| (place.number, catalogue.first_stock(&place.name))).collect();
    for item in catalogue.items() {
        let price = format!("{}.{:02}", item.price_minor / 100, item.price_minor % 100);
        setup = setup.with_variant(&item.sku, Some(&item.gtin), &price, 0);
        let variant = setup.variants.last_mut().expect("a variant was just added");
        variant.title.clone_from(&item.description);
        variant.oversold = true;
        // Shopify counts whole pieces only.
        variant.tracked = !item.weighed;
        variant.available = stocked
            .iter()
            .map(|(place, stock)| (*place, stock.get(&item.sku).map_or(0, |level| level.0 / 1_000)))
            .collect();
    }
    setup
}

fn relay_toml(plan: &Plan, ports: &Chosen, setup: &Setup, servers: &Servers) -> String {
    let mqtt = servers.broker.map(|broker| {
        format!("[mqtt]\nurl = \"mqtt://{broker}\"\nusername = \"{RELAY_NAME}\"\n\n")
    });
    let store = servers.database.as_ref().map(|url| format!("[store]\npostgres = \"{url}\"\n\n"));
    format!(
        "tenant = \"demo\"\n\n[listen]\naddress = \"{relay}\"\n\n{mqtt}{store}[dispatch]\nworkers = 6\n\n\
         [targets.shop]\nkind = \"shopify\"\nshop = \"http://{shop}\"\n\
         client_id = \"{client}\"\nclient_secret_file = \"{secret}\"\n\
         settle_seconds = {settle}\ncall_timeout_seconds = {timeout}\n",
        mqtt = mqtt.unwrap_or_default(),
        store = store.unwrap_or_default(),
        relay = ports.relay,
        shop = ports.shopify,
        client = setup.credentials.client_id,
        secret = plan.folder.join("relay/shop.secret").display(),
        settle = plan.settle_seconds,
        timeout = plan.call_timeout_seconds,
    )
}

/// Writes an agent's configuration and returns the folder that it keeps its files in.
pub(super) fn write_agent(
    plan: &Plan,
    store: &str,
    listen: SocketAddr,
    relay: SocketAddr,
    broker: Option<SocketAddr>,
) -> Result<PathBuf> {
    let folder = plan.folder.join(format!("store-{store}")).join("agent");
    make_folder(&folder)?;
    let token = folder.join("enrolment.token");
    let mqtt = broker.map(|broker| {
        let url = format!("url = \"mqtt://{broker}\"");
        match plan.uplink {
            Uplink::Both => format!("mqtt = {{ {url} }}\n"),
            Uplink::Mqtt | Uplink::Https => format!("uplinks = [{{ kind = \"mqtt\", {url} }}]\n"),
        }
    });
    let text = format!(
        "store = \"{store}\"\n\n[local_api]\nlisten = \"{listen}\"\n\n[relay]\n\
         url = \"http://{relay}\"\nenrolment_token_file = \"{}\"\n{}",
        token.display(),
        mqtt.unwrap_or_default()
    );
    write_file(&folder.join("agent.toml"), &text)?;
    Ok(folder)
}

pub(super) fn write_token(folder: &Path, token: &str) -> Result<()> {
    write_file(&folder.join("enrolment.token"), token)
}

/// Removes what an earlier world left, and nothing else.
pub(super) fn clear(folder: &Path) -> Result<()> {
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => true,
    };
    if !is_empty && !folder.join(MARK).exists() {
        anyhow::bail!(
            "use the folder `{}`: it holds files that no world has written; name an empty one",
            folder.display()
        );
    }
    if !is_empty {
        fs::remove_dir_all(folder)
            .with_context(|| format!("remove the former world `{}`", folder.display()))?;
    }
    make_folder(folder)?;
    write_file(&folder.join(MARK), "This folder is made anew at each start.\n")
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("make the folder `{}`", path.display()))
}

/// Writes what only its owner may read.
fn write_file(path: &Path, text: &str) -> Result<()> {
    agent::files::write_private(path, text.as_bytes())
        .with_context(|| format!("write `{}`", path.display()))
}
