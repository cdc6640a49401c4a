//! Delivery keys never change.

use super::*;

#[test]
fn the_root_is_what_its_name_says() {
    assert_eq!(ROOT, Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:storekeep:delivery"));
}

/// Computed with another implementation of RFC 9562 (Python's `uuid`).
#[test]
fn delivery_keys_equal_their_golden_vectors() {
    for (tenant, natural_key, target, action, part, expected) in [
        (
            "acme",
            "storekeep.transaction.v1/0042/2/2026-11-23/000187/sale/0",
            "shop",
            "order.create",
            0,
            "af35bdad-56bd-5529-b016-b5895398ae60",
        ),
        (
            "acme",
            "storekeep.transaction.v1/0042/2/2026-11-23/000187/sale/0",
            "shop",
            "order.create",
            1,
            "8d79f0cb-7b68-5377-92fc-a957812fc0e8",
        ),
        (
            "acme",
            "storekeep.transaction.v1/0042/2/2026-11-23/000187/sale/0",
            "erp-1",
            "order.create",
            0,
            "4accc09c-eb7d-546f-b624-b9426ad84f9e",
        ),
        (
            "other",
            "storekeep.transaction.v1/0042/2/2026-11-23/000187/sale/0",
            "shop",
            "order.create",
            0,
            "79555374-b648-5261-8332-a3e7a08a66f6",
        ),
        (
            "acme",
            "storekeep.stock.v1/0042/Lager Süd/77/adjustment",
            "shop",
            "stock.adjust",
            3,
            "ee36b8d3-3518-5c98-bc91-ccd7a6f840b9",
        ),
    ] {
        let tenant = TenantId::new(tenant).unwrap();
        let target = TargetId::new(target).unwrap();
        let key = delivery_key(&tenant, natural_key, &target, action, part);
        assert_eq!(key.to_string(), expected, "{natural_key} {target} {action} {part}");
    }
}

#[test]
fn parts_that_run_together_do_not_share_a_key() {
    let tenant = TenantId::new("acme").unwrap();
    let target = TargetId::new("shop").unwrap();
    let one = delivery_key(&tenant, "a|4:shop", &target, "b", 0);
    let other = delivery_key(&tenant, "a", &target, "4:shop|b", 0);
    assert_ne!(one, other);
}
