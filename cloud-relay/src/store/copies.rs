//! Why a release is refused, in the same words whatever database stands behind the store.
//!
//! Decides nothing.

/// Why a release without a name is refused.
pub(in crate::store) const SEVERAL: &str = "held with several copies; `device show` lists them, \
                                            and --keep names the one that keeps the identity";

/// Why a copy cannot keep the identity.
pub(in crate::store) const NOT_THE_CONTINUATION: &str = "not known to continue what the relay holds: it left that history, or has not sent everything \
     yet; keep another one, or wait and look again";
