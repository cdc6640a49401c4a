//! What every input with a folder has to hold, with files of this one.

use super::*;
use crate::inputs::folder::conformance::{self, CARD, Case};

/// A file with sales of one line, by receipt and description.
fn batch(flag: &str, sales: &[(u32, &str)], total: &str) -> Vec<u8> {
    let sale = |(receipt, description): &(u32, &str)| {
        format!(
            "<Transaction{flag}><RetailStoreID>{}</RetailStoreID><WorkstationID>2</WorkstationID>\
             <SequenceNumber>{receipt}</SequenceNumber><BusinessDayDate>2026-11-23</BusinessDayDate>\
             <EndDateTime>2026-11-23T17:04:11</EndDateTime><CurrencyCode>EUR</CurrencyCode>\
             <RetailTransaction><LineItem><SequenceNumber>1</SequenceNumber><Sale>\
             <ItemID>4711</ItemID><Description>{description}</Description>\
             <RegularSalesUnitPrice>1.49</RegularSalesUnitPrice>\
             <ExtendedAmount>4.47</ExtendedAmount><Quantity>3</Quantity></Sale></LineItem>\
             <LineItem><SequenceNumber>2</SequenceNumber><Tender TenderType=\"Cash\">\
             <Amount>4.47</Amount></Tender></LineItem>\
             <Total TotalType=\"TransactionGrandAmount\">{total}</Total></RetailTransaction>\
             </Transaction>\n",
            conformance::STORE
        )
    };
    let sales: String = sales.iter().map(sale).collect();
    format!("<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\">\n{sales}</POSLog>")
        .into_bytes()
}

#[tokio::test]
async fn poslog_holds_what_every_input_with_a_folder_holds() {
    let live = " TrainingModeFlag=\"false\"";
    let pencils = [(1, "Pencil"), (2, "Pencil"), (3, "Pencil")];
    let paid = format!("paid with {CARD}, thanks");
    let case = Case {
        decoder: by("strict"),
        whole: (batch(live, &pencils, "4.47"), 3),
        changed: batch(live, &[(1, "Pencil"), (2, "Pen"), (3, "Pencil")], "4.47"),
        practice: batch(" TrainingModeFlag=\"true\"", &pencils[..1], "4.47"),
        doubtful: batch("", &pencils[..1], "4.47"),
        unbalanced: batch(live, &pencils[..1], "4.48"),
        card: (batch(live, &[(1, paid.as_str())], "4.47"), "paid with 411111******1111, thanks"),
    };
    conformance::run(&case).await;
}
