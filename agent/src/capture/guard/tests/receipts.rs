//! Receipts with everything in them that resembles a card number and is none: article numbers,
//! order numbers, identities, hashes, telephone numbers, dates, amounts.

use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use super::cards::{Planted, escaped, hex};
use crate::capture::guard::issuer;

/// A receipt as JSON, with a card number planted somewhere if there is one.
pub(super) fn with(random: &mut StdRng, planted: Option<&Planted>) -> String {
    let place = planted.map(|planted| {
        // A number of 13 or 14 digits cannot be told from an article's in an article's field.
        let places = if planted.is_regular { 0..10 } else { 0..5 };
        random.random_range(places)
    });
    let put = |at: usize, otherwise: String, random: &mut StdRng| match planted {
        Some(planted) if place == Some(at) => {
            let text = match random.random_range(0..4) {
                0 => format!("no {} ok", planted.text),
                1 if planted.is_regular => format!("PAN{}", planted.text),
                2 => format!("({})", planted.text),
                _ => planted.text.clone(),
            };
            escaped(random, &text)
        }
        _ => otherwise,
    };
    let description = put(0, description(random), random);
    let reason = put(1, format!("size {}", sizes(random)), random);
    let extension = put(2, digits(random, 12), random);
    let note = put(3, format!("{} {}", date(random), time(random)), random);
    let phone = put(4, format!("+49{}", digits(random, 11)), random);
    let pos_id = put(5, uuid(random), random);
    let loyalty = put(6, format!("LOY-{}", digits(random, 9)), random);
    let reference = put(7, digits(random, 12), random);
    let order = put(8, format!("#{}", digits(random, 5)), random);
    let serial = put(9, format!("SN{}", hex(random, 14)), random);
    let receipt = receipt(random);
    let id = uuid(random);
    let trace = format!("00-{}-{}-01", hex(random, 32), hex(random, 16));
    let lines: Vec<_> = (1..=random.random_range(1..4)).map(|line| line_of(random, line)).collect();
    let lines = lines.join(",");
    let signature = base64(random, 88);
    let hash = hex(random, 64);
    let code = fiscal_code(random);
    let line_item = format!("gid://shop/LineItem/{}", digits(random, 13));
    let grand_total = random.random_range(1_000_000_u64..99_999_999_999_999);
    let (date, time) = (date(random), time(random));
    format!(
        r#"{{"specversion":"1.0","id":"{id}","type":"storekeep.transaction.v1","subject":"0042/2/{date}/{receipt}",
"time":"{date}T{time}.120+01:00","traceparent":"{trace}","data":{{"kind":"sale","store":"0042","register":"2",
"businessDate":"{date}","receipt":"{receipt}","posId":"{pos_id}","currency":"EUR","order":"{order}",
"customer":{{"loyalty":"{loyalty}"}},"personal":{{"phone":"{phone}"}},
"lines":[{lines},{{"line":90,"kind":"item","direction":"in","item":{{"sku":"4711","description":"{description}"}},
"quantity":"1","unitPrice":"12.500000","extended":1250,"total":1250,"serials":["{serial}"],"returnReason":"{reason}",
"original":{{"order":"{order}","lineItem":"{line_item}"}}}}],
"total":{{"amount":{grand_total},"direction":"in"}},
"tenders":[{{"tender":1,"kind":"card","purpose":"payment","amount":{grand_total},
"card":{{"scheme":"visa","bin":"411111","last4":"1111","authorisation":"041234","reference":"{reference}"}}}}],
"fiscal":{{"device":"{hash}","signature":"{signature}","code":"{code}"}},
"extensions":{{"acme:campaign":"{extension}","acme:note":"{note}"}}}}}}"#
    )
}

fn line_of(random: &mut StdRng, line: u32) -> String {
    let gtin = article(random, 13);
    let scanned = match random.random_range(0..4) {
        0 => article(random, 12),
        1 => article(random, 14),
        2 => format!("(01){}(17){}", article(random, 14), digits(random, 6)),
        _ => gtin.clone(),
    };
    let sku = if random.random_bool(0.3) { gtin.clone() } else { digits(random, 6) };
    let price = random.random_range(1..99_999);
    format!(
        r#"{{"line":{line},"kind":"item","item":{{"sku":"{sku}","gtin":"{gtin}","scanned":"{scanned}",
"description":"{}","group":"stationery"}},"quantity":"{}.523","unitPrice":"1.490000","extended":{price},"total":{price},
"taxes":[{{"code":"A","rate":"19","base":{price},"amount":62,"included":true}}]}}"#,
        description(random),
        random.random_range(0..99),
    )
}

fn description(random: &mut StdRng) -> String {
    let n = random.random_range(1..999);
    match random.random_range(0..6) {
        0 => format!("Pencil 2H {n}"),
        1 => format!("Cable {n} mm 230 V 10-16 A"),
        2 => format!("Paper A4 80 g/m2 {n} sheets"),
        3 => format!("Milk 3.5 % {n}.5 l"),
        4 => format!("Screw M4x{n} DIN 7985-1"),
        _ => format!("Phone 64-{n} GB EAN {}", digits(random, 8)),
    }
}

fn receipt(random: &mut StdRng) -> String {
    let number = digits(random, 6);
    match random.random_range(0..5) {
        0 => number,
        1 => format!("2026-{number}"),
        2 => format!("0042-2-{number}"),
        3 => format!("R{}-{number}", date(random)),
        _ => format!("0042/02/{}/{number}", digits(random, 4)),
    }
}

/// An article number with its check digit, of any country.
fn article(random: &mut StdRng, length: usize) -> String {
    let mut values: Vec<u8> = (1..length).map(|_| random.random_range(0..10)).collect();
    let check = (0..10).find(|check| {
        let mut whole = values.clone();
        whole.push(*check);
        issuer::passes_gs1(&whole)
    });
    values.push(check.unwrap());
    values.iter().map(|value| char::from(b'0' + value)).collect()
}

fn uuid(random: &mut StdRng) -> String {
    let version = if random.random_bool(0.5) { 4 } else { 7 };
    let parts = [8, 4, 3, 3, 12].map(|count| hex(random, count));
    format!("{}-{}-{version}{}-8{}-{}", parts[0], parts[1], parts[2], parts[3], parts[4])
}

fn fiscal_code(random: &mut StdRng) -> String {
    let amounts: Vec<_> =
        (0..5).map(|_| format!("{}.{}", random.random_range(0..500), digits(random, 2))).collect();
    format!(
        "V0;955002-00;Kassenbeleg-V1;Beleg^{}^{}:Bar;{};{};{}T{}.000Z;ecdsa-plain-SHA256;unixTime;{}",
        amounts.join("_"),
        amounts[0],
        random.random_range(1..99_999),
        random.random_range(1..999_999),
        date(random),
        time(random),
        base64(random, 88),
    )
}

fn base64(random: &mut StdRng, count: usize) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u64| char::from(alphabet[usize::try_from(bits & 63).unwrap()]);
    let mut text = String::new();
    while text.len() < count {
        let bits = random.next_u64();
        text.extend((0..10).map(|n| letter(bits >> (6 * n))));
    }
    text.truncate(count);
    text
}

fn sizes(random: &mut StdRng) -> String {
    let first = random.random_range(17..25) * 2;
    let sizes: Vec<_> = (0..8).map(|n| (first + 2 * n).to_string()).collect();
    sizes.join(" ")
}

fn date(random: &mut StdRng) -> String {
    format!("2026-{:02}-{:02}", random.random_range(1..13), random.random_range(1..29))
}

fn time(random: &mut StdRng) -> String {
    let part = |random: &mut StdRng, below| random.random_range(0..below);
    format!("{:02}:{:02}:{:02}", part(random, 24), part(random, 60), part(random, 60))
}

/// At most 18 digits.
fn digits(random: &mut StdRng, count: usize) -> String {
    let mut text = format!("{:018}", random.next_u64() % 1_000_000_000_000_000_000);
    text.truncate(count);
    text
}
