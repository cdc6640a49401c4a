//! Credit notes.

use serde_json::json;

use crate::support::{INVOICE, ready, refund, sale};

#[tokio::test]
async fn a_return_gives_back_money_and_goods() {
    let served = ready().await;
    let sold = served.sell(sale("k", 2)).await;
    let mut back = refund("r", &sold, 1);
    back["naming_series"] = json!("ACC-SINV-RET-.YYYY.-");
    let back = served.sell(back).await;
    assert_eq!(back["name"], "ACC-SINV-RET-2026-00001");
    assert_eq!((&back["status"], &back["grand_total"]), (&json!("Return"), &json!(-11.9)));
    assert_eq!(served.site.books().balance("Cash - N").normalize().to_string(), "11.9");
    assert_eq!(served.site.summary().stock["A-1 @ Hamburg - N"].normalize().to_string(), "19");
}

#[tokio::test]
async fn a_return_before_its_sale_is_refused() {
    let served = ready().await;
    let unknown = json!({ "name": "ACC-SINV-2026-00099", "items": [{ "name": "x" }] });
    let refused = served.post(INVOICE, refund("r", &unknown, 1)).await;
    assert_eq!(refused.refusal(), (417, "LinkValidationError"));
    assert_eq!(refused.message(), "Could not find Return Against: ACC-SINV-2026-00099");
    let draft = served.draft(sale("k", 1)).await;
    let refused = served.post(INVOICE, refund("r", &draft, 1)).await;
    assert!(refused.message().starts_with("Invalid Return Against"));
}

#[tokio::test]
async fn more_than_was_sold_is_accepted_unless_rows_name_what_they_give_back() {
    let served = ready().await;
    let sold = served.sell(sale("k", 2)).await;
    let named = served.post(INVOICE, refund("r-1", &sold, 5)).await;
    assert_eq!(named.refusal(), (417, "StockOverReturnError"));
    let mut unnamed = refund("r-2", &sold, 5);
    unnamed["items"][0]["sales_invoice_item"] = json!(null);
    served.sell(unnamed).await;
}

#[tokio::test]
async fn earlier_returns_count() {
    let served = ready().await;
    let sold = served.sell(sale("k", 2)).await;
    served.sell(refund("r-1", &sold, 1)).await;
    let refused = served.post(INVOICE, refund("r-2", &sold, 2)).await;
    assert_eq!(refused.message(), "Row # 1: Cannot return more than 1.0 for Item A-1");
    served.sell(refund("r-3", &sold, 1)).await;
    let refused = served.post(INVOICE, refund("r-4", &sold, 1)).await;
    assert_eq!(refused.message(), "Item A-1 has already been returned");
}

#[tokio::test]
async fn a_return_is_not_dated_before_its_sale() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    let mut early = refund("r", &sold, 1);
    early["posting_date"] = json!("2026-11-19");
    let refused = served.post(INVOICE, early).await;
    assert!(refused.message().starts_with("Posting timestamp must be after 20-11-2026"));
}

#[tokio::test]
async fn what_was_not_sold_or_at_a_higher_rate_is_refused() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    let mut other = refund("r", &sold, 1);
    other["items"][0]["item_code"] = json!("B-2");
    let refused = served.post(INVOICE, other).await;
    assert!(refused.message().starts_with("Row # 1: Returned Item B-2 does not exist"));
    let mut dear = refund("r", &sold, 1);
    dear["items"][0]["rate"] = json!(12);
    let refused = served.post(INVOICE, dear).await;
    assert!(refused.message().starts_with("Row # 1: Rate cannot be greater"));
}

#[tokio::test]
async fn no_more_is_paid_out_than_comes_back_and_never_a_positive_amount() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    let mut much = refund("r", &sold, 1);
    much["payments"][0]["amount"] = json!(-12);
    let refused = served.post(INVOICE, much).await;
    assert_eq!(refused.message(), "Total payments amount can't be greater than 11.9");
    let mut wrong = refund("r", &sold, 1);
    wrong["payments"][0]["amount"] = json!(11.9);
    let refused = served.post(INVOICE, wrong).await;
    assert_eq!(refused.message(), "Row #1 (Payment Table): Amount must be negative");
}

#[tokio::test]
async fn goods_come_back_only_if_they_went_out() {
    let served = ready().await;
    let mut without = sale("k", 1);
    without["update_stock"] = json!(0);
    let sold = served.sell(without).await;
    let refused = served.post(INVOICE, refund("r", &sold, 1)).await;
    assert!(refused.message().starts_with("'Update Stock' can not be checked"));
}

#[tokio::test]
async fn a_return_without_a_sale_is_accepted() {
    let served = ready().await;
    let mut blind = refund("r", &json!({ "items": [{}] }), 1);
    blind["return_against"] = json!(null);
    served.sell(blind).await;
}
