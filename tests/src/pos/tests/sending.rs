//! A till against an agent that is away, slow to come back, or unwilling.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;
use crate::network::{Mode, Proxy};
use crate::pos::books::Kind;
use crate::pos::client::{Agent, Answer};
use crate::pos::driver::{DELIVERY_WAIT, Plan, drive};
use crate::wait;

const SOON: Duration = Duration::from_secs(20);
const TOKEN: &str = "till-token";

/// What an agent was sent, and what it still answers before it answers 201.
#[derive(Debug, Default)]
struct Memory {
    bodies: Vec<String>,
    answers: Vec<(StatusCode, &'static str)>,
    strangers: u64,
}

type SharedMemory = Arc<Mutex<Memory>>;

async fn take(
    State(memory): State<SharedMemory>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let mut memory = memory.lock().unwrap();
    if headers.get("authorization").is_none_or(|token| token != "Bearer till-token") {
        memory.strangers += 1;
    }
    memory.bodies.push(body);
    let sequence = memory.bodies.len();
    match memory.answers.pop() {
        Some((status, answer)) => (status, answer.to_owned()),
        None => (StatusCode::CREATED, format!(r#"{{"id":"a","sequence":{sequence}}}"#)),
    }
}

/// An agent that gives these answers first, the last of them first.
async fn agent(answers: &[(StatusCode, &'static str)]) -> (SocketAddr, SharedMemory) {
    let memory = Memory { answers: answers.to_vec(), ..Memory::default() };
    let memory = Arc::new(Mutex::new(memory));
    let router = Router::new().route("/v1/events", post(take)).with_state(Arc::clone(&memory));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    (address, memory)
}

#[tokio::test]
async fn a_sale_is_sent_with_the_tills_token() {
    let (address, memory) = agent(&[]).await;
    let till = Agent::at(address, TOKEN).unwrap();
    let outcome = till.deliver(b"{}", SOON).await.unwrap();
    let Outcome::Acknowledged(acknowledged) = outcome else { panic!("{outcome:?}") };
    assert_eq!((acknowledged.status, acknowledged.sequence), (201, Some(1)));
    assert_eq!(memory.lock().unwrap().strangers, 0);
}

#[tokio::test]
async fn the_same_bytes_are_sent_again_after_not_now() {
    let not_now = (StatusCode::SERVICE_UNAVAILABLE, "try again");
    let full = (StatusCode::INSUFFICIENT_STORAGE, "disk reserve reached");
    let (address, memory) = agent(&[not_now, full, not_now]).await;
    let till = Agent::at(address, TOKEN).unwrap();
    let outcome = till.deliver(b"the sale", SOON).await.unwrap();
    assert!(matches!(outcome, Outcome::Acknowledged(_)), "{outcome:?}");
    assert_eq!(memory.lock().unwrap().bodies, ["the sale"; 4]);
}

#[tokio::test]
async fn a_replay_that_is_answered_200_counts_as_acknowledged() {
    let (address, _) = agent(&[(StatusCode::OK, r#"{"id":"b","sequence":7}"#)]).await;
    let till = Agent::at(address, TOKEN).unwrap();
    let outcome = till.deliver(b"{}", SOON).await.unwrap();
    let Outcome::Acknowledged(acknowledged) = outcome else { panic!("{outcome:?}") };
    assert_eq!((acknowledged.status, acknowledged.sequence), (200, Some(7)));
}

#[tokio::test]
async fn a_refusal_is_not_sent_again() {
    let (address, memory) = agent(&[(StatusCode::UNPROCESSABLE_ENTITY, "card data")]).await;
    let till = Agent::at(address, TOKEN).unwrap();
    let outcome = till.deliver(b"{}", SOON).await.unwrap();
    let refused = Outcome::Refused { status: 422, answer: "card data".to_owned() };
    assert_eq!(outcome, refused);
    assert_eq!(memory.lock().unwrap().bodies.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_followed_by_the_same_bytes() {
    let (address, memory) = agent(&[]).await;
    let network = Proxy::open(address, 1).await.unwrap();
    network.set_mode(Mode::DropAnswers).await.unwrap();
    let till = Agent::at(network.address(), TOKEN).unwrap();
    assert!(matches!(till.send(b"the sale").await, Answer::NotNow(_)));
    network.set_mode(Mode::Open).await.unwrap();
    till.deliver(b"the sale", SOON).await.unwrap();
    assert_eq!(memory.lock().unwrap().bodies, ["the sale"; 2]);
}

#[tokio::test]
async fn an_agent_that_stays_away_is_named_with_the_last_attempt() {
    let port = crate::free_port::free_port().unwrap();
    let till = Agent::at((Ipv4Addr::LOCALHOST, port).into(), TOKEN).unwrap();
    let error = till.deliver(b"{}", Duration::from_millis(200)).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("wait 200 ms for the agent to decide"), "{text}");
    assert!(text.contains("the last attempt: "), "{text}");
    assert!(!text.contains("nothing was sent"), "{text}");
}

/// Two stores with two registers each, all at one agent.
fn four_registers(agent: &Agent) -> (SharedBooks, Vec<(Register, Agent)>) {
    let catalogue = Arc::new(Catalogue::generate(3, 100, 0));
    let books = shared(&catalogue, &["0042", "0043"]);
    let places = [("0042", "1"), ("0042", "2"), ("0043", "1"), ("0043", "2")];
    let seeds = 1..;
    let registers = places.iter().zip(seeds).map(|((store, name), seed)| {
        (register(&catalogue, store, name, 1, Mix::EVERYDAY, seed), agent.clone())
    });
    (books, registers.collect())
}

const PLAN: Plan = Plan {
    activities: 25,
    events_per_second: None,
    business_date: DAY,
    closes: true,
    delivery_wait: DELIVERY_WAIT,
};

#[tokio::test]
async fn registers_at_work_deliver_each_event_in_order() {
    let (address, memory) = agent(&[]).await;
    let (books, registers) = four_registers(&Agent::at(address, TOKEN).unwrap());
    let driving = drive(registers, &books, PLAN);
    let progress = driving.progress();
    let registers = driving.finish().await.unwrap();
    assert!(registers.iter().all(|register| !register.is_open()));
    // Opening, 25 activities and the close, for each of four.
    assert_eq!((progress.borrow().made, progress.borrow().acknowledged), (108, 108));
    let books = books.lock().unwrap();
    assert!(books.entries().all(|entry| matches!(entry.outcome, Outcome::Acknowledged(_))));
    let closes = books.entries().filter(|entry| entry.kind == Kind::Close).count();
    assert_eq!((closes, memory.lock().unwrap().bodies.len()), (4, 108));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the claim is about time that passes")]
async fn registers_keep_to_their_pace_together() {
    let (address, _) = agent(&[]).await;
    let (books, registers) = four_registers(&Agent::at(address, TOKEN).unwrap());
    let plan = Plan { activities: 3, events_per_second: Some(80), closes: false, ..PLAN };
    let begun = Instant::now();
    drive(registers, &books, plan).finish().await.unwrap();
    // Each of four makes four events, one every 50 ms, the first at once.
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn an_outage_of_the_agent_delays_and_loses_nothing() {
    let (address, _) = agent(&[]).await;
    let network = Proxy::open(address, 1).await.unwrap();
    let (books, registers) = four_registers(&Agent::at(network.address(), TOKEN).unwrap());
    network.set_mode(Mode::Cut).await.unwrap();
    let driving = drive(registers, &books, PLAN);
    let mut progress = driving.progress();
    progress.wait_for(|progress| progress.made == 4).await.unwrap();
    network.set_mode(Mode::Open).await.unwrap();
    driving.finish().await.unwrap();
    let last = *progress.borrow();
    assert_eq!((last.made, last.acknowledged, last.refused), (108, 108, 0));
}

#[tokio::test]
async fn stopped_registers_leave_an_unanswered_event_open() {
    let (address, _) = agent(&[]).await;
    let network = Proxy::open(address, 1).await.unwrap();
    network.set_mode(Mode::Cut).await.unwrap();
    let (books, registers) = four_registers(&Agent::at(network.address(), TOKEN).unwrap());
    let driving = drive(registers, &books, PLAN);
    let mut progress = driving.progress();
    progress.wait_for(|progress| progress.made == 4).await.unwrap();
    driving.stop();
    let registers = driving.finish().await.unwrap();
    assert!(registers.iter().all(Register::is_open));
    let books = books.lock().unwrap();
    assert!(books.entries().all(|entry| entry.outcome == Outcome::Open));
    assert_eq!(books.entries().count(), 4);
}

#[tokio::test]
async fn registers_go_on_after_a_stop_where_they_were() {
    let (address, memory) = agent(&[]).await;
    let (books, registers) = four_registers(&Agent::at(address, TOKEN).unwrap());
    let registers =
        drive(registers, &books, Plan { closes: false, ..PLAN }).finish().await.unwrap();
    let till = Agent::at(address, TOKEN).unwrap();
    let again = registers.into_iter().map(|register| (register, till.clone())).collect();
    drive(again, &books, PLAN).finish().await.unwrap();
    let all = wait::until("every event", SOON, || {
        let count = memory.lock().unwrap().bodies.len();
        std::future::ready((count == 208).then_some(count))
    });
    assert_eq!(all.await.unwrap(), 208);
}
