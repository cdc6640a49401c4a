//! Claims about the proxy, made with real sockets and a real journal.

use std::sync::Mutex;

use jiff::Timestamp;
use journal::{DataKey, Journal, Options, Quota, Terms};
use protocol::bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::config::Config;
use crate::health::{Health, Link};
use crate::inputs::intake::Intake;
use crate::inputs::kept;
use crate::inputs::printer::tests::{printed, receipts};
use crate::inputs::standing::{Board, InputState};
use crate::seams::Seams;

const TEMPLATE: &str = include_str!("../testdata/template.toml");

/// Longer than any step here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a printer says when it is asked how it is.
const STATUS: u8 = 0x12;

/// A printer that keeps what is printed and answers with its status.
struct Printer {
    address: String,
    paper: Arc<Mutex<Vec<u8>>>,
}

impl Printer {
    async fn switched_on() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let paper = Arc::new(Mutex::new(Vec::new()));
        let tray = Arc::clone(&paper);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let tray = Arc::clone(&tray);
                tokio::spawn(async move {
                    let mut buffer = vec![0; 4096];
                    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                        tray.lock().unwrap().extend_from_slice(&buffer[..read]);
                        if stream.write_all(&[STATUS]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, paper }
    }
}

struct Store {
    journal: Journal,
    board: Board,
    address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
    _place: TempDir,
}

impl Store {
    async fn open(printer: &str) -> Self {
        Self::with_quota(printer, Quota::default()).await
    }

    async fn with_quota(printer: &str, quota: Quota) -> Self {
        let place = tempfile::tempdir().unwrap();
        let options = Options {
            file: place.path().join("journal.db"),
            key: DataKey::new([1; 32]),
            new_epoch: Bytes([7; 16]),
        };
        let terms = Terms { quota, ..Terms::default() };
        let journal = Journal::open_under(&options, &terms).unwrap();
        let config = Arc::new(Config::for_store("0042".parse().unwrap()));
        let clock: fn() -> Timestamp = || "2026-11-23T17:00:00Z".parse().unwrap();
        let seams = Seams { clock: Arc::new(clock), ..Seams::default() };
        let (_, enrolment) = watch::channel(None);
        let intake = Intake::new(
            config,
            journal.clone(),
            Health::new(Link::NoRelay),
            seams.clone(),
            enrolment,
        );
        let board = Board::default();
        let around = Around {
            name: "till".to_owned(),
            intake: Arc::new(intake),
            journal: journal.clone(),
            board: board.clone(),
            seams,
            holder: "this".to_owned(),
            host: "this".to_owned(),
        };
        let config: ProxyConfig =
            toml::from_str(&format!("printer = \"{printer}\"\nidle_seconds = 600")).unwrap();
        let proxy = Proxy::new(config, Arc::new(receipts(TEMPLATE)), true);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(proxy.serve(listener, around, stopped));
        Self { journal, board, address, stop, running, _place: place }
    }

    fn state(&self) -> InputState {
        self.board.states().remove("till").unwrap_or_default()
    }

    async fn until(&self, holds: impl Fn(&InputState) -> bool) {
        let waited = async {
            while !holds(&self.state()) {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        assert!(waited.is_ok(), "{:?}", self.state());
    }
}

#[tokio::test]
async fn every_byte_is_printed_and_answered_and_the_receipts_are_journaled() {
    let printer = Printer::switched_on().await;
    let store = Store::open(&printer.address).await;
    let mut till = TcpStream::connect(store.address).await.unwrap();
    for piece in printed().chunks(100) {
        till.write_all(piece).await.unwrap();
    }
    let mut status = [0];
    tokio::time::timeout(PATIENCE, till.read_exact(&mut status)).await.unwrap().unwrap();
    assert_eq!(status, [STATUS]);
    // Two sales or returns and a close; one practice, one unreadable, two that are no receipts.
    store.until(|state| state.journaled == 3 && state.unreadable == 1).await;
    assert_eq!((store.state().training, store.state().problem), (1, None));
    assert_eq!(*printer.paper.lock().unwrap(), printed());
    assert_eq!(store.journal.stats().await.unwrap().entries, 3);
    drop(till);
    store.stop.send(true).unwrap();
    tokio::time::timeout(PATIENCE, store.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_journal_without_room_stops_no_receipt_and_loses_none() {
    let printer = Printer::switched_on().await;
    let full = Quota { bytes_max: Some(1), ..Quota::default() };
    let store = Store::with_quota(&printer.address, full).await;
    let mut till = TcpStream::connect(store.address).await.unwrap();
    till.write_all(&printed()).await.unwrap();
    let mut status = [0];
    tokio::time::timeout(PATIENCE, till.read_exact(&mut status)).await.unwrap().unwrap();
    store.until(|state| state.problem.is_some() && state.waiting >= 1).await;
    let state = store.state();
    assert_eq!(state.problem.unwrap().code, "SK0007");
    assert_eq!((state.journaled, state.lost), (0, 0), "it waits for room, and nothing is lost");
    let paper = async {
        while printer.paper.lock().unwrap().len() < printed().len() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, paper).await.unwrap();
}

#[tokio::test]
async fn the_same_receipt_printed_again_is_no_second_sale() {
    let printer = Printer::switched_on().await;
    let store = Store::open(&printer.address).await;
    for _ in 0..2 {
        let mut till = TcpStream::connect(store.address).await.unwrap();
        till.write_all(&printed()).await.unwrap();
        till.shutdown().await.unwrap();
    }
    store.until(|state| state.replayed == 3).await;
    assert_eq!(store.journal.stats().await.unwrap().entries, 3);
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_with_card_data_masked() {
    let printer = Printer::switched_on().await;
    let store = Store::open(&printer.address).await;
    let mut till = TcpStream::connect(store.address).await.unwrap();
    let slip = b"\x1b@Voucher 12\nKarte 4111 1111 1111 1111\nNr 4111 1111\n1111 1111 A\n\x1dv0\x00\x01\x00\x01\x00\xff\x1dV\x00";
    till.write_all(slip).await.unwrap();
    store.until(|state| state.unreadable == 1).await;
    let list = kept::list(&store.journal, "till").await.unwrap();
    let [head] = &list.kept[..] else { panic!("{list:?}") };
    assert_eq!((head.number, head.problem.code.as_str()), (1, "SK0090"));
    let kept = kept::one(&store.journal, "till", 1).await.unwrap().unwrap();
    assert!(kept.is_masked);
    let lines = ["Voucher 12", "Karte 411111******1111", "Nr **** ****", "**** **** A"];
    assert_eq!(kept.lines, lines, "also a number that goes on in the next line");
    assert_eq!((kept.pictures[0].width, kept.pictures[0].height), (8, 1));
    assert!(kept.pictures[0].png.is_some(), "this site keeps pictures");
    assert_eq!(kept::one(&store.journal, "till", 2).await.unwrap(), None);
}

#[tokio::test]
async fn a_printer_that_is_away_hangs_up_on_the_till_and_is_said() {
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = away.local_addr().unwrap().to_string();
    drop(away);
    let store = Store::open(&address).await;
    let mut till = TcpStream::connect(store.address).await.unwrap();
    let mut answer = Vec::new();
    // Hung up on, with or without a reset.
    let read = tokio::time::timeout(PATIENCE, till.read_to_end(&mut answer)).await.unwrap();
    assert!(read.is_err() || answer.is_empty());
    store.until(|state| state.problem.is_some()).await;
    assert_eq!(store.state().problem.unwrap().code, "SK0091");
}

#[tokio::test]
async fn printing_does_not_wait_for_anybody_who_reads_along() {
    let printer = Printer::switched_on().await;
    let losses = Arc::new(Losses::default());
    let (queue, _waiting) = tap::queue(Arc::clone(&losses), Seams::default());
    // Nobody ever reads this end, and it holds less than is printed.
    let (mut tap, _tapped) = Tap::new(queue.losses());
    let paper = vec![b'x'; 16 * 1024 * 1024];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let till = tokio::spawn({
        let paper = paper.clone();
        async move {
            let mut till = TcpStream::connect(address).await.unwrap();
            let (mut answers, mut bytes) = till.split();
            let mut sink = tokio::io::sink();
            let (sent, answered) = tokio::join!(
                async {
                    bytes.write_all(&paper).await.unwrap();
                    bytes.shutdown().await
                },
                tokio::io::copy(&mut answers, &mut sink),
            );
            sent.unwrap();
            answered.unwrap();
        }
    });
    let (client, _) = listener.accept().await.unwrap();
    let stream = TcpStream::connect(&printer.address).await.unwrap();
    let forwarded = forward::forward(client, stream, &mut tap);
    tokio::time::timeout(PATIENCE, forwarded).await.unwrap().unwrap();
    till.await.unwrap();
    assert_eq!(printer.paper.lock().unwrap().len(), paper.len());
    assert_eq!(losses.so_far().unwrap().count, 1, "one stretch that nobody read");
}

#[tokio::test]
async fn receipts_for_which_there_is_no_room_are_counted_and_said() {
    let losses = Arc::new(Losses::default());
    let (queue, waiting) = tap::queue(Arc::clone(&losses), Seams::default());
    let mut reader = receipts(TEMPLATE).reader();
    for _ in 0..10_001 {
        reader.feed(b"Bon\n\x1dV\x00", &mut |slip| queue.put(slip));
    }
    let lost = losses.so_far().unwrap();
    assert_eq!((lost.count, waiting.len()), (1, 10_000));
    assert_eq!(lost.problem().code, "SK0092");
}

#[tokio::test]
async fn after_a_gap_the_receipt_under_way_is_dropped_and_the_next_one_is_read() {
    let losses = Arc::new(Losses::default());
    let (queue, mut waiting) = tap::queue(Arc::clone(&losses), Seams::default());
    let (pieces, tapped) = tokio::sync::mpsc::channel(8);
    let bytes = |text: &[u8]| tap::Tapped::Bytes(text.into());
    for piece in
        [bytes(b"Bon 1\n"), tap::Tapped::Gap, bytes(b"SUMME\n\x1dV\x00"), bytes(b"Bon 2\n")]
    {
        pieces.send(piece).await.unwrap();
    }
    drop(pieces);
    tap::read(tapped, receipts(TEMPLATE).reader(), queue, PATIENCE).await;
    let slip = waiting.recv().await.unwrap().slip;
    assert_eq!(slip.lines, ["Bon 2"]);
    assert!(waiting.recv().await.is_none());
}
