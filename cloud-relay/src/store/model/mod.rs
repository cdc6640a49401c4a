//! The rows of the store as the rest of the relay sees them.
//!
//! Plain data without a database's types. Does not know how a row is kept.

mod batches;
mod devices;
mod lanes;
mod views;

pub use batches::{Batch, BatchEntry, BatchOutcome, Dedupe};
pub use devices::{
    COPIES_MAX, CopyView, Device, DeviceState, DeviceStory, EpochView, HeldCopy, NewDevice,
    NewToken, SessionChange, Token,
};
pub use lanes::{
    Bundle, Claim, Delivery, DeliveryId, DeliveryIdError, DeliveryState, Fencing, Lane,
    OriginalState, RELAY_TARGET, REVIEW_ACTION, Resolution, ResolutionKind, Step, StockMoveRow,
    Transition,
};
pub use views::{
    AttemptView, DeliveryFilter, DeliveryView, HeldEvent, LaneView, ReplayCount, ReplayFilter,
};
