//! Serves a simulated shop until Ctrl-C, for a client in any language.
//!
//! ```sh
//! cargo run -p simulated-shopify --example shop -- 127.0.0.1:7730 shop.json
//! ```
//!
//! Without a file it is a shop in euros with one location and two variants. Keeps nothing: a shop
//! that is stopped is gone.

use std::io::{Error, Write as _, stdout};
use std::sync::Arc;

use simulated_shopify::{Setup, Shop, serve};
use tokio::net::TcpListener;

/// Where it listens unless told otherwise: any free port.
const ADDRESS: &str = "127.0.0.1:0";

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| ADDRESS.to_owned());
    let setup = match arguments.next() {
        Some(file) => {
            serde_json::from_str(&std::fs::read_to_string(file)?).map_err(Error::other)?
        }
        None => Setup::new("north.myshopify.com")
            .with_location("Hamburg")
            .with_variant("A-1", Some("4006381333931"), "10.00", 10)
            .with_variant("B-2", None, "1.99", 5),
    };
    let listener = TcpListener::bind(address).await?;
    writeln!(stdout(), "listening at http://{}", listener.local_addr()?)?;
    writeln!(stdout(), "{}", serde_json::to_string_pretty(&setup).map_err(Error::other)?)?;
    #[expect(clippy::disallowed_methods, reason = "a shop of its own has a clock of its own")]
    let shop = Shop::new(setup, Arc::new(jiff::Timestamp::now));
    serve(listener, shop, async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
    .await
}
