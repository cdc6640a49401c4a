//! `certificate`: issue, show and verify the signed certificates of stores' days.
//!
//! Verifying needs the files and the relay's public key, and nothing else: no store, no network, no
//! configuration. Issuing asks each target what it holds.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::ToSpan;
use protocol::id::StoreId;
use protocol::sign::VerifyingKey;
use protocol::time::BusinessDate;
use ring::rand::SecureRandom;

use super::Outcome;
use crate::keys::{Keys, WhenMissing};
use crate::reconcile::Sources;
use crate::reconcile::certificate::{
    Issued, Linked, Readiness, Verified, issue, links, read, verify,
};
use crate::store::books::{Books, CertificateRow};

/// Days that `--due` looks back over: a store that is dark for longer is certified by name.
const DUE_DAYS: i64 = 31;

/// Bytes of a certificate's file: a store of a hundred registers has some 500 KiB.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What is to be done with certificates.
#[derive(Debug, Subcommand)]
pub enum Certificate {
    /// Issue one, or all that are due.
    Issue(Issue),
    /// Print the certificates of a day, or write them to files.
    Show(Show),
    /// Print the relay's public key, with which anybody verifies.
    Key,
    /// Verify files without the relay: signature, content, and the links between days.
    Verify(Verify),
}

/// Which to issue.
#[derive(Debug, Args)]
pub struct Issue {
    /// Only of this store.
    #[arg(long)]
    store: Option<StoreId>,
    /// The business date; what is open then is named in it.
    #[arg(long, requires = "store", conflicts_with = "due")]
    date: Option<BusinessDate>,
    /// Every day of the last month that is over, complete and without one, oldest first.
    #[arg(long, required_unless_present = "date")]
    due: bool,
}

/// Which to show.
#[derive(Debug, Args)]
pub struct Show {
    /// The store.
    #[arg(long)]
    store: StoreId,
    /// The business date.
    #[arg(long)]
    date: BusinessDate,
    /// Only this version; left out: the last one.
    #[arg(long)]
    version: Option<u32>,
    /// Write it to this file.
    #[arg(long)]
    output: Option<PathBuf>,
}

/// What to verify.
#[derive(Debug, Args)]
pub struct Verify {
    /// The relay's public key, as `certificate key` prints it.
    #[arg(long)]
    key: VerifyingKey,
    /// The certificates' files; several of one store are held against each other.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Runs a command on the store.
///
/// # Errors
/// The store or the relay's key cannot be read, or nothing is known of the day.
pub async fn run(
    command: &Certificate,
    sources: &Sources<'_>,
    (data_dir, random): (&Path, &(dyn SecureRandom + Send + Sync)),
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    let keys = || Keys::open(data_dir, WhenMissing::Refuse, random).context("read the relay's key");
    match command {
        Certificate::Issue(command) => issued(command, sources, &keys()?, out).await,
        Certificate::Show(show) => shown(show, sources, out).await,
        Certificate::Key => {
            writeln!(out, "{}", keys()?.verifying_key())?;
            Ok(Outcome::Done)
        }
        Certificate::Verify(verify) => verified(verify, out),
    }
}

async fn issued(
    command: &Issue,
    sources: &Sources<'_>,
    keys: &Keys,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    let (days, readiness) = match (&command.store, command.date) {
        (Some(store), Some(date)) => (vec![(store.clone(), date)], Readiness::Over),
        (store, _) => (due(sources, store.as_ref()).await?, Readiness::Complete),
    };
    let mut outcome = Outcome::Done;
    for (store, date) in days {
        let said = match issue(sources, &keys.signing, &store, date, readiness).await? {
            Issued::New(row) => {
                let sealed = read(&row)?;
                let open = sealed.certificate.day.differences().count();
                format!("version {} issued, {open} open differences, {}", row.version, sealed.hash)
            }
            Issued::Unchanged(row) => format!("nothing changed since version {}", row.version),
            Issued::NotYet(reason) => {
                outcome = Outcome::Found;
                format!("not yet: {reason}")
            }
        };
        writeln!(out, "store {store} on {date}: {said}")?;
    }
    Ok(outcome)
}

/// The days of the last month without a certificate, oldest first, so that each is linked to the
/// one before.
async fn due(
    sources: &Sources<'_>,
    store: Option<&StoreId>,
) -> anyhow::Result<Vec<(StoreId, BusinessDate)>> {
    let today = (sources.clock)().to_zoned(jiff::tz::TimeZone::UTC).date();
    let from = today.checked_sub(DUE_DAYS.days()).context("tell a day a month ago")?;
    let books: &dyn Books = sources.store;
    let days = books.business_dates(store, BusinessDate(from), BusinessDate(today)).await;
    let mut due = Vec::new();
    for (store, date) in days.context("list the business dates")? {
        let there = books.certificates(&store, date).await.context("read certificates")?;
        if there.is_empty() {
            due.push((store, date));
        }
    }
    Ok(due)
}

async fn shown(
    show: &Show,
    sources: &Sources<'_>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    let rows = Books::certificates(sources.store, &show.store, show.date).await;
    let mut rows = rows.context("read the certificates")?.into_iter();
    let row: Option<CertificateRow> = match show.version {
        Some(version) => rows.find(|row| row.version == version),
        None => rows.next_back(),
    };
    let Some(row) = row else {
        bail!(
            "show the certificate of store {} on {}: there is none (next: `certificate issue`)",
            show.store,
            show.date
        );
    };
    match &show.output {
        None => write!(out, "{}", row.certificate)?,
        Some(file) => {
            crate::files::write_private(file, row.certificate.as_bytes())
                .with_context(|| format!("write the certificate to `{}`", file.display()))?;
            writeln!(out, "Written to {}", file.display())?;
        }
    }
    Ok(Outcome::Done)
}

/// Verifies files; needs nothing else.
///
/// # Errors
/// A file cannot be read.
pub fn verified(command: &Verify, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    let mut held: Vec<(&PathBuf, Verified)> = Vec::new();
    for file in &command.files {
        match verify(&text(file)?, command.key) {
            Ok(verified) => held.push((file, verified)),
            Err(error) => {
                outcome = Outcome::Found;
                let error = anyhow::Error::new(error);
                writeln!(out, "{}: NOT VALID: {error:#}", file.display())?;
            }
        }
    }
    let verified: Vec<Verified> = held.iter().map(|(_, verified)| verified.clone()).collect();
    for ((file, verified), linked) in held.iter().zip(links(&verified)) {
        let day = &verified.certificate.day;
        let said = match linked {
            Linked::Holds => "linked to the certificates it names".to_owned(),
            Linked::First => "the store's first".to_owned(),
            Linked::Absent { business_date, version } => {
                format!("names {business_date} version {version}, which is not at hand")
            }
            Linked::Broken { business_date, version } => {
                outcome = Outcome::Found;
                format!("BROKEN: names {business_date} version {version} with another hash")
            }
        };
        writeln!(
            out,
            "{}: valid: store {} on {}, version {}, {} open differences; {said}",
            file.display(),
            day.store,
            day.business_date,
            verified.certificate.version,
            day.differences().count()
        )?;
    }
    Ok(outcome)
}

fn text(file: &Path) -> anyhow::Result<String> {
    let attempt = || format!("read `{}`", file.display());
    let length = std::fs::metadata(file).with_context(attempt)?.len();
    if length > FILE_BYTES_MAX {
        bail!("read `{}`: {length} bytes are no certificate", file.display());
    }
    // What is no text is no certificate; it is said so where it is verified.
    let bytes = std::fs::read(file).with_context(attempt)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
