//! Where the sales of a world stand: on their way, or in the targets, whose own books are held
//! against the stores'.
//!
//! Believes the relay only as to whether it still has something to do.

use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use simulated_erpnext::Books as ErpBooks;
use simulated_shopify::Books as ShopBooks;

use super::holdings::{self, Names};
use super::{World, erp, files};
use crate::pos::compare::{Differences, compare};
use crate::wait;

impl World {
    /// Waits until nothing is on its way: no agent holds anything unsent and no lane anything due.
    /// What needs a person does not count as on its way.
    ///
    /// # Errors
    /// Something still is at the deadline; the error says how much.
    pub async fn drained(&self, deadline: Duration) -> Result<()> {
        let last = Mutex::new(String::from("nobody answered"));
        let look = || async {
            let said = match self.on_the_way().await {
                Ok(0) => return Some(()),
                Ok(count) => format!("{count} on their way"),
                Err(error) => format!("{error:#}"),
            };
            *last.lock().expect("no look panics") = said;
            None
        };
        let drained = wait::until("everything to be through", deadline, look).await;
        drained.with_context(|| last.lock().expect("no look panics").clone())
    }

    /// Events that an agent or the relay still has to bring on.
    ///
    /// # Errors
    /// A program does not answer.
    pub async fn on_the_way(&self) -> Result<u64> {
        let mut count = 0;
        for store in self.stores.iter().filter(|store| store.relayed_before_its_end.is_none()) {
            count += self.asking.agent(store.address, &store.folder).await?.unsent;
        }
        Ok(count + self.asking.relay().await?.waiting)
    }

    /// Holds the shop's own books against the stores'.
    #[must_use]
    pub fn differences_from(&self, shop: &ShopBooks) -> Differences {
        let names = Names::of(&files::shop(&self.plan, &self.catalogue));
        let holdings = holdings::holdings(shop, &names);
        let books = self.books.lock().expect("no register panics");
        compare(&books, &holdings)
    }

    /// Holds the ERP's own books against the stores', its ledger included.
    ///
    /// # Errors
    /// They cannot be read as what an ERP holds.
    pub fn differences_from_erp(&self, erp: &ErpBooks) -> Result<Differences> {
        let setup = erp::site(&self.plan, &self.catalogue);
        let holdings = erp::holdings(erp, &setup, &self.plan)?;
        let books = self.books.lock().expect("no register panics");
        Ok(compare(&books, &holdings))
    }

    /// Sales and returns that the agents have taken and that belong into every target.
    #[must_use]
    pub fn posted(&self) -> u64 {
        let books = self.books.lock().expect("no register panics");
        books.stores.values().map(holdings::posted).sum()
    }
}
