//! What is found, and what is not taken for a fault.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "certificates of the test are valid today")]
    Timestamp::now()
}

/// Reads a request and answers it with a time; how it ended is of no matter to what was asked.
fn answer(stream: &mut (impl Read + Write), time: Timestamp) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: 2\r\n");
    write!(stream, "{head}connection: close\r\n\r\nok")?;
    stream.flush()
}

/// A server that answers once, at its address.
fn server(time: Timestamp) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || answer(&mut listener.accept().unwrap().0, time).unwrap());
    (address, serving)
}

/// A proxy that opens TLS: an authority of its own, and a server with a certificate from it.
struct Interceptor {
    authority: String,
    url: String,
}

fn interceptor(valid_until: (i32, u8, u8)) -> Interceptor {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, "Store Proxy Authority");
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let (year, month, day) = valid_until;
    server.not_after = rcgen::date_time_ymd(year, month, day);
    let certificate = server.signed_by(&key, &issuer).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that goes away is none of the server's business.
            drop(answer(&mut StreamOwned::new(connection, stream.unwrap()), now()));
        }
    });
    Interceptor { authority: authority_pem, url }
}

fn relay(url: &str) -> Relay {
    Relay { url: url.parse().unwrap(), ca_file: None }
}

fn found<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name}: {checks:#?}"))
}

#[test]
fn a_clock_that_is_years_behind_is_found_and_one_that_agrees_is_good() {
    for (ahead, verdict) in [
        (SignedDuration::from_hours(10 * 365 * 24), Verdict::Bad),
        (SignedDuration::from_mins(-6), Verdict::Bad),
        (SignedDuration::from_mins(4), Verdict::Good),
    ] {
        let (address, serving) = server(now() + ahead);
        let checks = network::check(&relay(&format!("http://{address}")), None, &now);
        serving.join().unwrap();
        let clock = found(&checks, "clock");
        assert_eq!(clock.verdict, verdict, "{clock:?}");
        assert_eq!(clock.code, (verdict == Verdict::Bad).then_some(Code::Clock));
    }
}

#[test]
fn a_proxy_that_opens_tls_is_found_and_named() {
    let interceptor = interceptor((2100, 1, 1));
    let checks = network::check(&relay(&interceptor.url), None, &now);
    let trust = found(&checks, "encryption");
    assert_eq!((trust.verdict, trust.code), (Verdict::Bad, Some(Code::Intercepted)), "{trust:?}");
    assert!(trust.found.contains("`Store Proxy Authority`"), "{trust:?}");
    assert!(trust.refusal().is_none(), "the agent sells all the same");
}

#[test]
fn an_authority_that_is_named_is_believed_but_not_for_an_expired_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for (until, verdict) in [((2100, 1, 1), Verdict::Good), ((2020, 1, 1), Verdict::Bad)] {
        let interceptor = interceptor(until);
        crate::platform::files::write_private(&file, interceptor.authority.as_bytes()).unwrap();
        let relay = Relay { ca_file: Some(file.clone()), ..relay(&interceptor.url) };
        let checks = network::check(&relay, None, &now);
        let trust = found(&checks, "encryption");
        assert_eq!(trust.verdict, verdict, "{trust:?}");
        assert_ne!(trust.code, Some(Code::Intercepted));
    }
}

#[test]
fn a_relay_that_is_not_reached_is_found_and_blocks_nothing() {
    let checks = network::check(&relay("http://127.0.0.1:1"), None, &now);
    let [check] = checks.as_slice() else { panic!("{checks:#?}") };
    assert_eq!((check.verdict, check.code), (Verdict::Bad, Some(Code::Unreachable)));
    assert!(check.refusal().is_none());
}

#[test]
fn a_relay_that_only_a_proxy_reaches_is_said_with_what_to_do() {
    let (address, serving) = server(now());
    let proxy = format!("http://{address}");
    let checks = network::check(&relay("http://127.0.0.1:1"), Some(&proxy), &now);
    serving.join().unwrap();
    let proxy = found(&checks, "proxy");
    assert_eq!(proxy.verdict, Verdict::Notice);
    assert!(proxy.fix.as_ref().unwrap().contains("--proxy http://"), "{proxy:?}");
    assert_eq!(found(&checks, "clock").verdict, Verdict::Good);
}

#[test]
fn a_taken_port_is_found_unless_it_is_our_own() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let check = host::port(address, false);
    assert_eq!((check.verdict, check.code), (Verdict::Blocks, Some(Code::Port)));
    assert!(check.fix.as_ref().unwrap().contains("ss -ltnp"), "{check:?}");
    assert_eq!(host::port(address, true).verdict, Verdict::Good);
    drop(listener);
    assert_eq!(host::port(address, false).verdict, Verdict::Good);
}

#[test]
fn a_full_disk_is_found_before_anything_is_written() {
    const MIB: u64 = 1024 * 1024;
    let at = |free| host::room(free, Path::new("/var/lib/storekeep"));
    assert_eq!(at(0).refusal().unwrap().code, Code::Disk);
    assert_eq!(at(511 * MIB).verdict, Verdict::Blocks);
    assert_eq!(at(512 * MIB).verdict, Verdict::Notice);
    assert_eq!(at(4096 * MIB).verdict, Verdict::Good);
    // The folder itself need not be there yet.
    let folder = tempfile::tempdir().unwrap();
    assert!(host::disk(&folder.path().join("a/b/c")).found.contains("MiB free"));
}

#[test]
fn another_agent_is_found_by_its_process_or_its_package() {
    let folder = tempfile::tempdir().unwrap();
    let (root, processes) = (folder.path().join("host"), folder.path().join("proc"));
    let put = |file: PathBuf, text: &str| {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        crate::platform::files::write_private(&file, text.as_bytes()).unwrap();
    };
    put(processes.join("1/comm"), "init\n");
    put(processes.join("self/comm"), "storekeep-agent\n");
    assert_eq!(host::another_agent(&root, &processes, false).verdict, Verdict::Good);
    put(processes.join("4711/comm"), "storekeep-agent\n");
    let check = host::another_agent(&root, &processes, false);
    assert_eq!((check.verdict, check.code), (Verdict::Blocks, Some(Code::AnotherAgent)));
    assert!(check.found.contains("4711"), "{check:?}");
    assert_eq!(host::another_agent(&root, &processes, true).verdict, Verdict::Good);
    put(root.join("usr/lib/systemd/system/storekeep-agent.service"), "");
    assert_eq!(host::another_agent(&root, &processes, true).verdict, Verdict::Blocks);
}

#[test]
fn a_scanner_of_files_is_named_with_the_folder_to_exclude() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(host::scanners(folder.path()).verdict, Verdict::Good);
    fs::create_dir_all(folder.path().join("opt/eset")).unwrap();
    let check = host::scanners(folder.path());
    assert_eq!(check.verdict, Verdict::Notice);
    assert!(check.found.contains("ESET") && check.fix.unwrap().contains("/var/lib/storekeep"));
}

#[test]
fn what_is_no_certificate_names_no_issuer() {
    let real = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let real = real.cert.der();
    assert_eq!(issuer::of(real).as_deref(), Some("rcgen self signed cert"));
    for length in 0..real.len() {
        assert!(issuer::of(&real[..length]).is_none());
    }
    assert_eq!(issuer::of(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
}
