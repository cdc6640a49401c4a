//! Where a store's stock stands unless the POS says otherwise.
//!
//! Knows no other place of a store.

use crate::id::{LocationId, StoreId};

/// The location of a store's sales floor: it bears the store's name.
///
/// # Panics
/// Never: both kinds of identifier allow the same characters and length.
#[must_use]
pub fn sales_floor(store: &StoreId) -> LocationId {
    LocationId::new(store.as_str()).expect("a store identifier is a location identifier")
}
