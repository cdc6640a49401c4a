//! Input: POSLog 2.1 to 6 and Digital Receipt (ARTS/OMG), files in a folder.
//!
//! A file holds one document or a batch of any size: [`xml`] reads them one after the other,
//! [`map`] makes an event of each, and a [`profile`] says what the vendor does in its own way.
//! Does not know any vendor: profiles are data.

mod map;
mod profile;
mod select;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::tz::TimeZone;
use protocol::id::{RegisterId, StoreId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::map::Mapped;
use self::profile::Profile;
use self::xml::tree::Tree;
use self::xml::{Documents, Next};
use super::Input;
use super::folder::{Content, Decoder, Document, Folder, FolderConfig, Place, Unreadable};
use super::reading::time;
use super::registry::SettingsError;
use crate::capture::guard::Guard;

/// Places without a meaning that a trial names of one document.
const NOT_UNDERSTOOD_MAX: usize = 40;

/// A folder into which the POS drops POSLog or Digital Receipt files (ARTS/OMG XML).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The folder.
    #[serde(flatten)]
    pub folder: FolderConfig,

    /// What the vendor does in its own way: `ncr-acs`, `retalix-r10`, `roqqio`,
    /// `swedish-digital-receipt`, `wincor-tpnet`, `strict`, or the path of a profile of your own.
    #[schemars(extend("example" = "ncr-acs"))]
    pub profile: String,

    /// The zone of the store's clock, for times without an offset: `system`, a name such as
    /// `Europe/Stockholm`, or an offset such as `+03:00`.
    #[serde(default = "system_zone")]
    pub time_zone: String,

    /// Names of stores, where those of the POS are not those of this configuration.
    #[serde(default)]
    #[schemars(extend("example" = { "9": "0042" }))]
    pub stores: BTreeMap<String, StoreId>,

    /// Names of registers, where those of the POS are not those of this configuration.
    #[serde(default)]
    #[schemars(extend("example" = { "34": "till-34" }))]
    pub registers: BTreeMap<String, RegisterId>,
}

fn system_zone() -> String {
    "system".to_owned()
}

/// What a profile does not know: this store.
#[derive(Debug, Clone)]
struct Site {
    zone: TimeZone,
    stores: BTreeMap<String, StoreId>,
    registers: BTreeMap<String, RegisterId>,
    /// Looks for card numbers where nobody asked.
    guard: Guard,
}

/// Makes the input.
///
/// # Errors
/// The settings cannot be used.
pub fn from_settings(settings: Settings) -> Result<Box<dyn Input>, SettingsError> {
    let decoder = decoder(&settings)?;
    Ok(Box::new(Folder::new(settings.folder, decoder)?))
}

/// The decoder of these settings, without its folder.
///
/// # Errors
/// There is no such profile or zone, or the profile breaks a rule.
pub fn decoder(settings: &Settings) -> Result<Arc<dyn Decoder>, SettingsError> {
    let profile = profile::load(&settings.profile).map_err(|reason| SettingsError {
        key: Some("profile".to_owned()),
        reason,
        next: "docs/handbook/poslog.md shows how a profile is written".to_owned(),
    })?;
    let zone = time::zone(&settings.time_zone).ok_or_else(|| SettingsError {
        key: Some("time_zone".to_owned()),
        reason: format!("`{}` is no time zone that this host knows", settings.time_zone),
        next: "name it as in `Europe/Stockholm`, or by its offset as in `+03:00`".to_owned(),
    })?;
    let site = Site {
        zone,
        stores: settings.stores.clone(),
        registers: settings.registers.clone(),
        guard: Guard::new(BTreeSet::new()),
    };
    Ok(Arc::new(Poslog { profile, site }))
}

/// Reads POSLog by a profile.
#[derive(Debug)]
struct Poslog {
    profile: Profile,
    site: Site,
}

impl Decoder for Poslog {
    fn decode(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        self.read(file, &mut |document, _| deliver(document))
    }

    fn explain(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document, Vec<String>) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        self.read(file, &mut |document, tree| {
            let places = tree.map(|tree| map::not_understood(tree, NOT_UNDERSTOOD_MAX));
            deliver(document, places.unwrap_or_default())
        })
    }
}

impl Poslog {
    /// Delivers each document with its tree, if it fits into one.
    fn read(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document, Option<&Tree>) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let mut documents = Documents::new(file, &self.profile)?;
        let mut tree = Tree::default();
        loop {
            let flow = match documents.next(&mut tree)? {
                Next::End => return Ok(()),
                Next::TooLarge(place, problem) => {
                    deliver(Document { place, content: Content::Refused(problem) }, None)
                }
                Next::Document => deliver(self.document(&tree), Some(&tree)),
            };
            if flow.is_break() {
                return Ok(());
            }
        }
    }

    fn document(&self, tree: &Tree) -> Document {
        let (line, element) = (tree.line(Tree::ROOT), tree.name(Tree::ROOT).to_owned());
        let (place, content) = match map::map(tree, &self.profile, &self.site) {
            Ok(Mapped::Event(draft)) => (Place { line, element }, Content::Event(draft)),
            Ok(Mapped::Skipped(what)) => (Place { line, element }, Content::Skipped(what)),
            Err(fault) => {
                let (place, problem) = fault.placed(tree);
                (place, Content::Refused(problem))
            }
        };
        Document { place, content }
    }
}
