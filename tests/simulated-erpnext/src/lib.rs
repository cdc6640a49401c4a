//! A simulated ERPNext site: its REST interface, versions 15 and 16, with state.
//!
//! It enforces what the real one enforces and is never made to fit a client. Each rule names its
//! source where it is written: a path in the repositories frappe/frappe and frappe/erpnext, or
//! "observed" for what was seen on a running ERPNext 15. What is not modelled is refused with
//! status 501 `NotSimulated`, never made up; `README.md` lists the rules.
//!
//! Enter at [`Site`]: `Site::new(setup, clock)`, then [`serve`] or `router()`. Faults are steered by
//! [`Site::set_faults`], closed periods by [`Site::set_periods`], time by [`Site::advance`], and
//! [`Site::books`] tells what really happened; the same over HTTP stands in `control`.
//!
//! Imports nothing of the project, so that Cargo itself proves that this vendor knows nothing of
//! its client. Deliberately without POS Invoice and POS Closing, Payment Entry, Journal Entry,
//! valuation, foreign currencies, batches and serial numbers.

mod api;
mod books;
mod chance;
mod control;
mod document;
mod faults;
mod http;
mod invoice;
mod lifecycle;
mod limits;
mod meta;
mod money;
mod periods;
mod rate;
mod refusal;
mod setup;
mod site;
mod state;
mod stock;
mod time;
mod wire;

pub use self::books::{Books, Counters, Summary};
pub use self::faults::{Disruption, Faults, Rule};
pub use self::http::serve;
pub use self::setup::{
    Account, ClosedPeriod, Company, Credentials, Item, ItemTaxTemplate, ModeOfPayment, Periods,
    PosProfile, RateLimit, Settings, Setup,
};
pub use self::site::{Clock, Site};
pub use self::state::GlEntry;
pub use self::stock::StockLedgerEntry;
