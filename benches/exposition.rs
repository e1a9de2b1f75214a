//! How fast expositions are scanned, with every rule checked.
//!
//! `cargo bench --bench exposition`

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use manifesto_exporter::exposition::{Event, Format, Limits, Scanner, scan};
use manifesto_exporter::scrape::{BodySink, Coding, Decoder, Progress, ScrapeError};

/// About a megabyte, most of it buckets, as a service with many routes exposes it.
fn histogram_heavy() -> String {
    let bounds = [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
    ];
    let mut body = String::new();
    for family in 0..12 {
        let name = format!("http_server_request_duration_{family}_seconds");
        let _ = writeln!(
            body,
            "# HELP {name} Time from the first byte of the request to the last of the response."
        );
        let _ = writeln!(body, "# TYPE {name} histogram");
        for route in 0..60 {
            let labels = format!("method=\"GET\",route=\"/api/v1/orders/{route}\",status=\"200\"");
            for (nth, le) in bounds.iter().enumerate() {
                let _ = writeln!(
                    body,
                    "{name}_bucket{{{labels},le=\"{le}\"}} {}",
                    1000 * route + 37 * nth
                );
            }
            let _ = writeln!(
                body,
                "{name}_sum{{{labels}}} {}.{:06}",
                17 * route,
                route * 7919
            );
            let _ = writeln!(body, "{name}_count{{{labels}}} {}", 1000 * route + 37 * 11);
        }
    }
    body
}

/// Many labels, long values.
fn label_heavy() -> String {
    let mut body = String::from("# TYPE kube_pod_info gauge\n");
    for pod in 0..3_000_u64 {
        let id = pod.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let _ = writeln!(
            body,
            "kube_pod_info{{namespace=\"team-{}\",pod=\"checkout-{id:016x}-{pod}\",uid=\"{id:016x}{id:016x}\",host_ip=\"10.0.{}.{}\",\
             pod_ip=\"10.1.{}.{}\",node=\"ip-10-0-{}.eu-west-1.compute.internal\",created_by_kind=\"ReplicaSet\",\
             created_by_name=\"checkout-{id:08x}\",priority_class=\"default\",host_network=\"false\"}} 1",
            pod % 40,
            pod % 256,
            pod % 250,
            pod % 240,
            pod % 230,
            pod % 64,
        );
    }
    body
}

/// Many families of one short line.
fn short_lines() -> String {
    let mut body = String::new();
    for family in 0..8_000 {
        let _ = writeln!(
            body,
            "# TYPE app_{family} gauge\napp_{family} {}\napp_{family}{{a=\"b\"}} {family}.5",
            family * 3
        );
    }
    body
}

/// The first, as OpenMetrics.
fn openmetrics() -> String {
    let mut body = histogram_heavy();
    body.push_str("# EOF\n");
    body
}

/// Bytes that the network hands over at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// Scans a body as the scrape path decodes it.
struct Scan {
    scanner: Scanner,
    sum: f64,
}

impl Scan {
    fn event(sum: &mut f64, event: &Event<'_>) {
        if let Event::Sample(sample) = event {
            *sum += sample.value;
        }
    }
}

impl BodySink for Scan {
    fn begin(&mut self, _content_type: Option<&str>) -> Result<(), ScrapeError> {
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        let sum = &mut self.sum;
        self.scanner
            .feed(bytes, &mut |event| Self::event(sum, &event));
        Ok(())
    }

    fn end(&mut self, _framed: bool) -> Result<(), ScrapeError> {
        let sum = &mut self.sum;
        self.scanner.finish(&mut |event| Self::event(sum, &event));
        Ok(())
    }
}

fn gzipped(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(body.as_bytes())
        .expect("a Vec takes every byte");
    encoder.finish().expect("a Vec takes every byte")
}

fn scanning(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exposition");
    group
        .measurement_time(Duration::from_secs(4))
        .warm_up_time(Duration::from_secs(1))
        .sample_size(30);
    let inputs = [
        ("histogram_heavy", Format::Text, histogram_heavy()),
        ("label_heavy", Format::Text, label_heavy()),
        ("short_lines", Format::Text, short_lines()),
        ("openmetrics", Format::OpenMetrics, openmetrics()),
    ];
    for (name, format, body) in &inputs {
        let summary = scan(*format, Limits::default(), body.as_bytes(), &mut |event| {
            if let Event::Fault(fault) = event {
                panic!("{name}: {fault}");
            }
        });
        assert!(summary.samples > 1_000, "{name}: {summary:?}");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let mut scanner = Scanner::new(*format, Limits::default());
                let mut sum = 0.0;
                let mut sink = |event: Event<'_>| {
                    if let Event::Sample(sample) = event {
                        sum += sample.value;
                    }
                };
                // As a body arrives from the network.
                for chunk in body.as_bytes().chunks(CHUNK_BYTES) {
                    scanner.feed(chunk, &mut sink);
                }
                let summary = scanner.finish(&mut sink);
                black_box((sum, summary))
            });
        });
        let wire = gzipped(body);
        // Throughput still counts what is scanned, not what came over the wire.
        group.bench_function(format!("{name}_gzip"), |bencher| {
            bencher.iter(|| {
                let mut scan = Scan {
                    scanner: Scanner::new(*format, Limits::default()),
                    sum: 0.0,
                };
                let progress = Progress::default();
                let mut decoder = Decoder::new(Coding::Gzip, u64::MAX, &mut scan, &progress);
                for chunk in wire.chunks(CHUNK_BYTES) {
                    decoder.write(chunk).expect("whole gzip");
                }
                decoder.finish(true).expect("whole gzip");
                black_box(scan.sum)
            });
        });
    }
    let (_, _, body) = &inputs[0];
    group
        .throughput(Throughput::Bytes(body.len() as u64))
        .sample_size(10);
    group.bench_function("histogram_heavy_by_prometheus_parse", |bencher| {
        bencher.iter(|| {
            let lines = body.lines().map(|line| Ok(line.to_owned()));
            black_box(prometheus_parse::Scrape::parse(lines))
                .map_or(0, |scrape| scrape.samples.len())
        });
    });
    group.finish();
}

criterion_group!(benches, scanning);
criterion_main!(benches);
