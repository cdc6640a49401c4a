//! Exit codes and error texts: 0 done, 1 the check found something, 2 usage, 3 not reachable,
//! 4 refused.
//!
//! Decides nothing about what failed.

use std::io;

use crate::config::ConfigError;
use crate::store::StoreError;

/// The exit code of an error.
#[must_use]
pub fn code(error: &anyhow::Error) -> u8 {
    let has = |is: &dyn Fn(&(dyn std::error::Error + 'static)) -> bool| error.chain().any(is);
    let is_unreachable = |cause: &(dyn std::error::Error + 'static)| {
        let taken = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        taken == Some(io::ErrorKind::AddrInUse)
            || matches!(cause.downcast_ref::<StoreError>(), Some(StoreError::Database { .. }))
    };
    if has(&|cause| cause.is::<ConfigError>()) {
        2
    } else if has(&is_unreachable) {
        3
    } else {
        4
    }
}

/// An error as people read it: what was tried, why it failed, what to do.
#[must_use]
pub fn report(error: &anyhow::Error) -> String {
    let next = error.chain().find_map(|cause| {
        cause.downcast_ref::<ConfigError>().map(|error| format!("\nnext: {}", error.next))
    });
    format!("error: {error:#}{}", next.unwrap_or_default())
}
