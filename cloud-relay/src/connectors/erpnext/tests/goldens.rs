//! Each kind of event, the documents that it calls for and their exact bodies.

use serde_json::{Value, json};

use super::{back, calls, document, event, plain, settings, sold, transaction_mut};
use crate::connectors::ExceptionClass;
use crate::connectors::erpnext::map;

/// The events, each with the sale that it gives back from.
pub(super) const EVENTS: [(&str, Option<&str>); 36] = [
    ("sale_with_discount", None),
    ("sale_with_tax_on_top", None),
    ("sale_with_split_line", None),
    ("sale_of_weighed_goods", None),
    ("sale_with_tenders_and_rounding", None),
    ("sale_with_basket_taxes_and_deposit_back", None),
    ("return_of_two_of_three", Some("sale_with_split_line")),
    ("return_without_receipt", None),
    ("exchange_for_more", Some("sale_with_discount")),
    ("exchange_for_less", Some("sale_with_discount")),
    ("post_void_of_a_sale", Some("sale_with_discount")),
    ("suspended_basket", None),
    ("stock_adjustment", None),
    ("stock_receipt_at_the_back", None),
    ("stock_count", None),
    ("stock_transfer_out", None),
    ("gift_card_issued", None),
    ("sale_paid_with_gift_card", None),
    ("sale_after_midnight_with_gift_card", None),
    ("prepayment_taken", None),
    ("prepayment_applied", None),
    ("prepayment_applied_to_its_layaway", Some("prepayment_taken")),
    ("sale_with_taxes_of_two_jurisdictions", None),
    ("exempt_sale", None),
    ("sale_of_a_bundle", None),
    ("sale_paid_in_foreign_cash", None),
    ("sale_with_tip_and_donation", None),
    ("sale_with_both_kinds_of_tax", None),
    ("return_of_an_online_order", None),
    ("return_of_exchanged_goods", Some("exchange_for_more")),
    ("post_void_of_an_exchange", Some("exchange_for_more")),
    ("order_pickup", None),
    ("tender_exchange", None),
    ("account_payment", None),
    ("money_paid_in", None),
    ("money_paid_out", None),
];

#[test]
fn each_event_has_its_documents_and_their_exact_bodies() {
    let settings = plain();
    for (name, sale) in EVENTS {
        let event = event(name);
        let bridging = map::bridging(&event, &settings);
        let documents: Vec<Value> = calls(&event, &settings)
            .into_iter()
            .map(|call| {
                let planned = json!(call.planned);
                let call = match sale {
                    Some(sale) => back(call, &sold(&super::event(sale), &settings)),
                    None => call,
                };
                let document = document(&call, &settings);
                json!({ "planned": planned, "doctype": document.doctype, "body": document.body })
            })
            .collect();
        let golden = json!({ "bridging": bridging, "documents": documents });
        insta::with_settings!({
            snapshot_path => "../testdata", prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_json_snapshot!(name, golden) });
    }
}

#[test]
fn where_another_system_moves_stock_invoices_move_none_and_stock_documents_are_not_posted() {
    let settings = settings("https://erp.example.com", "stock_mover = \"none\"");
    let sale = event("sale_with_discount");
    let body = document(&calls(&sale, &settings)[0], &settings).body;
    assert_eq!(body["update_stock"], 0);
    for name in ["stock_adjustment", "stock_count"] {
        assert_eq!(map::plan(&event(name), &settings), []);
    }
}

#[test]
fn a_store_that_is_not_listed_is_an_exception_or_no_business_of_the_company() {
    let mut sale = event("sale_with_discount");
    transaction_mut(&mut sale).store = protocol::id::StoreId::new("0099").unwrap();
    let (class, reason) = map::document(&calls(&sale, &plain())[0], &plain()).unwrap_err();
    assert_eq!(class, ExceptionClass::UnknownLocation);
    assert!(reason.contains("0099"), "{reason}");
    let skipping = settings("https://erp.example.com", "unlisted_stores = \"skip\"");
    assert_eq!(map::plan(&sale, &skipping), []);
}

#[test]
fn a_receipt_whose_figures_do_not_add_up_is_refused() {
    for with_tender in [false, true] {
        let mut sale = event("sale_with_discount");
        let changed = transaction_mut(&mut sale);
        if with_tender {
            changed.tenders = Vec::new().try_into().unwrap();
        } else {
            changed.total.as_mut().unwrap().amount = protocol::money::Amount::new(640).unwrap();
        }
        let (class, reason) = map::document(&calls(&sale, &plain())[0], &plain()).unwrap_err();
        assert_eq!(class, ExceptionClass::Unbalanced, "{reason}");
        assert_eq!(reason.contains("its tenders"), with_tender, "{reason}");
    }
}

#[test]
fn a_return_without_its_sale_or_its_row_is_a_missing_original() {
    let settings = plain();
    let call = calls(&event("return_of_two_of_three"), &settings)[0].clone();
    let mut without_rows = sold(&event("sale_with_split_line"), &settings);
    without_rows.detail = Value::Null;
    for call in [call.clone(), back(call, &without_rows)] {
        let (class, reason) = map::document(&call, &settings).unwrap_err();
        assert_eq!(class, ExceptionClass::MissingOriginal, "{reason}");
    }
}

#[test]
fn goods_of_an_exchange_come_back_from_its_invoice_and_row() {
    let settings = plain();
    let exchange = calls(&event("exchange_for_more"), &settings).remove(0);
    let sale = sold(&event("sale_with_discount"), &settings);
    let invoice = document(&back(exchange, &sale), &settings);
    let call = calls(&event("return_of_exchanged_goods"), &settings).remove(0);
    let body = document(&back(call, &sold(&event("exchange_for_more"), &settings)), &settings).body;
    assert_eq!(body["return_against"], "ACC-SINV-2026-00001");
    let rows = body["items"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["sales_invoice_item"]), (1, &json!("row-1")));
    assert_eq!(rows[0]["item_code"], invoice.body["items"][0]["item_code"]);
}

#[test]
fn a_line_that_comes_back_for_more_than_it_was_sold_for_is_an_over_return() {
    let settings = plain();
    let call = calls(&event("return_of_two_of_three"), &settings)[0].clone();
    let mut sold = sold(&event("sale_with_split_line"), &settings);
    sold.detail["rows"][0]["rate"] = serde_json::from_str("2.00").unwrap();
    let (class, reason) = map::document(&back(call, &sold), &settings).unwrap_err();
    assert_eq!(class, ExceptionClass::OverReturn, "{reason}");
}

#[test]
fn what_the_settings_do_not_name_is_said_by_its_key() {
    let mut settings = plain();
    settings.tax_accounts.clear();
    settings.modes_of_payment.clear();
    settings.goods_back = None;
    settings.bridging_items.gift_card = None;
    for store in settings.stores.values_mut() {
        store.unsellable_warehouse = None;
    }
    let cases = [
        ("sale_with_discount", None, "`tax_accounts`"),
        ("sale_with_tenders_and_rounding", None, "`modes_of_payment`"),
        ("exchange_for_more", Some("sale_with_discount"), "`goods_back`"),
        ("sale_after_midnight_with_gift_card", None, "`bridging_items.gift_card`"),
        ("return_of_two_of_three", Some("sale_with_split_line"), "`unsellable_warehouse`"),
    ];
    for (name, sale, key) in cases {
        let call = calls(&event(name), &settings)[0].clone();
        let call = sale.map_or(call.clone(), |sale| back(call, &sold(&event(sale), &plain())));
        let (_, reason) = map::document(&call, &settings).unwrap_err();
        assert!(reason.contains(key), "{name}: {reason}");
    }
}
