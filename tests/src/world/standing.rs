//! Where the sales of a world stand: on their way, or in the targets, whose own books are held
//! against the stores'.
//!
//! Believes the relay only as to whether it still has something to do.

use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use simulated_erpnext::Books as ErpBooks;
use simulated_shopify::{Books as ShopBooks, Setup};

use super::holdings::{self, Names};
use super::{World, erp, files};
use crate::pos::compare::{Differences, Holdings, compare};
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

    /// The shop as it was before its first request, which tells what its identifiers mean.
    #[must_use]
    pub fn shop(&self) -> Setup {
        files::shop(&self.plan, &self.catalogue)
    }

    /// Holds the shop's own books against the stores'.
    #[must_use]
    pub fn differences_from(&self, shop: &ShopBooks) -> Differences {
        compare(&self.books.lock().expect("no register panics"), &self.holdings_of(shop))
    }

    fn holdings_of(&self, shop: &ShopBooks) -> Holdings {
        holdings::holdings(shop, &Names::of(&self.shop()))
    }

    /// Holds the ERP's own books against the stores', its ledger included.
    ///
    /// # Errors
    /// They cannot be read as what an ERP holds.
    pub fn differences_from_erp(&self, erp: &ErpBooks) -> Result<Differences> {
        let holdings = self.holdings_of_erp(erp)?;
        Ok(compare(&self.books.lock().expect("no register panics"), &holdings))
    }

    fn holdings_of_erp(&self, erp: &ErpBooks) -> Result<Holdings> {
        erp::holdings(erp, &erp::site(&self.plan, &self.catalogue), &self.plan)
    }

    /// Cancels an invoice in the ERP, as a bookkeeper does.
    ///
    /// # Errors
    /// The site refuses, or does not answer.
    pub async fn cancel_invoice(&self, name: &str) -> Result<()> {
        let setup = erp::site(&self.plan, &self.catalogue);
        erp::cancel_invoice(self.asking.http(), self.asking.erpnext, &setup, name).await
    }

    /// Sales and returns that are missing in a target, counted once for each; none while anything
    /// is on its way, because what is on its way is not lost.
    ///
    /// Looked at in the direction in which sales go: what was sold before the agents are asked has
    /// left them before the relay is, and the relay before the targets are.
    ///
    /// # Errors
    /// A program does not answer.
    pub async fn lost(&self) -> Result<Option<usize>> {
        let books = self.books.lock().expect("no register panics").clone();
        if self.on_the_way().await? > 0 {
            return Ok(None);
        }
        let shop = self.holdings_of(&self.asking.shop_books().await?);
        let mut lost = compare(&books, &shop).lost.len();
        if self.plan.has_erp() {
            let erp = self.holdings_of_erp(&self.asking.erp_books().await?)?;
            lost += compare(&books, &erp).lost.len();
        }
        Ok(Some(lost))
    }

    /// Sales and returns that the agents have taken and that belong into every target.
    #[must_use]
    pub fn posted(&self) -> u64 {
        let books = self.books.lock().expect("no register panics");
        books.stores.values().map(holdings::posted).sum()
    }
}
