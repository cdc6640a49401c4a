//! What an invoice posts.

use serde_json::json;

use crate::support::{ready, refund, sale};

#[tokio::test]
async fn every_document_balances() {
    let served = ready().await;
    let mut split = sale("k-1", 3);
    split["payments"] = json!([
        { "mode_of_payment": "Card", "amount": 30 },
        { "mode_of_payment": "Cash", "amount": 10 },
    ]);
    let sold = served.sell(split).await;
    served.sell(refund("r-1", &sold, 1)).await;
    let mut short = sale("k-2", 1);
    short["payments"][0]["amount"] = json!(11.5);
    short["write_off_amount"] = json!(0.4);
    served.sell(short).await;
    let summary = served.site.summary();
    assert_eq!(summary.debit, summary.credit);
    assert_eq!((summary.sales, summary.returns), (2, 1));
    assert_eq!(summary.received.to_string(), "35.3");
    assert_eq!(served.site.books().balance("Debtors - N").normalize().to_string(), "0");
}

#[tokio::test]
async fn an_invoice_posts_customer_tax_income_and_tenders() {
    let served = ready().await;
    served.sell(sale("k", 1)).await;
    let query = json!({ "voucher_no": "ACC-SINV-2026-00001" });
    let fields = json!(["account", "debit", "credit", "party"]);
    let path =
        format!("/api/resource/GL%20Entry?filters={query}&fields={fields}&order_by=name%20asc");
    let lines = served.get(&path).await;
    assert_eq!(
        lines.data(),
        &json!([
            { "account": "Debtors - N", "debit": 11.9, "credit": 0.0, "party": "Walk-in" },
            { "account": "VAT - N", "debit": 0.0, "credit": 1.9, "party": null },
            { "account": "Sales - N", "debit": 0.0, "credit": 10.0, "party": null },
            { "account": "Debtors - N", "debit": 0.0, "credit": 11.9, "party": "Walk-in" },
            { "account": "Cash - N", "debit": 11.9, "credit": 0.0, "party": null },
        ])
    );
}

#[tokio::test]
async fn a_return_is_reckoned_against_its_sale() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    served.sell(refund("r", &sold, 1)).await;
    let books = served.site.books();
    let party = books.general_ledger.iter().filter(|line| line.party.is_some());
    assert!(party.clone().all(|line| line.against_voucher.as_deref() == sold["name"].as_str()));
    assert_eq!(party.count(), 4);
}
