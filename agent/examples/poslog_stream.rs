//! Measures the `poslog` input on this host: one large file, decoded alone or taken into a journal.
//!
//! `cargo run --release -p agent --example poslog_stream -- decode 500` reads a file of 500 MiB with
//! the decoder and nothing else; `take` drops it into a folder of a running input and waits until it
//! stands in `done`. Prints its figures as one line of JSON. Judges nothing.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::Seams;
use agent::config::Config;
use agent::health::{Health, Link};
use agent::inputs::Around;
use agent::inputs::folder::Content;
use agent::inputs::intake::Intake;
use agent::inputs::poslog;
use agent::inputs::standing::Board;
use anyhow::{Context, Result, bail};
use journal::{DataKey, Journal, Options};
use protocol::bytes::Bytes;
use protocol::id::StoreId;
use serde_json::json;
use tokio::sync::watch;

/// The settings of the input that is measured; `folder` is put in front.
const SETTINGS: &str = "profile = \"strict\"\nsettle_seconds = 1\npoll_seconds = 1\n";

/// What one run came to.
struct Figures {
    transactions: u64,
    elapsed: Duration,
    /// Milliseconds of processor time, of all threads; none where the system does not say.
    cpu_ms: Option<u64>,
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, mebibytes] = words.as_slice() else {
        bail!("say `decode` or `take`, and how many MiB")
    };
    let bytes = mebibytes.parse::<u64>().context("read the number of MiB")? * 1024 * 1024;
    let place = tempfile::tempdir().context("make a folder")?;
    let file = place.path().join("batch.xml");
    let bytes = write(&file, bytes).context("write the file")?;
    let figures = match what.as_str() {
        "decode" => decode(&file)?,
        "take" => take(place.path(), &file)?,
        other => bail!("`{other}` is neither `decode` nor `take`"),
    };
    let elapsed_ms = u64::try_from(figures.elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let a_second = |ms: u64| figures.transactions * 1000 / ms.max(1);
    println!(
        "{}",
        json!({
            "what": what,
            "file_bytes": bytes,
            "transactions": figures.transactions,
            "elapsed_ms": elapsed_ms,
            "per_second": a_second(elapsed_ms),
            "cpu_ms": figures.cpu_ms,
            "per_cpu_second": figures.cpu_ms.map(a_second),
            "resident_peak_kib": resident_peak_kib(),
        })
    );
    Ok(())
}

/// The decoder alone, on this thread.
fn decode(file: &Path) -> Result<Figures> {
    let settings = toml::from_str(&format!("folder = \".\"\n{SETTINGS}"))?;
    let decoder = poslog::decoder(&settings)?;
    let mut source = BufReader::with_capacity(256 * 1024, File::open(file)?);
    let (began, cpu) = (now(), cpu_ms());
    let mut transactions = 0;
    let decoded = decoder.decode(&mut source, &mut |document| {
        transactions += u64::from(matches!(document.content, Content::Event(_)));
        ControlFlow::Continue(())
    });
    if let Err(unreadable) = decoded {
        bail!("line {}: {}", unreadable.place.line, unreadable.problem);
    }
    Ok(Figures { transactions, elapsed: now() - began, cpu_ms: since(cpu) })
}

/// The whole way: folder, decoder, capture, journal.
#[tokio::main]
async fn take(place: &Path, file: &Path) -> Result<Figures> {
    let folder = place.join("pos");
    fs::create_dir(&folder)?;
    fs::rename(file, folder.join("batch.xml"))?;
    let settings = format!("folder = {:?}\n{SETTINGS}", folder.display().to_string());
    let input = poslog::from_settings(toml::from_str(&settings)?)?;
    let around = around(place)?;
    let (board, journal) = (around.board.clone(), around.journal.clone());
    let (stop, stopped) = watch::channel(false);
    let (began, cpu) = (now(), cpu_ms());
    let running = tokio::spawn(input.run(around, stopped));
    while !folder.join("done").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if folder.join("rejected").exists() {
            bail!("the file is rejected");
        }
    }
    let elapsed = now() - began;
    let cpu_ms = since(cpu);
    stop.send(true)?;
    running.await?;
    let entries = journal.stats().await?.entries;
    let states = board.states();
    anyhow::ensure!(states["tills"].journaled == entries, "the journal has what was taken");
    Ok(Figures { transactions: entries, elapsed, cpu_ms })
}

fn around(place: &Path) -> Result<Around> {
    let journal = Journal::open(&Options {
        file: place.join("journal.db"),
        key: DataKey::new([1; 32]),
        new_epoch: Bytes([7; 16]),
    })?;
    let config = Arc::new(Config::for_store(StoreId::new("0042")?));
    let seams = Seams::default();
    let (_, enrolment) = watch::channel(None);
    let health = Health::new(Link::NoRelay);
    let intake = Intake::new(config, journal.clone(), health, seams.clone(), enrolment);
    Ok(Around {
        name: "tills".to_owned(),
        intake: Arc::new(intake),
        journal,
        board: Board::default(),
        seams,
        holder: "this".to_owned(),
        host: "this".to_owned(),
    })
}

/// Writes five-line sales until the file has so many bytes; returns how many it has.
fn write(file: &Path, bytes: u64) -> Result<u64> {
    let mut out = BufWriter::new(File::create(file)?);
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\">\n";
    out.write_all(head.as_bytes())?;
    let (mut written, mut receipt) = (0, 0_u64);
    while written < bytes {
        receipt += 1;
        let sale = sale(receipt);
        out.write_all(sale.as_bytes())?;
        written += u64::try_from(sale.len())?;
    }
    out.write_all(b"</POSLog>\n")?;
    out.into_inner()?.sync_all()?;
    Ok(fs::metadata(file)?.len())
}

fn sale(receipt: u64) -> String {
    let lines: String = (1..=5)
        .map(|line| {
            format!(
                "<LineItem EntryMethod=\"Scanned\"><SequenceNumber>{line}</SequenceNumber>\
                 <Sale ItemType=\"Stock\"><POSIdentity><POSItemID>{receipt}-{line}</POSItemID>\
                 </POSIdentity><MerchandiseHierarchy Level=\"Department\">17</MerchandiseHierarchy>\
                 <Description>ARTICLE {line} OF THE ASSORTMENT</Description>\
                 <RegularSalesUnitPrice>1.49</RegularSalesUnitPrice>\
                 <ActualSalesUnitPrice>1.29</ActualSalesUnitPrice>\
                 <ExtendedAmount>2.58</ExtendedAmount>\
                 <Quantity Units=\"2\" UnitOfMeasureCode=\"EA\">2</Quantity>\
                 <RetailPriceModifier MethodCode=\"PM\"><Amount Action=\"Subtract\">0.40</Amount>\
                 <PromotionID>P7</PromotionID></RetailPriceModifier>\
                 <Tax TaxType=\"VAT\"><TaxableAmount TaxIncludedInTaxableAmountFlag=\"true\">2.17\
                 </TaxableAmount><Amount>0.41</Amount><Percent>19</Percent></Tax></Sale>\
                 <ScanData>4006381333931</ScanData></LineItem>\n"
            )
        })
        .collect();
    format!(
        "<Transaction TrainingModeFlag=\"false\"><RetailStoreID>0042</RetailStoreID>\
         <WorkstationID>2</WorkstationID><SequenceNumber>{receipt}</SequenceNumber>\
         <BusinessDayDate>2026-11-23</BusinessDayDate>\
         <EndDateTime>2026-11-23T17:04:11+01:00</EndDateTime><OperatorID>17</OperatorID>\
         <CurrencyCode>EUR</CurrencyCode><RetailTransaction>\n{lines}\
         <LineItem><SequenceNumber>6</SequenceNumber><Tender TenderType=\"Cash\" TypeCode=\"Sale\">\
         <Amount>20.00</Amount><TenderChange><Amount>7.10</Amount></TenderChange></Tender></LineItem>\n\
         <Total TotalType=\"TransactionGrandAmount\">12.90</Total></RetailTransaction></Transaction>\n"
    )
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn now() -> Instant {
    Instant::now()
}

fn since(before: Option<u64>) -> Option<u64> {
    cpu_ms()?.checked_sub(before?)
}

/// The processor time of this process: fields 14 and 15 of `/proc/self/stat`, in hundredths of a
/// second (proc(5), with the usual `CLK_TCK`).
fn cpu_ms() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11);
    let (user, system): (u64, u64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    Some((user + system) * 10)
}

/// The most memory that this process ever had, as Linux says.
fn resident_peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().trim_end_matches(" kB").parse().ok()
}
