//! Lines, taxes, rounding, tenders.

use reqwest::StatusCode;
use serde_json::{Value, json};
use simulated_erpnext::ModeOfPayment;

use crate::support::{INVOICE, open, ready, sale, setup};

async fn refused(change: impl Fn(&mut Value)) -> (u16, String, String) {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    change(&mut invoice);
    let mut seen = served.post(INVOICE, invoice).await;
    if seen.status == StatusCode::OK {
        seen = served.submit(&seen.body["data"]).await;
    }
    let message = seen.message();
    (seen.refusal().0, seen.refusal().1.to_owned(), message)
}

#[tokio::test]
async fn included_taxes_are_taken_out_of_the_rate() {
    let served = ready().await;
    let sold = served.sell(sale("k", 3)).await;
    assert_eq!((&sold["net_total"], &sold["grand_total"]), (&json!(30.0), &json!(35.7)));
    assert_eq!(sold["taxes"][0]["tax_amount"], 5.7);
    assert_eq!((&sold["paid_amount"], &sold["outstanding_amount"]), (&json!(35.7), &json!(0.0)));
}

#[tokio::test]
async fn the_cent_that_included_taxes_leave_over_becomes_a_rounding_adjustment() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    let tax = json!({
        "charge_type": "On Net Total", "account_head": "VAT - N", "description": "5 %",
        "rate": 5, "included_in_print_rate": 1,
    });
    invoice["items"][0]["rate"] = json!(0.95);
    invoice["taxes"] = json!([tax, tax]);
    invoice["payments"][0]["amount"] = json!(0.95);
    let sold = served.sell(invoice).await;
    assert_eq!(
        (&sold["net_total"], &sold["total_taxes_and_charges"]),
        (&json!(0.86), &json!(0.08))
    );
    assert_eq!(sold["rounding_adjustment"], 0.01);
    assert_eq!((&sold["grand_total"], &sold["outstanding_amount"]), (&json!(0.95), &json!(0.0)));
    let round_off = served.site.books().balance("Round Off - N");
    assert_eq!(round_off.normalize().to_string(), "-0.01");
}

#[tokio::test]
async fn net_amounts_are_not_rounded_and_the_ledger_rounds_off_what_posting_them_leaves() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    let row = json!({ "item_code": "A-1", "qty": 1, "rate": 0.99 });
    invoice["items"] = json!([row, row, row, row]);
    invoice["payments"][0]["amount"] = json!(3.96);
    let sold = served.sell(invoice).await;
    assert_eq!((&sold["net_total"], &sold["base_net_total"]), (&json!(3.33), &json!(3.32)));
    assert_eq!((&sold["grand_total"], &sold["rounding_adjustment"]), (&json!(3.96), &json!(0.0)));
    assert_eq!(sold["items"][0]["net_amount"], 0.831932773);
    let summary = served.site.summary();
    assert_eq!(summary.debit, summary.credit);
    let round_off = served.site.books().balance("Round Off - N");
    assert_eq!(round_off.normalize().to_string(), "-0.01");
}

#[tokio::test]
async fn a_rate_follows_from_list_price_and_discount_and_is_not_looked_up() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["items"] = json!([
        { "item_code": "A-1", "qty": 1, "price_list_rate": 20, "discount_percentage": 25 },
        { "item_code": "A-1", "qty": 1, "price_list_rate": 20, "discount_percentage": 100 },
    ]);
    let draft = served.draft(invoice).await;
    assert_eq!(
        (&draft["items"][0]["rate"], &draft["items"][1]["rate"]),
        (&json!(15.0), &json!(0.0))
    );
    assert_eq!(draft["items"][0]["discount_amount"], 5.0);
    let mut unpriced = sale("k-2", 1);
    unpriced["items"] = json!([{ "item_code": "A-1", "qty": 1 }]);
    assert_eq!(served.post(INVOICE, unpriced).await.refusal(), (501, "NotSimulated"));
}

#[tokio::test]
async fn the_account_of_the_customer_is_a_receivable_one() {
    let (status, _, message) = refused(|invoice| invoice["debit_to"] = json!("Cash - N")).await;
    assert_eq!(status, 417);
    assert!(message.ends_with("account is a Receivable account."));
}

#[tokio::test]
async fn taxes_that_are_not_included_are_added() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["items"][0]["rate"] = json!(10);
    invoice["taxes"][0]["included_in_print_rate"] = json!(0);
    assert_eq!(served.sell(invoice).await["grand_total"], 11.9);
}

#[tokio::test]
async fn an_actual_tax_is_posted_as_stated_and_cannot_be_included() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["items"][0]["rate"] = json!(10);
    invoice["taxes"] = json!([{
        "charge_type": "Actual", "account_head": "VAT - N", "description": "VAT", "tax_amount": 1.91,
    }]);
    invoice["payments"][0]["amount"] = json!(11.91);
    assert_eq!(served.sell(invoice).await["grand_total"], 11.91);
    let (status, _, message) = refused(|invoice| {
        invoice["taxes"][0]["charge_type"] = json!("Actual");
    })
    .await;
    assert_eq!(status, 417);
    assert!(message.starts_with("Charge of type 'Actual' in row 1 cannot be included"));
}

#[tokio::test]
async fn a_tax_template_replaces_the_rate_for_its_item() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["items"] = json!([
        { "item_code": "A-1", "qty": 1, "rate": 11.90 },
        { "item_code": "B-2", "qty": 1, "rate": 10.70, "item_tax_template": "Reduced - N" },
    ]);
    invoice["payments"][0]["amount"] = json!(22.6);
    let sold = served.sell(invoice).await;
    assert_eq!((&sold["net_total"], &sold["taxes"][0]["tax_amount"]), (&json!(20.0), &json!(2.6)));
}

#[tokio::test]
async fn totals_that_are_sent_are_overwritten() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["grand_total"] = json!(99);
    invoice["outstanding_amount"] = json!(99);
    assert_eq!(served.draft(invoice).await["grand_total"], 11.9);
}

#[tokio::test]
async fn a_total_is_rounded_to_the_smallest_coin_and_the_rest_posted() {
    let mut setup = setup();
    setup.settings.smallest_coin = Some("0.05".parse().unwrap());
    let served = open(setup).await;
    let mut invoice = sale("k", 1);
    invoice["update_stock"] = json!(0);
    invoice["items"][0]["rate"] = json!(11.92);
    let sold = served.sell(invoice).await;
    assert_eq!(
        (&sold["rounded_total"], &sold["rounding_adjustment"]),
        (&json!(11.9), &json!(-0.02))
    );
    assert_eq!(served.site.books().balance("Round Off - N").normalize().to_string(), "0.02");
}

#[tokio::test]
async fn several_tenders_each_go_to_their_account_and_cash_gives_change() {
    let served = ready().await;
    let mut invoice = sale("k", 2);
    invoice["payments"] = json!([
        { "mode_of_payment": "Card", "amount": 20 },
        { "mode_of_payment": "Cash", "amount": 5 },
    ]);
    let sold = served.sell(invoice).await;
    assert_eq!((&sold["change_amount"], &sold["outstanding_amount"]), (&json!(1.2), &json!(0.0)));
    let books = served.site.books();
    assert_eq!(books.balance("Card Clearing - N").normalize().to_string(), "20");
    assert_eq!(books.balance("Cash - N").normalize().to_string(), "3.8");
}

#[tokio::test]
async fn a_card_gives_no_change_and_leaves_a_negative_outstanding_amount() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["payments"] = json!([{ "mode_of_payment": "Card", "amount": 12 }]);
    let sold = served.sell(invoice).await;
    assert_eq!((&sold["change_amount"], &sold["outstanding_amount"]), (&json!(0.0), &json!(-0.1)));
}

#[tokio::test]
async fn an_underpaid_invoice_is_accepted_and_partly_paid_today_or_overdue_later() {
    let served = ready().await;
    for (key, date, status) in
        [("k-1", "2026-11-23", "Partly Paid"), ("k-2", "2026-11-20", "Overdue")]
    {
        let mut invoice = sale(key, 1);
        invoice["posting_date"] = json!(date);
        invoice["payments"][0]["amount"] = json!(11);
        let sold = served.sell(invoice).await;
        assert_eq!((&sold["status"], &sold["outstanding_amount"]), (&json!(status), &json!(0.9)));
    }
}

#[tokio::test]
async fn a_write_off_closes_what_is_left_and_is_posted() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["payments"][0]["amount"] = json!(11.89);
    invoice["write_off_outstanding_amount_automatically"] = json!(1);
    let sold = served.sell(invoice).await;
    assert_eq!((&sold["write_off_amount"], &sold["status"]), (&json!(0.01), &json!("Paid")));
    assert_eq!(served.site.books().balance("Write Off - N").normalize().to_string(), "0.01");
}

#[tokio::test]
async fn a_write_off_needs_an_account() {
    let mut setup = setup();
    setup.company.write_off_account = false;
    let served = open(setup).await;
    let mut invoice = sale("k", 1);
    invoice["is_pos"] = json!(0);
    invoice["pos_profile"] = json!("");
    invoice["update_stock"] = json!(0);
    invoice["write_off_amount"] = json!(1);
    let refused = served.post(INVOICE, invoice).await;
    assert_eq!(refused.message(), "Please enter Write Off Account");
}

#[tokio::test]
async fn an_invoice_that_is_not_pos_is_unpaid_whatever_tenders_are_sent() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["is_pos"] = json!(0);
    invoice["posting_date"] = json!("2026-11-23");
    invoice["items"][0]["warehouse"] = json!("Hamburg - N");
    let sold = served.sell(invoice).await;
    assert_eq!((&sold["payments"], &sold["status"]), (&json!([]), &json!("Unpaid")));
}

#[tokio::test]
async fn a_pos_invoice_needs_a_tender_and_only_positive_ones() {
    let (_, _, none) = refused(|invoice| invoice["payments"] = json!([])).await;
    assert_eq!(none, "At least one mode of payment is required for POS invoice.");
    let (_, _, negative) = refused(|invoice| invoice["payments"][0]["amount"] = json!(-11.9)).await;
    assert_eq!(negative, "Row #1 (Payment Table): Amount must be positive");
}

#[tokio::test]
async fn a_mode_of_payment_without_an_account_is_refused() {
    let mut setup = setup();
    let voucher = ModeOfPayment { name: "Voucher".into(), kind: "General".into(), account: None };
    setup.modes_of_payment.push(voucher);
    let served = open(setup).await;
    let mut invoice = sale("k", 1);
    invoice["payments"][0]["mode_of_payment"] = json!("Voucher");
    let refused = served.post(INVOICE, invoice).await;
    let message = "Please set default Cash or Bank account in Mode of Payment Voucher";
    assert_eq!(refused.message(), message);
}

#[tokio::test]
async fn quantities_are_neither_zero_nor_negative_nor_fractions_of_what_is_counted() {
    let (_, kind, _) = refused(|invoice| invoice["items"][0]["qty"] = json!(0)).await;
    assert_eq!(kind, "InvalidQtyError");
    let (_, kind, _) = refused(|invoice| invoice["items"][0]["qty"] = json!(0.5)).await;
    assert_eq!(kind, "UOMMustBeIntegerError");
    let (_, _, message) = refused(|invoice| invoice["items"][0]["qty"] = json!(-1)).await;
    assert_eq!(message, "For an item A-1, quantity must be positive number");
}
