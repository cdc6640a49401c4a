//! Whoever reads only the README: the sale of the example is posted as the README posts it, and
//! followed to Shopify.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tests::wait;
use tests::world::World;

use crate::world;

const EXAMPLE: &str = include_str!("../../docs/examples/sale.json");
const THROUGH: Duration = Duration::from_secs(60);

/// The first store's agent, as curl speaks to it.
struct Curl {
    http: reqwest::Client,
    origin: String,
    token: String,
}

impl Curl {
    fn new(world: &World) -> Self {
        let http = tests::pos::client::http(Duration::from_secs(10)).unwrap();
        let origin = format!("http://{}", world.stores[0].address);
        Self { http, origin, token: world.till_token(0).unwrap() }
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        let url = format!("{}/v1/events", self.origin);
        let request = self.http.post(url).header("content-type", "application/json");
        let answer = request.bearer_auth(&self.token).body(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.origin)).bearer_auth(&self.token);
        request.send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sale_of_the_readme_reaches_the_shop_and_tells_its_order() {
    let (world, _folder) = world(|plan| plan.registers = 1).await;
    let curl = Curl::new(&world);
    let (status, answer) = curl.post(EXAMPLE).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(answer["state"], "journaled");

    let applied = || async {
        let receipt = curl.get("/v1/receipts/1/2026-11-23/900001").await;
        receipt.to_string().contains("\"applied\"").then_some(receipt)
    };
    let receipt = wait::until("the sale to stand in the shop", THROUGH, applied).await.unwrap();
    let books = world.asking.shop_books().await.unwrap();
    assert_eq!(books.orders.len(), 1);
    assert!(receipt.to_string().contains(&books.orders[0].name), "{receipt}");

    let (status, again) = curl.post(EXAMPLE).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(again["id"], answer["id"]);

    let other = EXAMPLE.replace("\"amount\": 387", "\"amount\": 388");
    let (status, conflict) = curl.post(other).await;
    assert_eq!(status, StatusCode::CREATED, "{conflict}");
    assert_eq!(conflict["conflictOf"], answer["id"]);
    let listed = || async {
        let listed = world.asking.exceptions().await.unwrap();
        (!listed.is_empty()).then_some(())
    };
    wait::until("the conflict to stand as an exception", THROUGH, listed).await.unwrap();
    world.drained(THROUGH).await.unwrap();
    assert_eq!(world.asking.shop_books().await.unwrap().orders.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_gets_a_clear_problem_and_nothing_is_half_written() {
    let (world, _folder) = world(|plan| plan.stores.truncate(1)).await;
    let curl = Curl::new(&world);
    let lines = (1..=100_000).map(|line| EXAMPLE_LINE.replace("NUMBER", &line.to_string()));
    let many = lines.collect::<Vec<_>>().join(",");
    let mistakes: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("malformed JSON", b"{\"type\": ".to_vec(), 400, "SK0001"),
        ("invalid UTF-8", b"{\"type\": \"\xff\"}".to_vec(), 400, "SK0001"),
        ("a wrong type", changed("\"extended\": 447", "\"extended\": \"447\""), 422, "SK0002"),
        ("a float", changed("\"extended\": 447", "\"extended\": 4.47"), 422, "SK0002"),
        ("an unknown kind", changed("\"sale\"", "\"sail\""), 422, "SK0002"),
        ("an unknown currency", changed("\"EUR\"", "\"EUX\""), 422, "SK0002"),
        ("an overflow", changed("447", "99999999999999999999"), 422, "SK0002"),
        (
            "duplicate keys",
            changed("\"kind\": \"sale\",", "\"kind\": \"sale\", \"kind\": \"sale\","),
            422,
            "SK0002",
        ),
        (
            "a future date",
            changed("2026-11-23\",\n    \"receipt\"", "2099-11-23\",\n    \"receipt\""),
            422,
            "SK0012",
        ),
        ("an unknown store", changed("\"0042\"", "\"9999\""), 422, "SK0011"),
        (
            "a card number",
            changed("An article of the demo's shop", "4111 1111 1111 1111"),
            422,
            "SK0003",
        ),
        ("100,000 lines", with_lines(&many), 413, "SK0005"),
        ("10 MB", vec![b' '; 10 * 1024 * 1024], 413, "SK0005"),
    ];
    for (what, body, status, code) in mistakes {
        let (found, problem) = curl.post(body).await;
        assert_eq!(
            (found.as_u16(), problem["code"].as_str()),
            (status, Some(code)),
            "{what}: {problem}"
        );
        for member in ["type", "title", "detail", "next"] {
            assert!(
                problem[member].as_str().is_some_and(|text| !text.is_empty()),
                "{what}: no {member}"
            );
        }
        assert!(!problem.to_string().contains("1111 1111"), "{what}: {problem}");
    }
    let mut stranger = Curl::new(&world);
    stranger.token = "wrong".to_owned();
    let (status, problem) = stranger.post(EXAMPLE).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (401, Some("SK0008")));

    let view = world.asking.agent(world.stores[0].address, &world.stores[0].folder).await.unwrap();
    assert_eq!(view.entries, 0);
    assert_eq!(curl.post(EXAMPLE).await.0, StatusCode::CREATED);
}

const EXAMPLE_LINE: &str = r#"{"line":NUMBER,"kind":"item","item":{"sku":"1"},"quantity":"1","unitPrice":"1","extended":100,"total":100}"#;

fn changed(from: &str, to: &str) -> Vec<u8> {
    assert!(EXAMPLE.contains(from), "the example has no {from}");
    EXAMPLE.replacen(from, to, 1).into_bytes()
}

fn with_lines(lines: &str) -> Vec<u8> {
    let mut event: Value = serde_json::from_str(EXAMPLE).unwrap();
    event["data"]["lines"] = Value::from("LINES");
    event.to_string().replace("\"LINES\"", &format!("[{lines}]")).into_bytes()
}
