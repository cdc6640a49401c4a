//! `token`: one-time tokens by which new devices become known.
//!
//! A token is shown once, when it is made; the store keeps its hash. Enrols nobody itself.

use std::io::Write;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use protocol::id::{Code, StoreId};
use ring::rand::SecureRandom;
use serde::Serialize;

use super::Places;
use crate::ingest::token_hash;
use crate::run::{existing_store, open_store};
use crate::store::model::NewToken;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 20;

/// What is to be done with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make one and print it, once.
    Create(Create),
    /// List them, without what they say.
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let one admit nobody any more.
    Revoke {
        /// Its label.
        label: String,
    },
}

/// What a new token admits.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// What people call it.
    #[arg(long)]
    label: Code,
    /// The only store whose devices it admits.
    #[arg(long)]
    store: Option<StoreId>,
    /// How many devices it admits.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    uses: u32,
    /// For how many hours it admits devices.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=8_760))]
    hours: u16,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A new token as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    label: &'a Code,
    token: &'a str,
    store: Option<&'a StoreId>,
    uses: u32,
    expires_at: Timestamp,
}

/// Runs the command.
pub(super) async fn run(
    command: &Token,
    places: &Places,
    random: &(dyn SecureRandom + Send + Sync),
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let (config, data_dir) = (places.read()?, places.data_dir()?);
    match command {
        Token::Create(create) => {
            // A token may be made before the first start.
            let store = open_store(&config, &data_dir).await?;
            let (text, token) = made(create, random, now)?;
            let expires_at = token.expires_at;
            store.add_token(token).await.with_context(|| {
                format!("make token {} (next: choose another --label)", create.label)
            })?;
            show(create, &text, expires_at, out)
        }
        Token::Ls { json } => {
            let store = existing_store(&config, &data_dir).await?;
            let tokens = store.tokens().await.context("list the tokens")?;
            if *json {
                writeln!(out, "{}", serde_json::to_string_pretty(&tokens)?)?;
                return Ok(());
            }
            if tokens.is_empty() {
                writeln!(out, "There is no token. Next: `token create --label LABEL`")?;
            }
            for token in tokens {
                let store = token.store.map_or_else(|| "any".to_owned(), |store| store.to_string());
                let state = match (token.revoked, token.expires_at <= now, token.uses_left) {
                    (true, _, _) => "revoked".to_owned(),
                    (_, true, _) => "expired".to_owned(),
                    (_, _, 0) => "used".to_owned(),
                    (_, _, left) => format!("admits {left} until {}", token.expires_at),
                };
                writeln!(out, "{:<24} store {store:<12} {state}", token.label.as_str())?;
            }
            Ok(())
        }
        Token::Revoke { label } => {
            let store = existing_store(&config, &data_dir).await?;
            store.revoke_token(label, now).await.with_context(|| {
                format!("revoke token {label} (next: `token ls` names those there are)")
            })?;
            writeln!(out, "{label} admits nobody any more")?;
            Ok(())
        }
    }
}

fn made(
    create: &Create,
    random: &dyn SecureRandom,
    now: Timestamp,
) -> anyhow::Result<(String, NewToken)> {
    let mut bytes = [0; TOKEN_BYTES];
    let drawn = random.fill(&mut bytes);
    drawn.map_err(|_| anyhow::anyhow!("draw random bytes for a token"))?;
    let text = hex::encode(bytes);
    let lasts = SignedDuration::from_hours(i64::from(create.hours));
    let token = NewToken {
        label: create.label.clone(),
        hash: token_hash(&text),
        store: create.store.clone(),
        uses: create.uses,
        created_at: now,
        expires_at: now.checked_add(lasts).context("reckon the token's end")?,
    };
    Ok((text, token))
}

fn show(
    create: &Create,
    text: &str,
    expires_at: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let Create { label, store, uses, .. } = create;
    if create.json {
        let made = Made { label, token: text, store: store.as_ref(), uses: *uses, expires_at };
        writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?;
        return Ok(());
    }
    writeln!(out, "{text}")?;
    writeln!(out, "Shown this once. It admits {uses} device(s) until {expires_at}.")?;
    writeln!(out, "Next: on the POS host, `storekeep-agent enroll` with this token")?;
    Ok(())
}
