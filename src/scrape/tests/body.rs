//! Bodies: length, coding, caps.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::support::{SHORT, Scraper, body_of, fails, target, within};
use crate::http_client::tests::server::{Server, hang, ok, request, send};
use crate::scrape::ScrapeErrorKind;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const GZIP: &str = "Content-Encoding: gzip\r\n";

#[tokio::test]
async fn a_body_arrives_as_it_was_sent() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    let sink = body_of(target(server.address)).await;
    assert_eq!(sink.body, b"up 1\n");
    assert_eq!(sink.framed, Some(true));
    assert_eq!(
        sink.content_type.as_deref(),
        Some("text/plain; version=0.0.4")
    );
}

#[tokio::test]
async fn a_chunked_body_is_framed_and_one_that_ends_with_the_connection_is_not() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nup \r\n2\r\n1\n\r\n0\r\n\r\n";
    let server = Server::answering(chunked).await;
    let sink = body_of(target(server.address)).await;
    assert_eq!(
        (sink.body.as_slice(), sink.framed),
        (&b"up 1\n"[..], Some(true))
    );

    let server = Server::answering_once("HTTP/1.1 200 OK\r\n\r\nup 1\n").await;
    let sink = body_of(target(server.address)).await;
    assert_eq!(
        (sink.body.as_slice(), sink.framed),
        (&b"up 1\n"[..], Some(false))
    );
    assert_eq!(sink.content_type, None);
}

#[tokio::test]
async fn a_large_gzip_body_is_streamed_in_pieces() {
    let text = "metric{label=\"value\"} 1\n".repeat(40_000);
    let server = Server::answering(ok(GZIP, &gzip(text.as_bytes()))).await;
    let mut scraper = Scraper::new(target(server.address));
    for _ in 0..2 {
        let (result, sink) = scraper.scrape().await;
        result.outcome.unwrap();
        assert!(sink.body == text.as_bytes());
        assert!(sink.largest_chunk <= 32 * 1024, "{}", sink.largest_chunk);
        assert_eq!(result.body_bytes, text.len() as u64);
        assert!(result.wire_bytes < 20_000, "{}", result.wire_bytes);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn gzip_members_follow_each_other() {
    let two = [gzip(b"up 1\n"), gzip(b"down 0\n")].concat();
    let server = Server::answering(ok(GZIP, &two)).await;
    assert_eq!(
        body_of(target(server.address)).await.body,
        b"up 1\ndown 0\n"
    );
}

#[tokio::test]
async fn fault_05_endless_body_is_cut_at_the_cap() {
    let server = Server::start(async |mut stream, _| {
        request(&mut stream).await;
        send(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n").await;
        while send(&mut stream, &[b'a'; 4096]).await {}
    })
    .await;
    let message = fails(target(server.address), ScrapeErrorKind::BodyLimit).await;
    let start = "the decompressed body is larger than 1000000 bytes, cut at 10";
    assert!(message.starts_with(start), "{message}");
}

#[tokio::test]
async fn fault_06_gzip_bomb_is_cut_at_the_cap() {
    let bomb = gzip(&vec![0; 50_000_000]);
    let server = Server::answering(ok(GZIP, &bomb)).await;
    let (result, sink) = Scraper::new(target(server.address)).scrape().await;
    assert_eq!(
        result.outcome.unwrap_err().reason,
        ScrapeErrorKind::BodyLimit
    );
    assert!(sink.body.len() <= 1_000_000);
    assert!(result.body_bytes <= 1_000_000 + 32 * 1024);
}

#[tokio::test]
async fn fault_07_unknown_or_stacked_encodings_are_refused() {
    for headers in [
        "Content-Encoding: br\r\n",
        "Content-Encoding: gzip, gzip\r\n",
        "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
        "Content-Encoding: zstd\r\n",
        "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
    ] {
        let server = Server::answering(ok(headers, &gzip(b"up 1\n"))).await;
        let message = fails(target(server.address), ScrapeErrorKind::Encoding).await;
        assert!(
            message.ends_with("only gzip or identity, once"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn fault_07_transfer_codings_other_than_chunked_are_refused() {
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    let server = Server::answering(response).await;
    let message = fails(target(server.address), ScrapeErrorKind::Encoding).await;
    assert_eq!(
        message,
        "transfer-encoding \"gzip, chunked\" is not supported: only chunked"
    );
}

#[tokio::test]
async fn fault_08_corrupt_gzip_fails_the_whole_scrape() {
    let whole = gzip("up 1\n".repeat(1000).as_bytes());
    let mut checksum = whole.clone();
    let crc = checksum.len() - 8;
    checksum[crc] ^= 1;
    let cut = &whole[..whole.len() - 3];
    let trailing = [whole.as_slice(), b"garbage"].concat();
    let zero = [whole.as_slice(), b"\0"].concat();
    for body in [
        &checksum[..],
        cut,
        &trailing,
        &zero,
        b"not gzip",
        &whole[..1],
    ] {
        let server = Server::answering(ok(GZIP, body)).await;
        let message = fails(target(server.address), ScrapeErrorKind::Encoding).await;
        assert!(message.starts_with("corrupt gzip, member "), "{message}");
    }
}

#[tokio::test]
async fn fault_09_short_of_content_length_is_incomplete() {
    let server =
        Server::answering_once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nup 1\n").await;
    fails(target(server.address), ScrapeErrorKind::Incomplete).await;

    let cut_chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nup 1\n\r\n";
    let server = Server::answering_once(cut_chunk).await;
    fails(target(server.address), ScrapeErrorKind::Incomplete).await;
}

#[tokio::test]
async fn fault_11_exactly_at_the_cap_is_accepted() {
    for (length, accepted) in [(1_000_000, true), (1_000_001, false)] {
        for compressed in [false, true] {
            let body = vec![b'a'; length];
            let response = match compressed {
                true => ok(GZIP, &gzip(&body)),
                false => ok("", &body),
            };
            let server = Server::answering(response).await;
            let (result, _) = Scraper::new(target(server.address)).scrape().await;
            assert_eq!(result.outcome.is_ok(), accepted, "{length} {compressed}");
        }
    }
}

#[tokio::test]
async fn fault_12_an_empty_body_is_an_error() {
    for response in [ok("", b""), ok(GZIP, b""), ok(GZIP, &gzip(b""))] {
        let server = Server::answering(response).await;
        let message = fails(target(server.address), ScrapeErrorKind::Empty).await;
        assert_eq!(message, "status 200 with an empty body");
    }
}

#[tokio::test]
async fn fault_15_other_statuses_are_shown() {
    for status in [
        "401 Unauthorized",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "204 No Content",
    ] {
        let server =
            Server::answering(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).await;
        let (result, _) = Scraper::new(target(server.address)).scrape().await;
        let down = result.outcome.unwrap_err();
        assert_eq!(down.reason, ScrapeErrorKind::Http);
        assert_eq!(down.message, format!("status {status}, expected 200 OK"));
        assert_eq!(result.status.unwrap().to_string(), status[..3]);
    }
}

#[tokio::test]
async fn who_answers_that_there_are_no_metrics_is_told_from_who_is_down() {
    for (status, kind) in [
        ("404 Not Found", ScrapeErrorKind::NotFound),
        ("410 Gone", ScrapeErrorKind::Gone),
    ] {
        let server =
            Server::answering(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).await;
        let (result, _) = Scraper::new(target(server.address)).scrape().await;
        let down = result.outcome.unwrap_err();
        assert_eq!(down.reason, kind);
        assert!(down.reason.says_no_metrics());
        assert_eq!(down.message, format!("status {status}, expected 200 OK"));
    }
    assert!(!ScrapeErrorKind::Http.says_no_metrics());
}

#[tokio::test]
async fn fault_04_a_dripping_body_meets_the_deadline() {
    let server = Server::start(async |mut stream, _| {
        request(&mut stream).await;
        send(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n").await;
        while send(&mut stream, b"a").await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        hang().await;
    })
    .await;
    let start = Instant::now();
    let message = fails(
        within(target(server.address), SHORT),
        ScrapeErrorKind::Timeout,
    )
    .await;
    assert_eq!(message, "timed out after 200ms reading the body");
    assert!(start.elapsed() < Duration::from_secs(3));
}
