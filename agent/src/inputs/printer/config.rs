//! The settings of a receipt printer.
//!
//! Reads the template's file, because a template that cannot be used has to be found before the
//! agent runs; listens nowhere and connects to nothing.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use protocol::id::{RegisterId, StoreId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::template::{Template, Till};
use crate::inputs::folder::FolderConfig;
use crate::inputs::registry::SettingsError;

/// The receipts of a POS that gives away nothing else: what goes to its receipt printer (ESC/POS)
/// is forwarded and read, or its spool files are read. The last resort: docs/handbook/printer.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The store.
    #[schemars(extend("example" = "0042"))]
    pub store: StoreId,

    /// The register that prints there, unless the receipt names it.
    #[serde(default)]
    #[schemars(extend("example" = "2"))]
    pub register: Option<RegisterId>,

    /// The file with the template: which line of a receipt says what.
    #[schemars(extend("example" = "/etc/storekeep/receipt.toml"))]
    pub template: PathBuf,

    /// Stands between the POS and the printer: the POS prints to `listen`, and every byte goes on
    /// to `printer` at once.
    #[serde(default)]
    #[schemars(extend("example" = {
        "listen": "127.0.0.1:9100", "printer": "192.168.1.50:9100", "idle_seconds": 10,
    }))]
    pub proxy: Option<ProxyConfig>,

    /// In place of `proxy`: a folder into which the POS or its spooler writes what it prints.
    #[serde(default)]
    #[schemars(extend("example" = { "folder": "/var/spool/receipts", "files": "*.prn" }))]
    pub spool: Option<FolderConfig>,

    /// Whether a receipt that was printed as a picture and could not be read is kept as one. Card
    /// numbers can be masked in text and not in a picture: set this only where the pictures that
    /// are printed hold none.
    #[serde(default)]
    pub keep_pictures: bool,
}

/// See [`Settings::proxy`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ProxyConfig {
    /// The address and port to listen on.
    #[serde(default = "loopback")]
    pub listen: SocketAddr,
    /// Set to true to listen on an address that other hosts can reach: whoever reaches it prints.
    #[serde(default)]
    pub listen_beyond_loopback: bool,
    /// The printer's host and port.
    pub printer: String,
    /// Seconds without a byte after which a receipt counts as complete, for printers without a
    /// cutter.
    #[serde(default = "idle_seconds")]
    pub idle_seconds: NonZeroU32,
}

/// The port of printers that take raw bytes (JetDirect).
const RAW_PORT: u16 = 9100;

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, RAW_PORT).into()
}

const fn idle_seconds() -> NonZeroU32 {
    NonZeroU32::new(10).expect("ten is not zero")
}

/// Where the bytes come from.
#[derive(Debug)]
pub(super) enum Way {
    Proxy(ProxyConfig),
    Spool(FolderConfig),
}

impl Settings {
    /// The till and its template.
    pub(super) fn till(&self) -> Result<(Till, Template), SettingsError> {
        let path = self.template.display();
        let text = fs::read_to_string(&self.template).map_err(|error| SettingsError {
            key: Some("template".to_owned()),
            reason: format!("`{path}` cannot be read: {error}"),
            next: "docs/handbook/printer.md shows a template to begin with".to_owned(),
        })?;
        let template = Template::parse(&text).map_err(|error| SettingsError {
            key: Some("template".to_owned()),
            reason: format!("`{path}`: {error}"),
            next: "correct it; docs/handbook/printer.md names every key".to_owned(),
        })?;
        Ok((Till { store: self.store.clone(), register: self.register.clone() }, template))
    }

    /// Where the bytes come from: exactly one way.
    pub(super) fn way(&self) -> Result<Way, SettingsError> {
        match (&self.proxy, &self.spool) {
            (Some(proxy), None) => {
                let is_open = !proxy.listen.ip().to_canonical().is_loopback();
                if is_open && !proxy.listen_beyond_loopback {
                    return Err(SettingsError {
                        key: Some("proxy.listen".to_owned()),
                        reason: format!("{} can be reached from other hosts", proxy.listen),
                        next: "listen on 127.0.0.1, or set `listen_beyond_loopback` on purpose"
                            .to_owned(),
                    });
                }
                Ok(Way::Proxy(proxy.clone()))
            }
            (None, Some(spool)) => Ok(Way::Spool(spool.clone())),
            _ => Err(SettingsError {
                key: Some("proxy".to_owned()),
                reason: "one of `proxy` and `spool` says where the bytes come from".to_owned(),
                next: "set one of them".to_owned(),
            }),
        }
    }
}
