//! The stock of every item at every location.
//!
//! A pair that was never stocked has no level until something is adjusted or set there (README,
//! R62). Knows no rule about who may change what.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ids::{Gid, Kind};
use crate::records::Level;

/// The levels, by item and location.
#[derive(Debug, Default)]
pub(crate) struct Stock(BTreeMap<(Gid, Gid), Level>);

impl Stock {
    pub(crate) fn level(&self, item: Gid, location: Gid) -> Option<&Level> {
        self.0.get(&(item, location))
    }

    pub(crate) fn level_mut(&mut self, item: Gid, location: Gid, now: Timestamp) -> &mut Level {
        self.0.entry((item, location)).or_insert(Level {
            item,
            location,
            available: 0,
            committed: 0,
            damaged: 0,
            incoming: 0,
            quality_control: 0,
            reserved: 0,
            safety_stock: 0,
            updated_at: now,
        })
    }

    /// The quantity of a name; zero where nothing was ever stocked.
    pub(crate) fn quantity(&self, item: Gid, location: Gid, name: &str) -> i64 {
        self.level(item, location).and_then(|level| level.quantity(name)).unwrap_or(0)
    }

    /// Changes a quantity. `on_hand` follows from the others, so that changing it changes what is
    /// available (README, R57).
    pub(crate) fn change(
        &mut self,
        item: Gid,
        location: Gid,
        name: &str,
        delta: i64,
        now: Timestamp,
    ) {
        let level = self.level_mut(item, location, now);
        let quantity = match name {
            "committed" => &mut level.committed,
            "damaged" => &mut level.damaged,
            "incoming" => &mut level.incoming,
            "quality_control" => &mut level.quality_control,
            "reserved" => &mut level.reserved,
            "safety_stock" => &mut level.safety_stock,
            _ => {
                level.updated_at = now;
                &mut level.available
            }
        };
        *quantity += delta;
    }

    /// The levels of an item, by location.
    pub(crate) fn of_item(&self, item: Gid) -> impl Iterator<Item = &Level> {
        let least = Gid::new(Kind::Location, 0);
        let most = Gid::new(Kind::Location, u64::MAX);
        self.0.range((item, least)..=(item, most)).map(|(_, level)| level)
    }

    pub(crate) fn levels(&self) -> impl Iterator<Item = &Level> {
        self.0.values()
    }
}
