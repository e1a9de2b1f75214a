//! Names and addresses: what is dialled, and what a resolver can do to us.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::support::{SHORT, Scraper, fails, fails_with, target, target_at, within};
use crate::document::PortRange;
use crate::http_client::tests::server::{Server, ok};
use crate::http_client::{DialPolicy, Resolver};
use crate::scrape::{ScrapeErrorKind, ScrapeSettings};

fn answer(addresses: &[&str]) -> io::Result<Vec<IpAddr>> {
    Ok(addresses.iter().map(|a| a.parse().unwrap()).collect())
}

fn with_policy(dial: DialPolicy) -> ScrapeSettings {
    ScrapeSettings {
        dial,
        ..ScrapeSettings::default()
    }
}

#[tokio::test]
async fn fault_17_metadata_literals_are_not_dialled() {
    for (host, why) in [
        ("169.254.169.254", "169.254.169.254 is a link-local address"),
        (
            "::ffff:169.254.169.254",
            "::ffff:169.254.169.254 (169.254.169.254) is a link-local address",
        ),
        ("fd00:ec2::254", "fd00:ec2::254 is a cloud metadata address"),
        ("0.0.0.0", "0.0.0.0 is an unspecified address"),
    ] {
        let message = fails(target_at(host, 80), ScrapeErrorKind::Blocked).await;
        assert_eq!(message, format!("dial policy: {why}"));
    }
    // Numbers that only the system's resolver reads as addresses.
    let message = fails(target_at("2852039166", 80), ScrapeErrorKind::Blocked).await;
    assert_eq!(
        message,
        "dial policy: 2852039166 resolves to refused addresses: 169.254.169.254 is a link-local address"
    );
}

#[tokio::test]
async fn fault_81_the_checked_address_is_the_dialled_one() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    // Harmless once, then the metadata service.
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let rebinding = Resolver::new(move |_| match counter.fetch_add(1, SeqCst) {
        0 => answer(&["127.0.0.1"]),
        _ => answer(&["169.254.169.254"]),
    });
    let mut rebound = target_at("rebind.example", server.address.port());
    rebound.interval = Duration::from_secs(3600);
    let mut scraper = Scraper::with(rebound, ScrapeSettings::default(), rebinding);
    assert_eq!(scraper.body().await, "up 1\n");
    assert_eq!(
        asked.load(SeqCst),
        1,
        "resolved again between check and dial"
    );
    let message = fails_with(scraper, ScrapeErrorKind::Blocked).await;
    assert!(
        message.contains("rebind.example resolves to refused addresses: 169.254.169.254"),
        "{message}"
    );
}

#[tokio::test]
async fn denied_addresses_of_a_name_are_passed_over() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    let mixed = Resolver::new(|_| answer(&["169.254.169.254", "127.0.0.1"]));
    let target = target_at("mixed.example", server.address.port());
    let mut scraper = Scraper::with(target, ScrapeSettings::default(), mixed);
    assert_eq!(scraper.body().await, "up 1\n");
}

#[tokio::test]
async fn lists_of_the_policy_hold_and_reload() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    let deny = with_policy(DialPolicy {
        deny: vec!["127.0.0.0/8".parse().unwrap()],
        ..DialPolicy::default()
    });
    let ports = with_policy(DialPolicy {
        ports: vec![PortRange {
            first: 8067,
            last: 8067,
        }],
        ..DialPolicy::default()
    });
    for settings in [deny.clone(), ports] {
        let scraper = Scraper::with(target(server.address), settings, Resolver::system());
        fails_with(scraper, ScrapeErrorKind::Blocked).await;
    }
    assert_eq!(server.connections(), 0);
    let mut scraper = Scraper::new(target(server.address));
    scraper.body().await;
    scraper.network.reload(deny);
    fails_with(scraper, ScrapeErrorKind::Blocked).await;
}

#[tokio::test]
async fn fault_79_a_hung_resolver_leaves_others_unaffected() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    let (release, hung) = std::sync::mpsc::channel::<()>();
    let hung = std::sync::Mutex::new(hung);
    let lookups = Arc::new(AtomicUsize::new(0));
    let counter = lookups.clone();
    let resolver = Resolver::new(move |host| {
        counter.fetch_add(1, SeqCst);
        if host == "hung.example" {
            // Ends with the test, when the sender is dropped.
            hung.lock().unwrap().recv().unwrap_err();
        }
        answer(&["127.0.0.1"])
    });
    let port = server.address.port();
    let settings = ScrapeSettings::default();
    // Asked again and again, the hung name holds one lookup.
    for _ in 0..3 {
        let hung = within(target_at("hung.example", port), Duration::from_millis(50));
        let scraper = Scraper::with(hung, settings.clone(), resolver.clone());
        let message = fails_with(scraper, ScrapeErrorKind::Timeout).await;
        assert!(message.ends_with("ms resolving the host name"), "{message}");
    }
    assert_eq!(lookups.load(SeqCst), 1);
    let well = target_at("well.example", port);
    let mut scraper = Scraper::with(well, settings, resolver.clone());
    assert_eq!(scraper.body().await, "up 1\n");
    drop(release);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_dns_failure() {
    for (resolver, why) in [
        (
            Resolver::new(|_| Err(io::Error::other("no such name"))),
            "no such name",
        ),
        (Resolver::new(|_| Ok(Vec::new())), "no address"),
        (
            Resolver::new(|_| panic!("as told")),
            "the lookup was abandoned",
        ),
    ] {
        let target = target_at("nowhere.example", 80);
        let scraper = Scraper::with(target, ScrapeSettings::default(), resolver);
        let message = fails_with(scraper, ScrapeErrorKind::Dns).await;
        assert_eq!(message, format!("cannot resolve nowhere.example: {why}"));
    }
}

#[tokio::test]
async fn fault_80_broken_ipv6_falls_back() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    // Refused, unreachable, silent: the documentation range is routed nowhere.
    let resolver = Resolver::new(|_| answer(&["::1", "2001:db8::1", "127.0.0.1"]));
    let target = target_at("dual.example", server.address.port());
    let start = Instant::now();
    let mut scraper = Scraper::with(target, ScrapeSettings::default(), resolver);
    assert_eq!(scraper.body().await, "up 1\n");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn fault_78_a_black_hole_meets_the_deadline() {
    // A listener whose queue is full answers no more connection attempts.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut taken = Vec::new();
    let attempt = || tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address));
    while let Ok(stream) = attempt().await {
        taken.push(stream.unwrap());
    }
    let message = fails(within(target(address), SHORT), ScrapeErrorKind::Timeout).await;
    assert!(message.ends_with("ms connecting"), "{message}");
}
