//! Faults of whole hosts and the networks between them, with real ones: network namespaces.

mod lab;

use std::time::Duration;

use lab::{Lab, serve, silent_name_server};

/// Scrapes of a second's interval come no further apart, however busy the machine is.
const ON_SCHEDULE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn fault_78_a_host_that_packets_never_reach_delays_nobody() {
    let Some(lab) = Lab::new() else { return };
    let asked = serve(&lab.them, "10.77.0.2:8067", true);
    // One takes packets and gives none; nobody has ever heard of the other.
    lab.lose_packets_to("10.77.0.66");
    let daemon = lab.watch(&["10.77.0.2:8067", "10.77.0.66:8067", "10.77.0.67:8067"]);
    for lost in ["10.77.0.66", "10.77.0.67"] {
        daemon.until_down(lost, "timeout").await;
    }
    daemon.until_up("10.77.0.2").await;
    let gap = asked.longest_gap_of(5).await;
    assert!(gap < ON_SCHEDULE, "{gap:?}");
    let page = daemon.get("/api/v1/targets");
    assert!(page.contains("ms connecting"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_79_a_name_server_that_never_answers_delays_nobody() {
    let Some(lab) = Lab::new() else { return };
    let asked = serve(&lab.them, "10.77.0.2:8067", false);
    let questions = silent_name_server(&lab.them, "10.77.0.2:53");
    lab.us.write_etc("resolv.conf", "nameserver 10.77.0.2\n");
    lab.us.write_etc("hosts", "10.77.0.2 known.test\n");
    let daemon = lab.watch(&["unknown.test:8067", "other.test:8067", "known.test:8067"]);
    for unknown in ["unknown.test", "other.test"] {
        daemon.until_down(unknown, "timeout").await;
    }
    daemon.until_up("known.test").await;
    // The one whose name is known is resolved anew for each scrape, beside those that hang.
    let gap = asked.longest_gap_of(5).await;
    assert!(gap < ON_SCHEDULE, "{gap:?}");
    let page = daemon.get("/api/v1/targets");
    assert!(page.contains("ms resolving the host name"), "{page}");
    assert!(questions.count() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_80_ipv6_that_leads_nowhere_costs_a_head_start() {
    let Some(lab) = Lab::new() else { return };
    lab.us.ip("addr add 2001:db8:77::1/64 dev out nodad");
    lab.lose_packets_to("2001:db8:77::2");
    lab.us
        .write_etc("hosts", "2001:db8:77::2 dual.test\n10.77.0.2 dual.test\n");
    let asked = serve(&lab.them, "10.77.0.2:8067", false);
    let daemon = lab.watch(&["dual.test:8067"]);
    daemon.until_up("dual.test").await;
    let gap = asked.longest_gap_of(3).await;
    assert!(gap < ON_SCHEDULE, "{gap:?}");
    // IPv6 was tried first, or nothing was shown.
    let family = "manifesto_target_scrape_duration_seconds";
    let line = daemon.until(family, "dual.test", "").await;
    let took: f64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!(took > 0.2, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_78_targets_come_back_with_their_network() {
    let Some(lab) = Lab::new() else { return };
    let asked = serve(&lab.them, "10.77.0.2:8067", true);
    let daemon = lab.watch(&["10.77.0.2:8067"]);
    daemon.until_up("10.77.0.2").await;
    // Their end: packets are lost, and the connection kept from before gives no sign.
    lab.them.ip("link set in down");
    daemon.until_down("10.77.0.2", "timeout").await;
    lab.them.ip("link set in up");
    daemon.until_up("10.77.0.2").await;
    // Our end, for good: there is no way to them.
    lab.us.ip("link set out down");
    daemon.until_down("10.77.0.2", "connect").await;
    lab.us.ip("link set out up");
    daemon.until_up("10.77.0.2").await;
    assert!(asked.longest_gap_of(3).await < ON_SCHEDULE);
}
