//! Claims about POS databases on servers that the tests start: PostgreSQL and MariaDB.
//!
//! The tables are those parts of a POS's published schema that the packs read.

use needs::{mariadb, postgres};
use tokio_postgres::NoTls;

use super::*;

/// uniCenta's tables as far as the pack reads them, in SQL that both servers know.
const UNICENTA: &str = "
    CREATE TABLE closedcash (money varchar(255) NOT NULL, host varchar(255) NOT NULL,
        hostsequence int NOT NULL);
    CREATE TABLE receipts (id varchar(255) NOT NULL, money varchar(255) NOT NULL,
        datenew timestamp NOT NULL, person varchar(255));
    CREATE TABLE tickets (id varchar(255) NOT NULL, tickettype int NOT NULL, ticketid int NOT NULL,
        person varchar(255) NOT NULL, customer varchar(255), status int NOT NULL);
    CREATE TABLE ticketlines (ticket varchar(255) NOT NULL, line int NOT NULL,
        product varchar(255), units double precision NOT NULL, price double precision NOT NULL,
        taxid varchar(255) NOT NULL);
    CREATE TABLE products (id varchar(255) NOT NULL, reference varchar(255) NOT NULL,
        code varchar(255) NOT NULL, name varchar(255) NOT NULL);
    CREATE TABLE taxes (id varchar(255) NOT NULL, name varchar(255) NOT NULL,
        rate double precision NOT NULL);
    CREATE TABLE taxlines (id varchar(255) NOT NULL, receipt varchar(255) NOT NULL,
        taxid varchar(255) NOT NULL, base double precision NOT NULL,
        amount double precision NOT NULL);
    CREATE TABLE payments (id varchar(255) NOT NULL, receipt varchar(255) NOT NULL,
        payment varchar(255) NOT NULL, total double precision NOT NULL);
    INSERT INTO closedcash VALUES ('m1', 'TILL-2', 311);
    INSERT INTO products VALUES ('p1', '4711', '4006381333931', 'Pencil 2H');
    INSERT INTO products VALUES ('p2', '2000', '99', 'Apples');
    INSERT INTO taxes VALUES ('001', 'Standard', 0.19), ('002', 'Reduced', 0.07);
";

/// A sale with two taxes after midnight, its change kept apart by nobody; a return; a payment of a
/// debt, which has no lines. Prices are net and floating point.
const UNICENTA_SALES: &str = "
    INSERT INTO receipts VALUES ('r1', 'm1', '2026-11-24 00:04:11', 'c-17'),
        ('r2', 'm1', '2026-11-24 09:15:00', 'c-17'), ('r3', 'm1', '2026-11-24 09:16:00', 'c-17');
    INSERT INTO tickets VALUES ('r1', 0, 187, 'c-17', NULL, 0), ('r2', 1, 12, 'c-17', 'k-9', 0),
        ('r3', 2, 5, 'c-17', 'k-9', 0);
    INSERT INTO ticketlines VALUES ('r1', 0, 'p1', 3, 1.2521008403361344, '001'),
        ('r1', 1, 'p2', 0.523, 2.7943925233644857, '002'),
        ('r2', 0, 'p1', -1, 1.2521008403361344, '001');
    INSERT INTO taxlines VALUES ('t1', 'r1', '001', 3.756302521008403, 0.7136974789915966),
        ('t2', 'r1', '002', 1.461467289719626, 0.10230271028037383),
        ('t3', 'r2', '001', -1.2521008403361344, -0.23789915966386555);
    INSERT INTO payments VALUES ('y1', 'r1', 'cash', 6.03), ('y2', 'r2', 'magcardrefund', -1.49),
        ('y3', 'r3', 'debtpaid', 5);
";

/// The event bodies of a shop's journal.
async fn bodies(shop: &Shop) -> Vec<serde_json::Value> {
    let records = shop.records().await;
    let event = |record: &String| {
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        record["event"]["data"].clone()
    };
    records.iter().map(event).collect()
}

/// What the pack makes of [`UNICENTA_SALES`], whichever server keeps them.
async fn is_taken_from_unicenta(mut shop: Shop) {
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.refused, state.problem), (2, 0, None));
    let records = shop.records().await;
    assert!(records.iter().all(|record| !record.contains("balance")), "{records:?}");
    let bodies = bodies(&shop).await;
    let (sale, back) = (&bodies[0], &bodies[1]);
    assert_eq!((&sale["kind"], &sale["receipt"]), (&"sale".into(), &"187".into()));
    assert_eq!((&sale["register"], &sale["shift"]), (&"TILL-2".into(), &"311".into()));
    assert_eq!(sale["businessDate"], "2026-11-23", "the night belongs to the day before");
    assert_eq!(sale["completedAt"], "2026-11-24T00:04:11+01:00");
    assert_eq!(sale["total"]["amount"], 603);
    assert_eq!(
        (&sale["lines"][0]["unitPrice"], &sale["lines"][0]["total"]),
        (&"1.49".into(), &447.into())
    );
    assert_eq!(sale["lines"][1]["item"]["scanned"], "99");
    assert_eq!(
        (&sale["taxes"][0]["rate"], &sale["taxes"][0]["amount"]),
        (&"19".into(), &71.into())
    );
    assert_eq!((&back["kind"], &back["total"]["direction"]), (&"return".into(), &"out".into()));
    assert_eq!(back["tenders"][0]["purpose"], "refund");
    // Looked at again, and by a new process, nothing is doubled.
    let settings = shop.polling.settings.clone();
    shop.restart(settings);
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.replayed), (0, 2));
}

/// A PostgreSQL database of the test's own with these tables in it.
async fn postgresql(statements: &[&str]) -> Option<(Settings, tokio_postgres::Client)> {
    let cluster = postgres::Cluster::of_this_process(&needs::postgresql()?).unwrap();
    let url = cluster.database().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for statement in statements {
        client.batch_execute(statement).await.unwrap();
    }
    let (host, database) = url.split_once('@').unwrap().1.split_once('/').unwrap();
    let settings = Settings {
        host: host.replace("%2F", "/"),
        database: Some(database.to_owned()),
        user: Some("storekeep".to_owned()),
        ..settings(Server::Postgresql, "unicenta")
    };
    Some((settings, client))
}

/// A MariaDB database of the test's own, and a user who may read it and nothing else.
fn mariadb(pack: &str, statements: &[&str]) -> Option<(Settings, &'static mariadb::Server)> {
    let server = mariadb::Server::of_this_process(&mariadb::program()?).unwrap();
    let database = server.database().unwrap();
    for statement in statements {
        server.run(&database, statement).unwrap();
    }
    let user = format!(
        "CREATE USER reader_{database}@localhost IDENTIFIED BY 'let me read'; \
         GRANT SELECT ON {database}.* TO reader_{database}@localhost"
    );
    server.run(&database, &user).unwrap();
    let settings = Settings {
        host: server.socket().display().to_string(),
        user: Some(format!("reader_{database}")),
        database: Some(database),
        ..settings(Server::Mysql, pack)
    };
    Some((settings, server))
}

/// The settings with the reader's password in a file; the folder goes with the test.
fn with_password(settings: Settings, folder: &Path, password: &str) -> Settings {
    let file = folder.join("password");
    crate::files::write_private(&file, password.as_bytes()).unwrap();
    Settings { password_file: Some(file), ..settings }
}

#[tokio::test]
async fn unicenta_in_postgresql_is_taken() {
    let Some((settings, _client)) = postgresql(&[UNICENTA, UNICENTA_SALES]).await else { return };
    is_taken_from_unicenta(Shop::new(settings)).await;
}

#[tokio::test]
async fn unicenta_in_mariadb_is_taken() {
    let tables = UNICENTA.replace("timestamp", "datetime");
    let Some((settings, _)) = mariadb("unicenta", &[&tables, UNICENTA_SALES]) else { return };
    let folder = tempfile::tempdir().unwrap();
    is_taken_from_unicenta(Shop::new(with_password(settings, folder.path(), "let me read"))).await;
}

#[tokio::test]
async fn postgresql_is_read_while_the_pos_writes_and_nobody_waits() {
    let Some((settings, mut pos)) = postgresql(&[UNICENTA, UNICENTA_SALES]).await else { return };
    let mut shop = Shop::new(settings);
    // A till's transaction with an earlier time is open, and holds what it has written.
    let open = pos.transaction().await.unwrap();
    open.batch_execute(
        "INSERT INTO receipts VALUES ('r0', 'm1', '2026-11-24 00:04:10', 'c-17');
         INSERT INTO tickets VALUES ('r0', 0, 186, 'c-17', NULL, 0);
         INSERT INTO ticketlines VALUES ('r0', 0, 'p1', 1, 1.2521008403361344, '001');
         INSERT INTO payments VALUES ('y0', 'r0', 'cash', 1.49);
         UPDATE payments SET payment = 'cash' WHERE id = 'y1'",
    )
    .await
    .unwrap();
    assert_eq!(shop.look_twice().await.journaled, 2);
    open.commit().await.unwrap();
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.conflicts, state.problem), (3, 0, None));
}

#[tokio::test]
async fn a_pack_cannot_write_to_a_server() {
    let Some((settings, pos)) = postgresql(&[UNICENTA, UNICENTA_SALES]).await else { return };
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("pack.toml");
    let pack = include_str!("../packs/unicenta.toml");
    let writes = pack.replacen("SELECT r.id AS id", "DELETE FROM payments; SELECT r.id AS id", 1);
    crate::files::write_private(&file, writes.as_bytes()).unwrap();
    let mut shop = Shop::new(Settings { pack: file.display().to_string(), ..settings });
    let problem = shop.look_twice().await.problem.unwrap();
    assert_eq!(problem.code, "SK0088");
    assert!(problem.detail.contains("read-only"), "{problem}");
    let left = pos.query_one("SELECT count(*) FROM payments", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 3);
}

#[tokio::test]
async fn a_server_that_is_away_or_refuses_is_said_without_the_password() {
    let Some((settings, server)) = mariadb("unicenta", &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let settings = with_password(settings, folder.path(), "hunter2-hunter2");
    let shown = format!("{:?}", source::of_settings(&settings).map(drop));
    assert!(!shown.contains("hunter2"), "{shown}");
    let mut shop = Shop::new(settings.clone());
    let problem = shop.look_twice().await.problem.unwrap();
    assert_eq!(problem.code, "SK0088", "a wrong password: {problem}");
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
    let right = with_password(settings.clone(), folder.path(), "let me read");
    let mut shop = Shop::new(right.clone());
    let problem = shop.look_twice().await.problem.unwrap();
    assert_eq!(problem.code, "SK0088");
    assert!(problem.detail.contains("receipts"), "a table that is not there: {problem}");
    let away = Settings { host: folder.path().join("socket").display().to_string(), ..right };
    shop.restart(away);
    assert_eq!(shop.look_twice().await.problem.unwrap().code, "SK0081");
    // The server is there again, and so is the POS's schema.
    let tables = UNICENTA.replace("timestamp", "datetime");
    let database = settings.database.clone().unwrap();
    server.run(&database, &format!("{tables}{UNICENTA_SALES}")).unwrap();
    let back = with_password(settings, folder.path(), "let me read");
    shop.polling.source = source::of_settings(&back).unwrap();
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.problem), (2, None));
}

#[test]
fn a_server_on_another_host_has_to_be_wanted() {
    let mut settings = settings(Server::Postgresql, "unicenta");
    (settings.user, settings.database) = (Some("a".to_owned()), Some("b".to_owned()));
    assert!(source::of_settings(&settings).is_ok());
    settings.host = "192.0.2.7".to_owned();
    assert_eq!(source::of_settings(&settings).err().unwrap().key.as_deref(), Some("host"));
    settings.unencrypted_beyond_this_host = true;
    assert!(source::of_settings(&settings).is_ok());
}

/// opensourcepos' tables as far as the pack reads them.
const OPENSOURCEPOS: &str = "
    CREATE TABLE ospos_sales (sale_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
        customer_id int, employee_id int NOT NULL, comment text, invoice_number varchar(32),
        sale_id int NOT NULL AUTO_INCREMENT, sale_status tinyint NOT NULL DEFAULT 0,
        sale_type tinyint NOT NULL DEFAULT 0, PRIMARY KEY (sale_id), KEY (sale_time));
    CREATE TABLE ospos_sales_items (sale_id int NOT NULL, item_id int NOT NULL,
        description varchar(255), serialnumber varchar(30), line int NOT NULL,
        quantity_purchased decimal(15,3) NOT NULL, item_unit_price decimal(15,2) NOT NULL,
        discount decimal(15,2) NOT NULL DEFAULT 0, discount_type tinyint NOT NULL DEFAULT 0);
    CREATE TABLE ospos_sales_taxes (sale_id int NOT NULL, tax_type smallint NOT NULL,
        sale_tax_basis decimal(15,4) NOT NULL, sale_tax_amount decimal(15,4) NOT NULL,
        print_sequence tinyint NOT NULL, name varchar(255) NOT NULL, tax_rate decimal(15,4) NOT NULL);
    CREATE TABLE ospos_sales_payments (payment_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
        sale_id int NOT NULL, payment_type varchar(40) NOT NULL,
        payment_amount decimal(15,2) NOT NULL, cash_refund decimal(15,2) NOT NULL DEFAULT 0);
    CREATE TABLE ospos_items (item_id int NOT NULL, name varchar(255) NOT NULL,
        category varchar(255) NOT NULL, item_number varchar(255));
    INSERT INTO ospos_items VALUES (4711, 'Pencil 2H', 'stationery', '4006381333931');
    SET time_zone = '+00:00';
    INSERT INTO ospos_sales VALUES ('2026-11-23 16:04:11', 9, 17, '', NULL, 187, 0, 0),
        ('2026-11-23 16:09:40', NULL, 17, '', NULL, 188, 0, 4),
        ('2026-11-23 16:10:00', NULL, 17, '', NULL, 189, 1, 0);
    INSERT INTO ospos_sales_items VALUES (187, 4711, '', '', 1, 3, 1.49, 10, 0),
        (188, 4711, '', '', 1, -1, 1.49, 0, 1), (189, 4711, '', '', 1, 2, 1.49, 0, 0);
    INSERT INTO ospos_sales_taxes VALUES (187, 1, 4.0200, 0.7638, 0, '19% VAT', 19.0000);
    INSERT INTO ospos_sales_payments VALUES (1, 187, 'Cash', 5.00, 0.22),
        (2, 188, 'Gift Card:12', -1.49, 0);
";

#[tokio::test]
async fn opensourcepos_in_mariadb_is_taken_and_a_suspended_sale_when_it_is_finished() {
    let Some((settings, server)) = mariadb("opensourcepos", &[OPENSOURCEPOS]) else { return };
    let (folder, database) = (tempfile::tempdir().unwrap(), settings.database.clone().unwrap());
    let mut shop = Shop::new(with_password(settings, folder.path(), "let me read"));
    let state = shop.look_twice().await;
    assert_eq!((state.journaled, state.refused, state.problem), (2, 0, None));
    let bodies = bodies(&shop).await;
    let (sale, back) = (&bodies[0], &bodies[1]);
    assert_eq!(sale["completedAt"], "2026-11-23T17:04:11+01:00");
    assert_eq!(
        (&sale["businessDate"], &sale["total"]["amount"]),
        (&"2026-11-23".into(), &478.into())
    );
    assert_eq!(
        (&sale["lines"][0]["extended"], &sale["lines"][0]["total"]),
        (&447.into(), &402.into())
    );
    assert_eq!(sale["taxes"][0]["amount"], 76);
    assert_eq!(sale["tenders"][1]["purpose"], "change");
    assert_eq!(
        (&back["kind"], &back["tenders"][0]["kind"]),
        (&"return".into(), &"gift_card".into())
    );
    assert!(shop.records().await.iter().all(|record| !record.contains("balance")));
    // It keeps its number and gets a new time.
    shop.now += Duration::from_secs(3_600);
    let finished = "UPDATE ospos_sales SET sale_status = 0, sale_time = FROM_UNIXTIME(1795456800) \
                    WHERE sale_id = 189; \
                    INSERT INTO ospos_sales_payments VALUES (3, 189, 'Debit Card', 2.98, 0)";
    server.run(&database, finished).unwrap();
    assert_eq!(shop.look_twice().await.journaled, 3);
}
