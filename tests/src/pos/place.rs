//! Where a register stands, and what is particular to that store.
//!
//! Does not know what is sold there.

use std::sync::Arc;

use super::catalogue::{Item, TaxCode};

/// A store as its registers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its identifier, which its stock location shares.
    pub name: String,
    /// The currency, one with two decimals.
    pub currency: String,
    /// The smallest coin that is given, in minor units: 1, or 5 where cash is rounded.
    pub coin_minor: i64,
    /// How it is taxed.
    pub taxation: Taxation,
}

/// How the place where a store stands taxes what is sold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Taxation {
    /// Prices include one tax, at the rate of the item.
    #[default]
    Included,
    /// The state and the city each levy a tax on top of every price.
    OnTop,
}

impl Taxation {
    /// The taxes on an item.
    #[must_use]
    pub fn of(self, item: &Item) -> Vec<TaxCode> {
        match self {
            Self::Included => vec![item.tax],
            Self::OnTop => vec![TaxCode::S, TaxCode::C],
        }
    }
}

/// A register's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The store.
    pub store: Arc<Store>,
    /// The register's identifier.
    pub register: String,
    /// Who stands at it, by number.
    pub cashier: String,
}

/// Whether the POS gives its events an identity of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The agent draws it.
    LeftOut,
    /// The POS draws it.
    Given,
}
