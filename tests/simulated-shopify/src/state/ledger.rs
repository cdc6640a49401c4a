//! The orders, and how they are found.
//!
//! By identifier at once; by metafield and by search only once they are searchable. Adds and
//! finds; what an order must look like is the operations' concern.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::ids::{Gid, Kind};
use crate::limits::ORDERS_READABLE_FOR;
use crate::records::Order;
use crate::search::{Query, WordIndex};

/// The position of an order in the ledger; it never changes.
pub(crate) type OrderIndex = usize;

/// The number of the first order, as shops count (`#1001`).
const FIRST_NUMBER: u64 = 1_001;

/// All orders, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    orders: Vec<Order>,
    by_id: HashMap<Gid, OrderIndex>,
    by_refund: HashMap<Gid, OrderIndex>,
    by_metafield: HashMap<(String, String, String), Vec<OrderIndex>>,
    words: WordIndex,
}

impl Ledger {
    pub(crate) fn orders(&self) -> &[Order] {
        &self.orders
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.orders.last().map_or(FIRST_NUMBER, |order| order.number + 1)
    }

    pub(crate) fn add(&mut self, order: Order) -> OrderIndex {
        let index = self.orders.len();
        self.by_id.insert(order.id, index);
        for metafield in &order.metafields {
            let name =
                (metafield.namespace.clone(), metafield.key.clone(), metafield.value.clone());
            self.by_metafield.entry(name).or_default().push(index);
        }
        if let Some(source) = &order.source_identifier {
            self.words.add(source, index);
        }
        self.words.add(&order.name, index);
        self.orders.push(order);
        index
    }

    pub(crate) fn at(&self, index: OrderIndex) -> &Order {
        &self.orders[index]
    }

    pub(crate) fn at_mut(&mut self, index: OrderIndex) -> &mut Order {
        &mut self.orders[index]
    }

    pub(crate) fn index_of(&self, id: &str) -> Option<OrderIndex> {
        let id: Gid = id.parse().ok()?;
        self.by_id.get(&id).copied()
    }

    pub(crate) fn order(&self, id: &str) -> Option<&Order> {
        self.index_of(id).map(|index| self.at(index))
    }

    pub(crate) fn note_refund(&mut self, refund: Gid, order: OrderIndex) {
        self.by_refund.insert(refund, order);
    }

    pub(crate) fn order_of_refund(&self, refund: &str) -> Option<&Order> {
        let refund: Gid = refund.parse().ok()?;
        debug_assert!(refund.kind == Kind::Refund);
        self.by_refund.get(&refund).map(|index| self.at(*index))
    }

    /// Orders with this value in a metafield, oldest first, searchable or not.
    pub(crate) fn with_metafield(
        &self,
        namespace: &str,
        key: &str,
        value: &str,
    ) -> impl DoubleEndedIterator<Item = &Order> {
        let name = (namespace.to_owned(), key.to_owned(), value.to_owned());
        self.by_metafield.get(&name).into_iter().flatten().map(|index| self.at(*index))
    }

    /// The orders that a search may look at: all of them, or those that share a word with it.
    pub(crate) fn candidates(&self, query: Option<&Query>) -> Vec<&Order> {
        match query.and_then(|query| query.required_words(&["source_identifier", "name"])) {
            Some(words) => {
                self.words.candidates(&words).iter().map(|index| self.at(*index)).collect()
            }
            None => self.orders.iter().collect(),
        }
    }
}

/// Whether an order may be read at all: after 60 days only with `read_all_orders` (README, R5).
pub(crate) fn readable(order: &Order, reads_all: bool, now: Timestamp) -> bool {
    reads_all || now.duration_since(order.created_at) < ORDERS_READABLE_FOR
}
