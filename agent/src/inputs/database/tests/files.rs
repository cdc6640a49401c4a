//! Claims about a POS that keeps its receipts in SQLite.

use protocol::handshake::EpochReason;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

/// A POS's schema of the project's own: a table each for receipts, lines and payments.
const SCHEMA: &str = "
    CREATE TABLE receipt (id INTEGER PRIMARY KEY, day TEXT, at TEXT, mode TEXT);
    CREATE TABLE line (receipt INTEGER, line INTEGER, sku TEXT, text TEXT, units REAL, cents INTEGER);
    CREATE TABLE payment (receipt INTEGER, kind TEXT, cents INTEGER);
";

const PACK: &str = r#"
profile = "own-till@1"
training = { column = "mode", yes = ["T"], no = ["S"] }

[database]
servers = ["sqlite"]
receipt = ["receipt"]
cursor = { column = "receipt", type = "integer", first = "0" }

[[database.queries]]
name = "receipts"
sql = """
SELECT id AS receipt, day, at, mode FROM receipt
WHERE id >= :from AND day >= :since ORDER BY id LIMIT :limit
"""

[[database.queries]]
name = "lines"
sql = "SELECT * FROM line WHERE receipt BETWEEN :from AND :upto ORDER BY receipt, line"

[[database.queries]]
name = "payments"
sql = "SELECT * FROM payment WHERE receipt BETWEEN :from AND :upto ORDER BY receipt, rowid"

[numbers]
implied_places = 2

[times]
zone = "${zone}"

[transaction]
store = "${store}"
register = "${register}"
receipt = { column = "receipt" }
businessDate = { column = "day" }
completedAt = { columns = ["day", "at"] }
currency = "${currency}"
total = { sum = "tenders" }

[[row]]
query = "receipts"

[[row]]
query = "lines"
[row.line]
line = { column = "line" }
kind = "item"
item.sku = { column = "sku" }
item.description = { column = "text" }
quantity = { column = "units" }
total = { column = "cents" }

[[row]]
query = "payments"
[[row.tenders]]
kind = { column = "kind", map = { bar = "cash", karte = "card" } }
amount = { column = "cents" }
"#;

/// The pack's first query, without its `SELECT`.
const FIND: &str = "SELECT id AS receipt, day, at, mode FROM receipt
WHERE id >= :from AND day >= :since ORDER BY id LIMIT :limit";

/// A POS with its file.
struct Till {
    place: TempDir,
    database: Connection,
}

impl Till {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        crate::files::write_private(&place.path().join("pack.toml"), PACK.as_bytes()).unwrap();
        let database = Connection::open(place.path().join("pos.db")).unwrap();
        database.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        database.execute_batch(SCHEMA).unwrap();
        Self { place, database }
    }

    fn settings(&self) -> Settings {
        let pack = self.place.path().join("pack.toml");
        let file = Some(self.place.path().join("pos.db"));
        Settings { file, ..settings(Server::Sqlite, &pack.display().to_string()) }
    }

    fn change_pack(&self, from: &str, to: &str) {
        let pack = PACK.replacen(from, to, 1);
        assert_ne!(pack, PACK, "{from}");
        crate::files::write_private(&self.place.path().join("pack.toml"), pack.as_bytes()).unwrap();
    }

    /// Statements of a sale of 4.47, which the caller may change.
    fn sale(receipt: u32) -> String {
        format!(
            "INSERT INTO receipt VALUES ({receipt}, '2026-11-23', '17:04:11', 'S');
             INSERT INTO line VALUES ({receipt}, 1, '4711', 'Pencil', 3.0, 447);
             INSERT INTO payment VALUES ({receipt}, 'bar', 447);"
        )
    }

    fn sell(&self, receipts: impl IntoIterator<Item = u32>) {
        let sales: String = receipts.into_iter().map(Self::sale).collect();
        self.run(&format!("BEGIN; {sales} COMMIT"));
    }

    fn run(&self, sql: &str) {
        self.database.execute_batch(sql).unwrap();
    }
}

#[tokio::test]
async fn each_receipt_is_taken_once_however_often_the_agent_looks_or_starts() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell(1..=3);
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.problem), (3, None));
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.replayed), (3, 0), "what is known is not even offered");
    shop.restart(till.settings());
    till.sell([4]);
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.conflicts), (1, 0), "a new process starts its counts anew");
    assert_eq!(shop.entries().await, 4);
    let record = &shop.records().await[0];
    assert!(record.contains(r#""unitPrice":"1.49""#), "{record}");
    assert!(record.contains(r#""completedAt":"2026-11-23T17:04:11+01:00""#), "{record}");
}

#[tokio::test]
async fn a_long_outage_is_caught_up_page_by_page() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell(1..=5_000);
    assert!(shop.look().await, "more waits");
    while shop.look().await {}
    shop.look_twice().await;
    assert_eq!(shop.entries().await, 5_000);
    assert_eq!(shop.state().journaled, 5_000);
    // A restart reads the window again and no more than that.
    shop.restart(till.settings());
    shop.look_twice().await;
    assert!(shop.state().replayed <= 3_000, "{:?}", shop.state());
    assert_eq!(shop.entries().await, 5_000);
}

#[tokio::test]
async fn a_receipt_of_which_the_lines_come_later_is_taken_as_a_whole() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.run("INSERT INTO receipt VALUES (1, '2026-11-23', '17:04:11', 'S')");
    shop.look().await;
    shop.now += Duration::from_secs(2);
    till.run("INSERT INTO line VALUES (1, 1, '4711', 'Pencil', 3.0, 447)");
    shop.look().await;
    shop.now += Duration::from_secs(2);
    till.run("INSERT INTO payment VALUES (1, 'bar', 447)");
    shop.look().await;
    assert_eq!(shop.entries().await, 0);
    shop.look_twice().await;
    assert_eq!(shop.entries().await, 1);
    assert!(!shop.records().await[0].contains("balance"));
}

#[tokio::test]
async fn a_sale_that_commits_after_a_later_one_is_not_passed_over() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell([1, 3]);
    shop.look_twice().await;
    assert_eq!(shop.entries().await, 2);
    // The second till's transaction began before the third receipt and is committed only now.
    till.sell([2]);
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.conflicts), (3, 0));
}

#[tokio::test]
async fn a_receipt_that_is_changed_afterwards_shows_as_a_conflict() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell([1, 2]);
    shop.look_twice().await;
    till.run("UPDATE line SET cents = 400 WHERE receipt = 1");
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.conflicts), (2, 1));
    assert_eq!(shop.entries().await, 3, "both are kept");
}

#[tokio::test]
async fn a_new_epoch_reads_everything_again_so_that_a_restored_disk_loses_no_sale() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell(1..=3);
    shop.look_twice().await;
    shop.journal.begin_epoch(Bytes([8; 16]), EpochReason::Rewound).await.unwrap();
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.replayed), (3, 3));
    assert_eq!(shop.entries().await, 3);
}

#[tokio::test]
async fn the_poss_writes_wait_for_nobody_and_its_file_is_not_touched() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell([1]);
    till.run("PRAGMA wal_checkpoint(TRUNCATE)");
    let file = till.place.path().join("pos.db");
    let before = std::fs::read(&file).unwrap();
    // The POS is in the middle of a transaction: it is neither waited for nor seen.
    till.run(&format!("BEGIN IMMEDIATE; {}", Till::sale(2)));
    shop.look_twice().await;
    assert_eq!(shop.entries().await, 1);
    till.run("COMMIT");
    shop.look_twice().await;
    assert_eq!(shop.entries().await, 2);
    assert_eq!(std::fs::read(&file).unwrap(), before, "what the POS wrote stands in its log");
}

#[tokio::test]
async fn a_file_that_the_pos_holds_or_replaces_is_read_when_it_is_there_again() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.run("PRAGMA journal_mode = DELETE");
    till.sell([1]);
    till.run("BEGIN EXCLUSIVE");
    let state = shop.look_twice().await;
    assert_eq!(state.problem.unwrap().code, "SK0081");
    till.run("COMMIT");
    assert_eq!(shop.look_twice().await.journaled, 1);
    let (file, away) = (till.place.path().join("pos.db"), till.place.path().join("old.db"));
    std::fs::rename(&file, &away).unwrap();
    assert_eq!(shop.look_twice().await.problem.unwrap().code, "SK0081");
    std::fs::copy(&away, &file).unwrap();
    let restarted = Connection::open(&file).unwrap();
    restarted.execute_batch(&Till::sale(2)).unwrap();
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.problem), (2, None));
}

#[tokio::test]
async fn a_pack_cannot_write_and_one_that_does_not_fit_is_said() {
    let till = Till::new();
    till.sell([1]);
    for (from, to, said) in [
        (FIND, "DELETE FROM receipt RETURNING id AS receipt", "readonly"),
        ("FROM line WHERE", "FROM lines WHERE", "no such table"),
        ("SELECT * FROM payment", "SELECT kind FROM payment", "no column `receipt`"),
    ] {
        till.change_pack(from, to);
        let mut shop = Shop::new(till.settings());
        let problem = shop.look_twice().await.problem.unwrap();
        assert_eq!(problem.code, "SK0088", "{problem}");
        assert!(problem.detail.contains(said), "{problem}");
        assert_eq!(shop.entries().await, 0);
    }
    let left: u32 =
        till.database.query_row("SELECT count(*) FROM receipt", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn practice_is_counted_and_what_is_doubtful_waits_for_a_person_until_the_pack_knows_it() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell(1..=4);
    till.run(
        "UPDATE receipt SET mode = 'T' WHERE id = 1; UPDATE receipt SET mode = 'X' WHERE id = 2",
    );
    till.run("UPDATE payment SET kind = 'gold' WHERE receipt = 3");
    let state = shop.look_twice().await;
    assert_eq!((state.training, state.refused, state.journaled), (1, 2, 1));
    assert_eq!(state.rejected_files, 2);
    let problem = state.problem.unwrap();
    assert_eq!(problem.code, "SK0087");
    assert!(problem.detail.contains("`2`: column `mode` of `receipts`"), "{problem}");
    // What waits is kept with the next sale, and survives a restart and the window.
    till.sell([5]);
    shop.look_twice().await;
    shop.now += Duration::from_secs(3_600);
    till.sell([6]);
    shop.look_twice().await;
    till.change_pack("karte = \"card\"", "karte = \"card\", gold = \"other\"");
    shop.restart(till.settings());
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.rejected_files), (1, 1));
    assert_eq!(shop.entries().await, 4);
}

#[tokio::test]
async fn card_data_is_masked_and_what_does_not_add_up_is_flagged_and_both_are_kept() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell([1, 2]);
    till.run("UPDATE line SET text = 'card 4111111111111111' WHERE receipt = 1");
    till.run("UPDATE payment SET cents = 440 WHERE receipt = 2");
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.problem), (2, None));
    let records = shop.records().await;
    assert!(records[0].contains("card 411111******1111"), "{}", records[0]);
    assert!(records[0].contains(r#""scrubbed":["#) && !records[0].contains("4111111111"));
    assert!(records[1].contains(r#""balance":["transaction"]"#), "{}", records[1]);
}

#[tokio::test]
async fn what_was_sold_before_the_first_trading_day_is_left_where_it_is() {
    let till = Till::new();
    let mut shop = Shop::new(till.settings());
    till.sell(1..=3);
    till.run("UPDATE receipt SET day = '2026-11-21' WHERE id = 1");
    shop.look_twice().await;
    assert_eq!(shop.entries().await, 2);
}

#[test]
fn settings_and_packs_that_cannot_be_used_say_where_and_why() {
    let till = Till::new();
    for (from, to, said) in [
        ("servers = [\"sqlite\"]", "servers = [\"mysql\"]", "written for mysql, not for sqlite"),
        ("first = \"0\"", "first = \"a\"", "is no position"),
        ("query = \"lines\"", "query = \"line\"", "belongs to no query"),
        (":upto ORDER BY receipt, line", ":until ORDER BY receipt, line", "`:until`"),
        ("${zone}", "${timezone}", "asks for `timezone`"),
        ("receipt = [\"receipt\"]", "receipt = []", "`database.receipt` is empty"),
        ("item.sku", "item.skuu", "`row.2.line.item.skuu`"),
    ] {
        till.change_pack(from, to);
        let error = pack::load(&till.settings()).unwrap_err();
        assert!(error.reason.contains(said), "{}", error.reason);
    }
    let mut hostile = till.settings();
    hostile.values.insert("register".to_owned(), "2\"\ntraining = \"never".to_owned());
    till.change_pack("own-till@1", "own-till@2");
    assert_eq!(pack::load(&hostile).unwrap_err().key.as_deref(), Some("values"));
    let no_file = Settings { file: None, ..till.settings() };
    assert_eq!(source::of_settings(&no_file).err().unwrap().key.as_deref(), Some("file"));
    let elsewhere = Settings { pack: "/nowhere".to_owned(), ..till.settings() };
    assert!(pack::load(&elsewhere).unwrap_err().next.contains("opensourcepos, unicenta"));
}

#[cfg(not(feature = "database-servers"))]
#[test]
fn a_build_without_drivers_names_the_other_build() {
    let error = source::of_settings(&settings(Server::Mysql, "unicenta")).err().unwrap();
    assert_eq!(error.key.as_deref(), Some("server"));
    assert!(error.next.contains("drivers of database servers"));
}

#[test]
fn values_are_filled_in_outside_quotes_and_casts() {
    let position = sql::Position::Text("2026-11-23 17:04:11".to_owned());
    let values =
        sql::Values { from: &position, upto: None, limit: 9, since: "2026-11-23".to_owned() };
    let filled = sql::fill("a::int > :from AND ':limit' = \"b:c\" LIMIT :limit", &values).unwrap();
    assert_eq!(filled, "a::int > '2026-11-23 17:04:11' AND ':limit' = \"b:c\" LIMIT 9");
    assert!(sql::fill(":upto", &values).is_err());
    for hostile in ["'; DROP TABLE x", "\\'", "", "a\0"] {
        assert_eq!(sql::Position::read(sql::PositionKind::Text, hostile), None, "{hostile}");
    }
}
