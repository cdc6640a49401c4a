//! Every bound of the simulated shop, with the reason for the number.

use jiff::SignedDuration;

/// The largest array in an input (README, R10).
pub(crate) const INPUT_ARRAY_MAX: usize = 250;

/// The largest page of a connection (README, R64).
pub(crate) const PAGE_MAX: u64 = 250;

/// The most points that one operation may ask for (README, R16).
pub(crate) const OPERATION_COST_MAX: u64 = 1_000;

/// How long an idempotency key is remembered, from its first request (README, R23).
pub(crate) const IDEMPOTENCY_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// How old an order may be before `read_all_orders` is needed (README, R5).
pub(crate) const ORDERS_READABLE_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);

/// The bounds of an absolute count (README, R61).
pub(crate) const SET_QUANTITY_MAX: i64 = 1_000_000_000;

/// The bounds of a quantity after an adjustment (README, R61).
pub(crate) const ADJUSTED_QUANTITY_MAX: i64 = 2_000_000_000;

/// Distinct operation texts that are kept parsed. A client has a handful; a client that writes its
/// values into the text must not fill the memory, so beyond this the cache starts again.
pub(crate) const DOCUMENTS_MAX: usize = 1_000;

/// Tokens that are valid at once; the oldest is forgotten beyond this. A client needs one or two.
pub(crate) const TOKENS_MAX: usize = 1_000;
