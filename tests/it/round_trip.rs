//! What we publish, read by our own scanner: no fault, and every name and figure as it was.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use manifesto_exporter::catalogue::{Catalogue, Records};
use manifesto_exporter::checks::{Finding, Reason, Verdict};
use manifesto_exporter::config;
use manifesto_exporter::discovery::target::ServiceKey;
use manifesto_exporter::discovery::{Discovered, SourceStatus};
use manifesto_exporter::exposition::{Event, Format, Limits, scan};
use manifesto_exporter::manifesto::{Manifesto, all_unknown};
use manifesto_exporter::publish::{Published, Telemetry};
use manifesto_exporter::scrape::{EngineStats, ScrapeErrorKind};
use manifesto_exporter::snapshot::{Scrape, Snapshot, TargetState};
use manifesto_exporter::sources::{Answers, SourceStats};
use proptest::prelude::*;

use super::states::{scrape, target};

/// What somebody else chose: names, environments, teams, versions, paths.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[\"\\\\\n n{}=,#\t\r\0]{1,6}".boxed(),
        "[a-z-]{1,6}".boxed(),
        any::<String>(),
    ]
}

/// How an instance does: pending, up with a verdict, or down.
#[derive(Debug, Clone, Copy)]
enum State {
    Pending,
    Up(bool),
    ScrapeError(ScrapeErrorKind),
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Pending),
        any::<bool>().prop_map(State::Up),
        prop::sample::select(ScrapeErrorKind::ALL.to_vec()).prop_map(State::ScrapeError),
    ]
}

#[derive(Debug, Clone)]
struct Instance {
    service: ServiceKey,
    team: String,
    version: Option<String>,
    path: String,
    state: State,
    duration: Duration,
    samples: u64,
}

fn instance() -> impl Strategy<Value = Instance> {
    // Only the estate has no name.
    let name = text().prop_filter("a service has a name", |name| !name.is_empty());
    let who = (name, text(), text(), prop::option::of(text()), text());
    let figures = (state(), 0..u64::MAX / 2, any::<u64>());
    (who, figures).prop_map(
        |((name, environment, team, version, path), (state, nanos, samples))| Instance {
            service: ServiceKey { name, environment },
            team,
            version,
            path,
            state,
            duration: Duration::from_nanos(nanos),
            samples,
        },
    )
}

fn target_state(nth: usize, instance: Instance, manifesto: &Manifesto) -> TargetState {
    let finding = match instance.state {
        State::Up(true) => Finding::pass("seen", "up"),
        _ => Finding::fail(Reason::Missing, "not seen", Vec::new()),
    };
    let judged = |rule| Verdict {
        rule,
        finding: finding.clone().into(),
    };
    let scraped = manifesto.rules().iter().filter(|rule| rule.is_scraped());
    let rules = scraped.map(|rule| rule.id);
    let verdicts = match instance.state {
        State::Up(_) => rules.map(judged).collect(),
        State::ScrapeError(_) => all_unknown(manifesto, Reason::TargetDown, "down"),
        State::Pending => all_unknown(manifesto, Reason::NotScrapedYet, "not yet"),
    };
    let ServiceKey { name, environment } = &instance.service;
    let mut target = target(&format!("host-{nth}"), name, environment);
    target.url.path_and_query = format!("/{}", instance.path);
    target.team = instance.team;
    let scraped = |down| Scrape {
        at: SystemTime::UNIX_EPOCH + instance.duration,
        duration: instance.duration,
        samples: instance.samples,
        body_bytes: instance.samples,
        ..scrape(down)
    };
    TargetState {
        scrape: match instance.state {
            State::Pending => None,
            State::Up(_) => Some(scraped(None)),
            State::ScrapeError(reason) => Some(scraped(Some(reason))),
        },
        version: instance.version.map(Into::into),
        ..TargetState::new(Arc::new(target), verdicts)
    }
}

fn source(nth: usize, name: &str) -> SourceStatus {
    SourceStatus {
        name: format!("{name}/static/{nth}"),
        mechanism: "static",
        targets: 1,
        last_success: Some(SystemTime::UNIX_EPOCH),
        last_error: None,
        failures_total: 0,
        refreshes_total: 1,
        held: false,
        held_targets: None,
    }
}

/// One sample: name, labels, and the bits of its value.
type Read = (String, Vec<(String, String)>, u64);

/// Every sample of an exposition in which nothing is wrong.
fn read(format: Format, body: &[u8]) -> Result<Vec<Read>, TestCaseError> {
    let (mut samples, mut faults) = (Vec::new(), Vec::new());
    scan(format, Limits::default(), body, &mut |event| match event {
        Event::Fault(fault) => faults.push(fault.to_string()),
        Event::Sample(sample) => {
            let labels = sample
                .labels()
                .map(|(name, value)| (name.into_owned(), value.into_owned()));
            samples.push((
                sample.name().into_owned(),
                labels.collect(),
                sample.value.to_bits(),
            ));
        }
        Event::Type { .. } | Event::Help { .. } | Event::Unit { .. } => {}
    });
    prop_assert!(faults.is_empty(), "{faults:?} in {}", body.escape_ascii());
    Ok(samples)
}

/// The values of these labels on every series of a name, with the bits of the series' value.
fn of_name(samples: &[Read], name: &str, wanted: &[&str]) -> BTreeSet<(Vec<String>, u64)> {
    let named = samples.iter().filter(|(have, ..)| have == name);
    let pick = |labels: &[(String, String)]| {
        let one = |name: &&str| labels.iter().find(|(label, _)| label == name);
        let values = wanted.iter().map(|name| one(name).unwrap().1.clone());
        values.collect()
    };
    named
        .map(|(_, labels, bits)| (pick(labels), *bits))
        .collect()
}

/// Whole expositions of one snapshot, as they are served: text, then OpenMetrics.
fn published(snapshot: &Arc<Snapshot>, sources: Vec<SourceStatus>) -> [Vec<u8>; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (telemetry, engine) = (Telemetry::new().unwrap(), EngineStats::default());
    let discovered = Discovered {
        sources,
        ..Discovered::default()
    };
    let published = Published::new(Arc::clone(snapshot), usize::MAX);
    [Format::Text, Format::OpenMetrics].map(|format| {
        let end = telemetry.write(
            format,
            &engine.snapshot(),
            &discovered,
            (&Answers::default(), &SourceStats::default()),
        );
        let pieces = published.exposition(format, false, end, &telemetry);
        runtime.block_on(pieces).0.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_published_reads_back_exactly(instances in prop::collection::vec(instance(), 0..4), sources in prop::collection::vec(text(), 0..3)) {
        let ruleset = config::embedded().unwrap().ruleset(Catalogue::default(), Records::default());
        let ruleset = Arc::new(ruleset.unwrap());
        let states = instances.into_iter().enumerate();
        let targets = states.map(|(nth, instance)| Arc::new(target_state(nth, instance, &ruleset.manifesto)));
        let snapshot = Arc::new(Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, targets.collect()));
        let sources: Vec<_> = sources.iter().enumerate().map(|(nth, name)| source(nth, name)).collect();
        let [text, open] = published(&snapshot, sources.clone());
        let (text, open) = (read(Format::Text, &text)?, read(Format::OpenMetrics, &open)?);
        for samples in [&text, &open] {
            let services = snapshot.services.iter().map(|service| {
                let labels = [&service.key.name, &service.key.environment, &service.team, &service.version];
                (labels.map(String::clone).to_vec(), 1.0_f64.to_bits())
            });
            let labels = ["service_name", "environment", "team", "version"];
            prop_assert_eq!(of_name(samples, "manifesto_service_info", &labels), services.collect());
            let scraped = snapshot.targets.iter().filter_map(|state| Some((state, state.scrape.as_ref()?)));
            let durations = scraped.map(|(state, scrape)| {
                let target = &state.target;
                let labels = vec![target.service.name.clone(), target.service.environment.clone(), target.url.to_string()];
                (labels, scrape.duration.as_secs_f64().to_bits())
            });
            let labels = ["service_name", "environment", "target"];
            prop_assert_eq!(of_name(samples, "manifesto_target_scrape_duration_seconds", &labels), durations.collect());
            let known = sources.iter().map(|source| (vec![source.name.clone()], 1.0_f64.to_bits()));
            prop_assert_eq!(of_name(samples, "manifesto_exporter_discovery_targets", &["source"]), known.collect());
        }
        // The process is measured anew for each, and bounds are written as each format wants them.
        let ours = |samples: Vec<Read>| -> Vec<Read> {
            samples.into_iter().filter(|(name, ..)| name.starts_with("manifesto_") && !name.starts_with("manifesto_exporter_")).collect()
        };
        prop_assert_eq!(ours(text), ours(open));
    }
}
