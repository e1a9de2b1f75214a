//! What a scrape of ours costs with 100,000 compliance series, once they are rendered, and what a thousand at once
//! cost with the rendering that they share. Plain and gzipped.
//!
//! `cargo bench --bench publish`

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use manifesto_exporter::catalogue::{Catalogue, Records};
use manifesto_exporter::checks::{Finding, Reason};
use manifesto_exporter::config;
use manifesto_exporter::discovery::Discovered;
use manifesto_exporter::exposition::Format;
use manifesto_exporter::history::HistoryStats;
use manifesto_exporter::publish::{Published, Telemetry};
use manifesto_exporter::scrape::EngineStats;
use manifesto_exporter::snapshot::{Snapshot, TargetState};
use manifesto_exporter::sources::{Answers, SourceStats};

#[path = "../tests/it/states.rs"]
mod states;

const SERVICES: usize = 3_000;

fn snapshot() -> Snapshot {
    let config = config::embedded().expect("the embedded configuration is good");
    let ruleset = config
        .ruleset(Catalogue::default(), Records::default())
        .expect("the rules are good");
    let ruleset = Arc::new(ruleset);
    let unjudged = ruleset.all(&Finding::unknown(Reason::WarmingUp, "too early"));
    let state = |at: usize| {
        let (service, host) = (format!("service-{at}"), format!("service-{at}.example"));
        let mut target = states::target(&host, &service, "production");
        "team".clone_into(&mut target.team);
        TargetState {
            scrape: Some(states::scrape(None)),
            ..TargetState::new(
                Arc::new(target),
                unjudged.verdicts.clone(),
                Arc::clone(&unjudged.series),
            )
        }
    };
    let targets = (0..SERVICES).map(|at| Arc::new(state(at))).collect();
    Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, targets)
}

/// Scrapes that come at the same time.
const AT_ONCE: usize = 1_000;

/// How often a snapshot was rendered since the start.
fn renderings(telemetry: &Telemetry) -> u64 {
    let engine = EngineStats::default().snapshot();
    let text = telemetry.write(
        Format::Text,
        &engine,
        &Discovered::default(),
        (&Answers::default(), &SourceStats::default()),
        &HistoryStats::default(),
    );
    let text = String::from_utf8(text).expect("text");
    let name = "manifesto_exporter_renderings_total ";
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.parse().ok())
        .expect("the counter is published")
}

/// A fresh snapshot, asked for by everybody at once: rendered once, whoever comes first.
async fn scrapes_at_once(snapshot: &Arc<Snapshot>, telemetry: &Arc<Telemetry>, gzip: bool) {
    let published = Arc::new(Published::new(Arc::clone(snapshot), usize::MAX));
    let before = renderings(telemetry);
    let mut scrapes = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (published, telemetry) = (Arc::clone(&published), Arc::clone(telemetry));
        scrapes.spawn(async move {
            let end = telemetry.write(
                Format::Text,
                &EngineStats::default().snapshot(),
                &Discovered::default(),
                (&Answers::default(), &SourceStats::default()),
                &HistoryStats::default(),
            );
            black_box(
                published
                    .exposition(Format::Text, gzip, end, &telemetry)
                    .await,
            );
        });
    }
    scrapes.join_all().await;
    assert_eq!(
        renderings(telemetry) - before,
        1,
        "{AT_ONCE} scrapes share one"
    );
}

fn publishing(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let snapshot = Arc::new(snapshot());
    let published = Published::new(Arc::clone(&snapshot), usize::MAX);
    let telemetry = Arc::new(Telemetry::new().expect("names are unique"));
    let (engine, discovered) = (EngineStats::default(), Discovered::default());
    let scrape = |gzip| {
        let end = telemetry.write(
            Format::Text,
            &engine.snapshot(),
            &discovered,
            (&Answers::default(), &SourceStats::default()),
            &HistoryStats::default(),
        );
        runtime.block_on(published.exposition(Format::Text, gzip, end, &telemetry))
    };
    let whole = scrape(false).0.concat();
    let series = memchr::memchr_iter(b'\n', &whole).count();
    assert!(series >= 100_000, "{series} lines");
    let mut group = criterion.benchmark_group("publish");
    group
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1))
        .sample_size(20);
    group.bench_function("scrape_of_100k_series", |b| b.iter(|| scrape(false)));
    group.bench_function("scrape_of_100k_series_gzip", |b| b.iter(|| scrape(true)));
    group.bench_function("render_100k_series", |b| {
        b.iter(|| {
            let published = Published::new(Arc::clone(&snapshot), usize::MAX);
            black_box(runtime.block_on(published.exposition(
                Format::Text,
                true,
                Vec::new(),
                &telemetry,
            )))
        })
    });
    group.sample_size(10);
    for (name, gzip) in [
        ("thousand_scrapes_at_once", false),
        ("thousand_scrapes_at_once_gzip", true),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(scrapes_at_once(&snapshot, &telemetry, gzip)))
        });
    }
    group.finish();
}

criterion_group!(benches, publishing);
criterion_main!(benches);
