//! What each vendor does in its own way, told by a fixture of its kind.

use protocol::event::line::Original;
use protocol::event::tender::{StoredValueAction, TenderKind};
use protocol::event::{Direction, TenderPurpose, TillKind, TransactionKind, balance};

use super::*;

#[test]
fn the_strict_profile_reads_every_kind_of_document_of_the_standard() {
    let read = read(&*by("strict"), STRICT.as_bytes());
    assert!(read.ended.is_none());
    let expected = [
        ("close", 1),
        ("no_sale", 1),
        ("paid_out", 1),
        ("post_void", 1),
        ("sale", 2),
        ("skipped", 1),
        ("void", 1),
    ];
    assert_eq!(kinds(&read), expected.into_iter().collect());
    let training = read.documents.iter().filter(|document| match &document.content {
        Content::Event(draft) => {
            matches!(&draft.body, Body::Transaction(sale) if sale.is_training())
        }
        _ => false,
    });
    assert_eq!(training.count(), 1, "practice is told apart, and capture counts it only");
}

#[test]
fn a_sale_of_the_standard_keeps_every_figure_of_the_pos() {
    let all = transactions("strict", STRICT.as_bytes());
    let sale = &all[0];
    assert_eq!(
        (sale.kind, money(sale.signed_total())),
        (TransactionKind::Sale, "3.35 EUR".to_owned())
    );
    assert_eq!(balance::unbalanced(sale), []);
    assert_eq!(sale.flags.len(), 1, "offline");
    assert_eq!(sale.rounding.minor(), -2);
    assert_eq!(sale.customer.as_ref().unwrap().id.as_ref().unwrap().as_str(), "C-9");
    let pencil = &sale.lines[0];
    assert_eq!(
        (pencil.extended.minor(), pencil.total.minor()),
        (447, 387),
        "raised by the discount"
    );
    assert_eq!(pencil.discounts[0].id.as_ref().unwrap().as_str(), "PROMO-7");
    let tax = &pencil.taxes[0];
    assert_eq!((tax.amount.minor(), tax.unrounded.unwrap().to_string()), (62, "0.6179".to_owned()));
    assert!(tax.included && !sale.lines[1].counts());
    let deposit = &sale.lines[2];
    assert_eq!((deposit.direction, deposit.total.minor()), (Direction::In, 50));
    let tenders: Vec<_> = sale.tenders.iter().map(|t| (t.purpose, t.amount.minor())).collect();
    assert_eq!(tenders, [(TenderPurpose::Payment, 500), (TenderPurpose::Change, 165)]);
    assert_eq!(sale.profile.as_ref().unwrap().as_str(), "strict@1");
}

#[test]
fn nothing_personal_of_a_customer_reaches_the_event() {
    for (profile, xml) in [("strict", STRICT), ("roqqio", ROQQIO)] {
        for transaction in transactions(profile, xml.as_bytes()) {
            let json = serde_json::to_string(&transaction).unwrap();
            for personal in ["Nobody", "Never", "1964", "OfficialName"] {
                assert!(!json.contains(personal), "{personal}: {json}");
            }
        }
    }
    let swedish = transactions("swedish-digital-receipt", SWEDISH.as_bytes());
    let json = serde_json::to_string(&swedish).unwrap();
    assert!(!json.contains("Sara") && !json.contains("2210228884"), "{json}");
}

#[test]
fn a_post_void_that_repeats_the_sale_is_turned_around() {
    let all = transactions("strict", STRICT.as_bytes());
    let void = all.iter().find(|t| t.kind == TransactionKind::PostVoid).unwrap();
    assert_eq!(void.signed_total().minor, -200);
    assert_eq!(
        (void.lines[0].direction, void.tenders[0].direction),
        (Direction::In, Direction::Out)
    );
    assert_eq!(void.original.as_ref().unwrap().receipt.as_str(), "150");
    assert_eq!(balance::unbalanced(void), []);
}

#[test]
fn the_close_carries_what_the_pos_states_and_no_more() {
    let read = read(&*by("strict"), STRICT.as_bytes());
    let tills: Vec<Till> = read
        .documents
        .into_iter()
        .filter_map(|document| match document.content {
            Content::Event(draft) => match draft.body {
                Body::Till(till) => Some(*till),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(tills[0].amount.unwrap().minor(), 1_500);
    assert_eq!(tills[0].reason.as_ref().unwrap().as_str(), "Window cleaner");
    let z = tills[1].z.as_ref().unwrap();
    assert_eq!((tills[1].kind, z.number), (TillKind::Close, Some(311)));
    assert_eq!((z.gross.unwrap().minor(), z.returns.unwrap().minor()), (512_345, 8_120));
    assert_eq!((z.float.unwrap().minor(), z.over_short.unwrap().minor()), (20_000, -50));
    let counted: Vec<_> = z.tenders.iter().map(|t| (t.kind, t.counted.unwrap().minor())).collect();
    assert_eq!(counted, [(TenderKind::Cash, 120_000), (TenderKind::Card, 384_175)]);
    assert_eq!(z.paid_in, None);
}

#[test]
fn each_movement_of_a_drawer_is_told_by_its_element() {
    let money = "<Amount>20.00</Amount>";
    let cases = [
        ("Tender", format!("<PaidIn>{money}</PaidIn>"), TillKind::PaidIn),
        ("Tender", format!("<PayOut>{money}</PayOut>"), TillKind::PaidOut),
        ("Tender", format!("<TenderLoan>{money}</TenderLoan>"), TillKind::Loan),
        ("Tender", format!("<TenderPickup>{money}</TenderPickup>"), TillKind::Pickup),
        ("", "<NoSale/>".to_owned(), TillKind::NoSale),
        ("", "<OperatorSignOn/>".to_owned(), TillKind::SignOn),
        ("", "<OperatorSignOff/>".to_owned(), TillKind::SignOff),
        ("", "<BusinessSOD/>".to_owned(), TillKind::Open),
        ("", "<BusinessEOD/>".to_owned(), TillKind::Close),
    ];
    let (head, _) = STRICT.split_once("<RetailTransaction>").unwrap();
    for (of, what, kind) in cases {
        let control = format!("{of}ControlTransaction");
        let xml = format!("{head}<{control}>{what}</{control}></Transaction></POSLog>");
        let read = read(&*by("strict"), xml.as_bytes());
        let Content::Event(draft) = &read.documents[0].content else { panic!("{read:?}") };
        let Body::Till(till) = &draft.body else { panic!() };
        assert_eq!((till.kind, till.cashier.is_some()), (kind, true));
        assert_eq!(till.amount.map(|amount| amount.minor()), kind.moves_money().then_some(2_000));
    }
    let xml = format!(
        "{head}<TenderControlTransaction><PaidIn/></TenderControlTransaction></Transaction></POSLog>"
    );
    let (_, problem) = problem(read(&*by("strict"), xml.as_bytes()));
    assert!(problem.detail.contains("no amount"), "{problem}");
}

#[test]
fn ncr_change_is_a_second_tender_below_zero_and_a_void_repeats_its_line() {
    let sale = transaction("ncr-acs", NCR_ACS);
    assert_eq!((sale.kind, sale.signed_total().minor), (TransactionKind::Sale, 201));
    assert_eq!(balance::unbalanced(&sale), []);
    let voids: Vec<_> = sale.lines.iter().map(|line| (line.line, line.void)).collect();
    assert_eq!(voids, [(2, false), (3, true), (4, true)]);
    let tenders: Vec<_> =
        sale.tenders.iter().map(|t| (t.purpose, t.direction, t.amount.minor())).collect();
    let change = (TenderPurpose::Change, Direction::Out, 262);
    assert_eq!(tenders, [(TenderPurpose::Payment, Direction::In, 463), change]);
    assert_eq!(sale.discounts.len(), 1, "a reward counts once, though it stands in detail and sum");
    assert_eq!((sale.taxes[0].amount.minor(), sale.taxes[0].included), (94, false));
}

#[test]
fn a_vendors_own_equation_that_does_not_hold_is_flagged_and_the_sale_is_kept() {
    let xml = NCR_ACS.replace(">2.20<", ">2.21<");
    let read = read(&*by("ncr-acs"), xml.as_bytes());
    let Content::Event(draft) = &read.documents[0].content else { panic!() };
    assert_eq!(draft.unbalanced, [protocol::record::Equation::Transaction]);
}

#[test]
fn retalix_states_times_with_their_offset_beside_and_cash_back_within_a_tender() {
    let sale = transaction("retalix-r10", RETALIX_R10);
    assert_eq!(sale.completed_at.unwrap().to_string(), "2026-11-23T00:21:54.4833703+03:00");
    assert_eq!(sale.business_date.to_string(), "2026-11-22", "the POS's own");
    assert_eq!(balance::unbalanced(&sale), []);
    let tenders: Vec<_> = sale.tenders.iter().map(|t| (t.purpose, t.amount.minor())).collect();
    assert_eq!(tenders, [(TenderPurpose::Payment, 2_199), (TenderPurpose::CashBack, 2_000)]);
    let card = sale.tenders[0].card.as_ref().unwrap();
    assert_eq!(card.bin.as_ref().unwrap().as_str(), "476173");
    assert_eq!(card.last4.as_ref().unwrap().as_str(), "0119");
    assert_eq!(sale.lines[0].quantity.to_string(), "1", "of two quantities the first one is sold");
    let stated = sale.stated.as_ref().unwrap();
    assert_eq!((stated.tax[0].amount.minor(), sale.taxes.len()), (33, 0), "a summary, not a tax");
}

#[test]
fn roqqio_returns_have_a_quantity_below_zero_and_their_link() {
    let all = transactions("roqqio", ROQQIO.as_bytes());
    let (back, sale) = (&all[0], &all[1]);
    assert_eq!((back.kind, back.signed_total().minor), (TransactionKind::Return, -129));
    let Some(Original::Receipt(original)) = &back.lines[0].original else { panic!() };
    assert_eq!((original.receipt.as_str(), original.line), ("3569", Some(4)));
    assert_eq!(back.tenders[0].purpose, TenderPurpose::Refund);
    assert_eq!(back.completed_at.unwrap().to_string(), "2026-10-15T09:27:02.649+00:00");
    assert_eq!(balance::unbalanced(back), []);
    assert_eq!(balance::unbalanced(sale), []);
    assert_eq!((sale.lines[0].line, sale.tenders[1].purpose), (11, TenderPurpose::Change));
}

#[test]
fn swedish_receipts_say_by_words_which_way_things_go_and_round_on_lines_and_tenders() {
    let all = transactions("swedish-digital-receipt", SWEDISH.as_bytes());
    let (back, sale) = (&all[0], &all[1]);
    assert_eq!((back.kind, back.signed_total().minor), (TransactionKind::Return, -4_900));
    assert_eq!(back.taxes[0].direction, Direction::In);
    assert_eq!(back.extensions.value("se:receipt-code"), Some("1202151240570529"));
    assert_eq!(balance::unbalanced(back), []);
    assert_eq!((sale.rounding.minor(), sale.signed_total().minor), (-50, 13_800));
    assert_eq!(balance::unbalanced(sale), []);
    let line = &sale.lines[0];
    assert_eq!((line.quantity.to_string().as_str(), line.extended.minor()), ("2", 15_850));
    let gift = sale.tenders[0].stored_value.as_ref().unwrap();
    assert_eq!((gift.token.as_str(), gift.action), ("****0248", StoredValueAction::Redeem));
}

#[test]
fn wincor_voids_a_line_by_another_one_of_the_same_sign_that_names_it() {
    let sale = transaction("wincor-tpnet", WINCOR);
    let counting: Vec<_> =
        sale.lines.iter().filter(|line| line.counts()).map(|line| line.line).collect();
    assert_eq!(counting, [5]);
    assert_eq!(balance::unbalanced(&sale), []);
    assert_eq!(
        sale.completed_at.unwrap().to_string(),
        "2026-07-14T14:25:39+01:00",
        "the store's clock"
    );
}

#[test]
fn another_vendor_is_read_by_the_profile_of_the_handbook() {
    let profile = include_str!("../testdata/profiles/acme.toml");
    let xml = ACME;
    assert!(profile.lines().count() <= 40);
    let handbook = include_str!("../../../../../docs/handbook/poslog.md");
    assert!(handbook.contains(profile) && handbook.contains(xml), "the handbook shows both");
    let sale = transaction(&format!("{TESTDATA}/profiles/acme.toml"), xml);
    assert_eq!((sale.kind, sale.signed_total().minor), (TransactionKind::Exchange, 199));
    assert_eq!(balance::unbalanced(&sale), []);
    assert_eq!(sale.lines[0].extensions.value("acme:campaign"), Some("K22"));
    assert_eq!(sale.tenders[1].purpose, TenderPurpose::Change);
    // Without the profile it is refused with what to do.
    let (place, problem) = problem(read(&*by("strict"), xml.as_bytes()));
    assert_eq!((place.line, problem.code.as_str()), (2, "SK0083"));
    assert!(problem.next.unwrap().contains("`roots`"));
}

#[test]
fn what_a_profile_does_not_name_is_named_in_a_trial() {
    let read = read(&*by("ncr-acs"), NCR_ACS.as_bytes());
    let places = &read.not_understood[0];
    assert!(places.contains(&"OperatorID@OperatorName".to_owned()), "{places:?}");
    assert!(!places.iter().any(|place| place.contains("GrandAmount")), "{places:?}");
}

#[test]
fn stores_and_registers_are_renamed_by_the_inputs_settings() {
    let mut settings = settings("ncr-acs", "UTC");
    settings.stores.insert("9".to_owned(), "0042".parse().unwrap());
    settings.registers.insert("34".to_owned(), "till-34".parse().unwrap());
    let read = read(&*decoder(&settings).unwrap(), NCR_ACS.as_bytes());
    let Content::Event(draft) = &read.documents[0].content else { panic!() };
    let Body::Transaction(sale) = &draft.body else { panic!() };
    assert_eq!((sale.store.as_str(), sale.register.as_str()), ("0042", "till-34"));
}
