//! What we publish, read by our own scanner: no fault, and every name and figure as it was.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use manifesto_exporter::checks::{Finding, Reason, SeriesFindings, Verdict};
use manifesto_exporter::daemon;
use manifesto_exporter::discovery::target::ServiceKey;
use manifesto_exporter::discovery::{Discovered, SourceStatus};
use manifesto_exporter::exposition::{Event, Format, Limits, scan};
use manifesto_exporter::history::HistoryStats;
use manifesto_exporter::manifesto::{Manifesto, all_unknown};
use manifesto_exporter::publish::{Published, Telemetry};
use manifesto_exporter::scrape::{EngineStats, ScrapeErrorKind};
use manifesto_exporter::snapshot::{Ruleset, Scrape, Snapshot, TargetState};
use manifesto_exporter::sources::{Answers, SourceStats};
use proptest::prelude::*;
use strum::VariantArray as _;

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
        prop::sample::select(ScrapeErrorKind::VARIANTS.to_vec()).prop_map(State::ScrapeError),
    ]
}

#[derive(Debug, Clone)]
struct Instance {
    service: ServiceKey,
    team: String,
    version: Option<String>,
    path: String,
    has_resource: bool,
    state: State,
    duration: Duration,
    samples: u64,
}

fn instance() -> impl Strategy<Value = Instance> {
    // Only the estate has no name; something is written down of the shop.
    let name = text().prop_filter("a service has a name", |name| !name.is_empty());
    let name = prop_oneof![Just("shop".to_owned()), name];
    let who = (name, text(), text(), prop::option::of(text()), text());
    let figures = (any::<bool>(), state(), 0..u64::MAX / 2, any::<u64>());
    (who, figures).prop_map(
        |((name, environment, team, version, path), (has_resource, state, nanos, samples))| {
            Instance {
                service: ServiceKey { name, environment },
                team,
                version,
                path,
                has_resource,
                state,
                duration: Duration::from_nanos(nanos),
                samples,
            }
        },
    )
}

fn target_state(nth: usize, instance: Instance, manifesto: &Manifesto) -> TargetState {
    let finding = match instance.state {
        State::Up(true) => Finding::pass("seen", "up"),
        _ => Finding::fail(Reason::Missing, "not seen", Vec::new()),
    };
    let unknown = |reason| Finding::unknown(reason, "not measured");
    let of_series = match instance.state {
        State::Up(_) => finding.clone(),
        State::ScrapeError(_) | State::Pending => unknown(Reason::TargetDown),
    };
    let judged = |rule| Verdict {
        rule,
        finding: finding.clone().into(),
    };
    let scraped = manifesto.rules().iter().filter(|rule| rule.is_scraped());
    let rules = scraped.map(|rule| rule.id);
    let verdicts = match instance.state {
        State::Up(_) => rules.map(judged).collect(),
        State::ScrapeError(_) => all_unknown(manifesto, &unknown(Reason::TargetDown)),
        State::Pending => all_unknown(manifesto, &unknown(Reason::NotScrapedYet)),
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
        resource: instance.has_resource.then(Arc::default),
        ..TargetState::new(
            Arc::new(target),
            verdicts,
            SeriesFindings::all(&Arc::new(of_series)),
        )
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
        events_total: 0,
        held: false,
        held_targets: None,
        notes: Vec::new(),
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

/// The samples of ours whose names begin with none of these.
fn families<'a>(samples: &'a [Read], others: &[&str]) -> impl Iterator<Item = &'a Read> {
    let is_ours = |name: &str| {
        name.starts_with("manifesto_") && !others.iter().any(|other| name.starts_with(other))
    };
    samples.iter().filter(move |(name, ..)| is_ours(name))
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

/// What is known of these instances, where a catalogue, a waiver and attestations are kept.
fn snapshot(instances: Vec<Instance>) -> Arc<Snapshot> {
    static RULESET: LazyLock<Arc<Ruleset>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in WRITTEN {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let loaded = daemon::load(Some(&folder.path().join("config.yaml")));
        Arc::new(loaded.unwrap().ruleset)
    });
    let states = instances.into_iter().enumerate();
    let states =
        states.map(|(nth, instance)| Arc::new(target_state(nth, instance, &RULESET.manifesto)));
    let at: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
    Arc::new(Snapshot::build(at.into(), &RULESET, states.collect()))
}

const WRITTEN: [(&str, &str); 4] = [
    (
        "config.yaml",
        "scrape_configs: []\ncatalogue: [catalogue.yaml]\nwaivers: [waivers.yaml]\nattestations: [attestations.yaml]\n",
    ),
    (
        "catalogue.yaml",
        "services: [{name: shop, environments: [production]}, {name: quay}]\n",
    ),
    (
        "waivers.yaml",
        "waivers: [{rule: O-8, service: shop, reason: later, discussion: 'http://chat.example/1', owner: ann, \
         approver: bob, granted_at: 2026-11-02, expires_at: 2027-01-15}]\n",
    ),
    // The later of two for the same is the one that counts.
    (
        "attestations.yaml",
        "attestations:\n\
         - {rule: F-3, estate: true, owner: sre, statement: reviewed, evidence_url: 'http://docs.example/1', signed_at: 2026-05-20, expires_at: 2027-05-20}\n\
         - {rule: F-3, estate: true, owner: sre, statement: reviewed, evidence_url: 'http://docs.example/2', signed_at: 2026-10-30, expires_at: 2027-10-30}\n\
         - {rule: D-1, service: shop, owner: sre, statement: reviewed, evidence_url: 'http://docs.example/3', signed_at: 2026-05-12, expires_at: 2031-05-12}\n",
    ),
];

/// Whole expositions of one snapshot, as they are served: text, then OpenMetrics.
fn published(
    snapshot: &Arc<Snapshot>,
    series_max: usize,
    sources: Vec<SourceStatus>,
) -> [Vec<u8>; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (telemetry, engine) = (Telemetry::new().unwrap(), EngineStats::default());
    let discovered = Discovered {
        sources,
        ..Discovered::default()
    };
    let published = Published::new(Arc::clone(snapshot), series_max);
    [Format::Text, Format::OpenMetrics].map(|format| {
        let end = telemetry.write(
            format,
            &engine.snapshot(),
            &discovered,
            (&Answers::default(), &SourceStats::default()),
            &HistoryStats::default(),
        );
        let pieces = published.exposition(format, false, end, &telemetry);
        runtime.block_on(pieces).0.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_published_reads_back_exactly(instances in prop::collection::vec(instance(), 0..4), sources in prop::collection::vec(text(), 0..3)) {
        let snapshot = snapshot(instances);
        let sources: Vec<_> = sources.iter().enumerate().map(|(nth, name)| source(nth, name)).collect();
        let [text, open] = published(&snapshot, usize::MAX, sources.clone());
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
        let ours = |samples: &[Read]| families(samples, &["manifesto_exporter_"]).cloned().collect::<Vec<_>>();
        prop_assert_eq!(ours(&text), ours(&open));
    }

    /// The gauge counts the lines that are there, and those that are left out past the budget: all of single targets.
    #[test]
    fn every_series_is_counted(instances in prop::collection::vec(instance(), 0..4), series_max in 0_usize..400) {
        let snapshot = snapshot(instances);
        let whole = published(&snapshot, usize::MAX, Vec::new());
        let within = published(&snapshot, series_max, Vec::new());
        for (format, (whole, within)) in [Format::Text, Format::OpenMetrics].into_iter().zip(whole.iter().zip(&within)) {
            let (whole, within) = (read(format, whole)?, read(format, within)?);
            let all = families(&whole, &["manifesto_exporter_"]).count();
            let of_services = families(&whole, &["manifesto_exporter_", "manifesto_target_"]).count();
            let is_summarised = all > series_max;
            prop_assert_eq!(families(&within, &["manifesto_exporter_"]).count(), if is_summarised { of_services } else { all });
            for (samples, is_summarised) in [(whole, false), (within, is_summarised)] {
                let said = |name| of_name(&samples, name, &[]).first().map(|(_, bits)| f64::from_bits(*bits));
                prop_assert_eq!(said("manifesto_exporter_series"), Some(all as f64));
                prop_assert_eq!(said("manifesto_exporter_series_summarised"), Some(f64::from(u8::from(is_summarised))));
            }
        }
    }
}
