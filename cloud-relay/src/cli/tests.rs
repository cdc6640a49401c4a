//! The commands as they are typed, on a store in a temporary folder.

use std::future::ready;

use serde_json::Value;

use super::*;
use crate::ingest::tests::make::at;

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("tenant = \"acme\"\n[listen]\naddress = \"127.0.0.1:0\"\n");
        desk
    }

    fn write(&self, text: &str) {
        crate::files::write_private(&self.0.path().join("relay.toml"), text.as_bytes()).unwrap();
    }

    async fn typed(&self, line: &str) -> anyhow::Result<(Outcome, String)> {
        let folder = self.0.path();
        let mut words: Vec<_> = ["storekeep-relay"].into_iter().chain(line.split(' ')).collect();
        let (config, data) = (folder.join("relay.toml"), folder.join("data"));
        words.extend(["--config", config.to_str().unwrap(), "--data-dir", data.to_str().unwrap()]);
        let cli = Cli::try_parse_from(words).unwrap();
        let seams = Seams { clock: std::sync::Arc::new(|| at(0)), ..Seams::default() };
        let mut out = Vec::new();
        let outcome = run(cli, seams, &mut out, ready(())).await?;
        Ok((outcome, String::from_utf8(out).unwrap()))
    }

    async fn said(&self, line: &str) -> String {
        self.typed(line).await.unwrap().1
    }

    async fn refused(&self, line: &str) -> (u8, String) {
        let error = self.typed(line).await.unwrap_err();
        (code(&error), report(&error))
    }
}

#[test]
fn the_command_line_is_consistent() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

#[tokio::test]
async fn a_token_is_shown_once_and_listed_without_what_it_says() {
    let desk = Desk::new();
    let made = desk.said("token create --label berlin --store 0042 --uses 3 --json").await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let text = made["token"].as_str().unwrap();
    assert_eq!((text.len(), &made["uses"]), (40, &Value::from(3)));
    let listed = desk.said("token ls --json").await;
    assert!(listed.contains("berlin") && !listed.contains(text), "{listed}");
    assert!(desk.said("token ls").await.contains("admits 3"));
    let (code, why) = desk.refused("token create --label berlin").await;
    assert!(code == 4 && why.contains("another --label"), "{code} {why}");
    desk.said("token revoke berlin").await;
    assert!(desk.said("token ls").await.contains("revoked"));
    assert_eq!(desk.refused("token revoke nobody").await.0, 4);
}

#[tokio::test]
async fn commands_that_look_make_no_store() {
    let desk = Desk::new();
    for line in ["status", "device ls", "exceptions ls", "replay", "token ls"] {
        let (code, why) = desk.refused(line).await;
        assert!(code == 4 && why.contains("next: start the relay"), "{line}: {code} {why}");
    }
    assert!(!desk.0.path().join("data/relay.db").exists());
}

#[tokio::test]
async fn an_empty_relay_is_told_to_be_one_with_the_next_step() {
    let desk = Desk::new();
    desk.said("token create --label one").await;
    assert!(desk.said("device ls").await.contains("Next: `token create"));
    assert!(desk.said("status").await.contains("nothing to do"));
    let status: Value = serde_json::from_str(&desk.said("status --json").await).unwrap();
    assert_eq!((&status["tenant"], &status["entries"]), (&Value::from("acme"), &Value::from(0)));
    assert_eq!(desk.said("device ls --json").await.trim(), "[]");
    let (code, why) = desk.refused("device release nobody").await;
    assert!(code == 4 && why.contains("device ls"), "{code} {why}");
    assert!(desk.said("replay --dry-run").await.starts_with("0 events"));
    assert!(desk.said("exceptions ls").await.contains("Nothing needs a person"));
}

#[tokio::test]
async fn a_check_that_finds_something_says_so_and_other_commands_are_misused() {
    let desk = Desk::new();
    let (outcome, text) = desk.typed("config check").await.unwrap();
    assert_eq!(outcome, Outcome::Done, "{text}");
    desk.write("tennant = \"acme\"\n");
    let (outcome, text) = desk.typed("config check").await.unwrap();
    assert_eq!(outcome, Outcome::Found);
    assert!(text.contains("did you mean `tenant`?"), "{text}");
    let found: Value = serde_json::from_str(&desk.said("config check --json").await).unwrap();
    assert_eq!(found["ok"], false);
    let (code, why) = desk.refused("status").await;
    assert!(code == 2 && why.contains("did you mean"), "{code} {why}");
    assert!(desk.said("config sample").await.contains("tenant = \"acme\""));
    assert!(desk.said("config schema").await.contains("\"tenant\""));
}

#[test]
fn exit_codes_tell_misuse_unreachable_and_refused_apart() {
    let taken = std::io::Error::from(std::io::ErrorKind::AddrInUse);
    assert_eq!(code(&anyhow::Error::new(taken).context("listen")), 3);
    let failed = crate::store::StoreError::Database { attempt: "read", source: "disk".into() };
    assert_eq!(code(&anyhow::Error::new(failed)), 3);
    assert_eq!(code(&anyhow::anyhow!("no")), 4);
}

#[tokio::test]
async fn migrate_says_what_it_lacks() {
    let desk = Desk::new();
    let (code, why) = desk.refused("migrate").await;
    assert!(code == 2 && why.contains("store.postgres"), "{code} {why}");
    desk.write("tenant = \"acme\"\n[store]\npostgres = \"postgresql://relay@localhost/none\"\n");
    let (code, why) = desk.refused("migrate").await;
    assert!(code == 4 && why.contains("--from"), "{code} {why}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_migrated_to_a_database_and_commands_go_on_there() {
    let Some(cluster) = crate::store::postgres::tests::cluster::cluster() else { return };
    let desk = Desk::new();
    desk.said("token create --label berlin --uses 3").await;
    let url = cluster.database().await.url;
    desk.write(&format!("tenant = \"acme\"\n[store]\npostgres = \"{url}\"\n"));
    let (code, why) = desk.refused("status").await;
    assert!(code == 4 && why.contains("empty"), "a command that looks makes nothing: {why}");
    let said = desk.said("migrate").await;
    assert!(said.contains("0 entries") && said.contains("Next: move"), "{said}");
    assert!(desk.said("token ls").await.contains("admits 3"));
    assert!(desk.said("status").await.contains("nothing to do"));
    let (code, why) = desk.refused("migrate").await;
    assert!(code == 4 && why.contains("not empty"), "{code} {why}");
}
