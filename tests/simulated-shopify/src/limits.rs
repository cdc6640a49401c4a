//! Every bound of the simulated shop, with the reason for the number.

use jiff::SignedDuration;

/// The largest array in an input: "The input array size of 251 is greater than the maximum allowed
/// of 250." (facts, section 3).
pub(crate) const INPUT_ARRAY_MAX: usize = 250;

/// The largest page of a connection (Shopify's pagination guide).
pub(crate) const PAGE_MAX: u64 = 250;

/// The most points that one operation may ask for (facts, section 3).
pub(crate) const OPERATION_COST_MAX: u64 = 1_000;

/// How long an idempotency key is remembered, from its first request (facts, section 2).
pub(crate) const IDEMPOTENCY_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// How old an order may be before `read_all_orders` is needed (facts, section 2).
pub(crate) const ORDERS_READABLE_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);

/// The bounds of an absolute count (recorded: `inventorySetQuantities-quantity-bounds`).
pub(crate) const SET_QUANTITY_MAX: i64 = 1_000_000_000;

/// The bounds of a quantity after an adjustment (schema:
/// `InventoryAdjustQuantitiesUserErrorCode.INVALID_QUANTITY_TOO_HIGH`).
pub(crate) const ADJUSTED_QUANTITY_MAX: i64 = 2_000_000_000;

/// Distinct operation texts that are kept parsed. A client has a handful; a client that writes its
/// values into the text must not fill the memory, so beyond this the cache starts again.
pub(crate) const DOCUMENTS_MAX: usize = 1_000;

/// Tokens that are valid at once; the oldest is forgotten beyond this. A client needs one or two.
pub(crate) const TOKENS_MAX: usize = 1_000;
