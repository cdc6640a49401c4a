//! Serves the page and keeps the stores selling.
//!
//! Listens on this machine only. One task watches the world once a second; requests read what it
//! saw last, and actions wait for their turn at the world.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::actions::{self, Action};
use super::page;
use super::state::{Seen, Watching};
use crate::pos::driver::{self, DELIVERY_WAIT, Driving};
use crate::world::World;

/// How often the world is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Events that all registers have in a second: enough to see it move, few enough to follow.
const EVENTS_PER_SECOND: u32 = 3;

/// The page loads nothing but its own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What requests share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) seen: Arc<watch::Sender<Seen>>,
}

/// Keeps a world selling and serves its page until `ended` resolves.
///
/// # Errors
/// A token cannot be read, or the server fails.
pub async fn serve(
    world: World,
    listener: TcpListener,
    ended: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let selling = sell(&world)?;
    let watching = Watching::new(&world);
    let shared = Shared {
        world: Arc::new(Mutex::new(world)),
        seen: Arc::new(watch::Sender::new(Seen::default())),
    };
    let routes = Router::new()
        .route("/", get(|| file(page::HTML, "text/html; charset=utf-8")))
        .route("/page.css", get(|| file(page::CSS, "text/css")))
        .route("/page.js", get(|| file(page::SCRIPT, "text/javascript")))
        .route("/state", get(state))
        .route("/actions/{name}", post(act))
        .with_state(shared.clone());
    let served = axum::serve(listener, routes).with_graceful_shutdown(ended);
    tokio::select! {
        served = served => served.context("serve the page")?,
        () = look(shared, watching) => {}
    }
    selling.stop();
    Ok(())
}

fn sell(world: &World) -> Result<Driving> {
    let plan = driver::Plan {
        activities: u64::MAX,
        events_per_second: Some(EVENTS_PER_SECOND),
        business_date: crate::outage::today(),
        closes: false,
        delivery_wait: DELIVERY_WAIT,
    };
    Ok(driver::drive(world.registers()?, &world.books, plan))
}

async fn look(shared: Shared, mut watching: Watching) {
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let mut world = shared.world.lock().await;
        let seen = watching.look(&mut world).await;
        drop(world);
        shared.seen.send_replace(seen);
    }
}

async fn file(text: &'static str, kind: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 2] =
        [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, text)
}

async fn state(State(shared): State<Shared>) -> Json<Seen> {
    Json(shared.seen.borrow().clone())
}

async fn act(State(shared): State<Shared>, Path(name): Path<String>) -> (StatusCode, String) {
    let Some(action) = Action::named(&name) else {
        return (StatusCode::NOT_FOUND, format!("there is no action `{name}`"));
    };
    let mut world = shared.world.lock().await;
    match actions::carry_out(action, &mut world).await {
        Ok(said) => (StatusCode::OK, said),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("that did not work: {error:#}")),
    }
}
