//! Prints the contract of the local API. `docs/api/agent-openapi.json` is written with it:
//! `cargo run -p agent --example openapi > docs/api/agent-openapi.json`.

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() {
    print!("{}", agent::local_api::openapi::text());
}
