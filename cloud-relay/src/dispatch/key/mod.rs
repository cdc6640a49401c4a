//! The delivery key: the one name of a document for ever.
//!
//! It is computed, never stored: the same event, target, action and part give the same key after
//! the agent was reinstalled and after the relay was rebuilt. Changing anything here makes every
//! document unfindable; the golden vectors stand against that.

#[cfg(test)]
mod tests;

use protocol::id::{TargetId, TenantId};
use uuid::Uuid;

/// The root of all delivery keys: `uuid5(NAMESPACE_URL, "urn:storekeep:delivery")`.
const ROOT: Uuid = Uuid::from_u128(0x0ca3_c206_5116_5d67_9268_5cec_8721_7f71);

/// The key of one document: `uuid5(uuid5(root, tenant), natural key | target | action | part)`.
///
/// Each part is preceded by its length in bytes, so that no two lists of parts read alike.
#[must_use]
pub fn delivery_key(
    tenant: &TenantId,
    natural_key: &str,
    target: &TargetId,
    action: &str,
    part: u32,
) -> Uuid {
    let namespace = Uuid::new_v5(&ROOT, tenant.as_str().as_bytes());
    let part = part.to_string();
    let mut name = String::new();
    for field in [natural_key, target.as_str(), action, &part] {
        name.push_str(&field.len().to_string());
        name.push(':');
        name.push_str(field);
        name.push('|');
    }
    Uuid::new_v5(&namespace, name.as_bytes())
}
