//! Input: a POS's database, read and never written.
//!
//! A poller: every few seconds it asks for receipts from a position on, hands those that are new and
//! complete to the intake, and remembers in the same journal transaction where it stands. What to
//! ask and what the answers mean stands in a pack ([`pack`]); which receipts are due, in the
//! [`window`], which decides without a database or a clock; the databases themselves are
//! [`source`]s. Nothing is held between two looks: no connection, no lock, no transaction.

mod config;
mod pack;
mod page;
mod run;
mod source;
mod sql;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

pub use self::config::Settings;
use self::pack::Pack;
use self::run::Polling;
use self::source::Source;
use super::folder::Decoder;
use super::registry::SettingsError;
use super::{Around, Input};

/// Makes the input.
///
/// # Errors
/// The settings or the pack cannot be used, or this build does not read such a server.
pub fn from_settings(settings: Settings) -> Result<Box<dyn Input>, SettingsError> {
    let pack = pack::load(&settings)?;
    let source = source::of_settings(&settings)?;
    Ok(Box::new(Database { settings, pack, source }))
}

struct Database {
    settings: Settings,
    pack: Pack,
    source: Arc<dyn Source>,
}

#[async_trait]
impl Input for Database {
    fn decoder(&self) -> Option<&Arc<dyn Decoder>> {
        None
    }

    async fn run(self: Box<Self>, around: Around, stop: watch::Receiver<bool>) {
        let Self { settings, pack, source } = *self;
        Polling { settings, pack, source, around }.run(stop).await;
    }
}
