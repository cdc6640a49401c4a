//! Sales that go to a shop and to an ERP: each stands in both once, and the ERP's ledger holds what
//! the tills took, to the cent.

use std::time::Duration;

use tests::outage::sell;
use tests::world::Plan;

use crate::world;

const DRAIN: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn what_stores_sell_stands_in_shop_and_erp_once_and_its_ledger_agrees_to_the_cent() {
    let (world, _folder) = world(Plan::add_erp).await;
    sell(&world, world.registers().unwrap(), 15).await.unwrap();
    world.drained(DRAIN).await.unwrap();
    let shop = world.differences_from(&world.asking.shop_books().await.unwrap());
    assert!(shop.is_empty(), "{shop:#?}");
    let books = world.asking.erp_books().await.unwrap();
    let erp = world.differences_from_erp(&books).unwrap();
    assert!(erp.is_empty(), "{erp:#?}");
    let summary = world.asking.erp_summary().await.unwrap();
    assert_eq!(summary.sales + summary.returns, world.posted());
    assert_eq!(summary.debit, summary.credit);
    assert!(world.asking.exceptions().await.unwrap().is_empty());
}
