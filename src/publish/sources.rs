//! The families of sources, of targets and of evidence: whether and how they answer.

use std::collections::BTreeMap;

use strum::VariantArray as _;

use super::writer::{Kind, Writer, unix_seconds};
use crate::discovery::Discovered;
use crate::sources::{Answers, KnownSource, SourceErrorKind, SourceTotals};

/// How asking for evidence goes, of sources that are asked anything.
pub(super) fn evidence(
    answers: &Answers,
    totals: &BTreeMap<String, SourceTotals>,
    out: &mut Writer,
) {
    let known = || {
        let asked = answers.sources.iter();
        asked.filter_map(|source| Some((source, totals.get(&source.name)?)))
    };
    let mut family = out.family(
        "manifesto_exporter_source_up",
        Kind::Gauge,
        "1 if the source of evidence answered everything it was asked last.",
    );
    for (source, totals) in known() {
        family.sample(&key(source), f64::from(u8::from(totals.is_up)));
    }
    let mut family = out.family(
        "manifesto_exporter_source_last_success_timestamp_seconds",
        Kind::Gauge,
        "When the source of evidence last answered something; absent until it has.",
    );
    for (source, totals) in known() {
        if let Some(at) = totals.last_success {
            family.sample(&key(source), unix_seconds(at));
        }
    }
    let mut family = out.family(
        "manifesto_exporter_source_queries_total",
        Kind::Counter,
        "Questions to sources of evidence, by result: ok, or why there was no answer.",
    );
    for (source, totals) in known() {
        let mut count = |result: &str, count: u64| {
            let labels = [("source", &*source.name), ("result", result)];
            family.sample(&labels, count as f64);
        };
        count("ok", totals.answered);
        for (reason, refused) in SourceErrorKind::VARIANTS.iter().zip(totals.refused) {
            count(reason.as_str(), refused);
        }
    }
    let mut family = out.family(
        "manifesto_exporter_source_query_seconds_total",
        Kind::Counter,
        "Time spent waiting for answers of sources of evidence.",
    );
    for (source, totals) in known() {
        family.sample(&key(source), totals.waited.as_secs_f64());
    }
}

fn key(source: &KnownSource) -> [(&str, &str); 2] {
    [("source", &source.name), ("kind", source.kind.as_str())]
}

/// What discovery knows of its sources.
pub(super) fn discovery(discovered: &Discovered, out: &mut Writer) {
    let sources = &discovered.sources;
    let mut family = out.family(
        "manifesto_exporter_discovery_targets",
        Kind::Gauge,
        "Targets that the source named last, before relabelling.",
    );
    for source in sources {
        family.sample(&[("source", &source.name)], source.targets as f64);
    }
    let mut family = out.family(
        "manifesto_exporter_discovery_last_success_timestamp_seconds",
        Kind::Gauge,
        "When the source answered last; absent until it has.",
    );
    for source in sources {
        if let Some(at) = source.last_success {
            family.sample(&[("source", &source.name)], unix_seconds(at));
        }
    }
    let mut family = out.family(
        "manifesto_exporter_discovery_held",
        Kind::Gauge,
        "1 while a list that shrank suspiciously is held back and the last good one kept.",
    );
    for source in sources {
        let held = f64::from(u8::from(source.held));
        family.sample(&[("source", &source.name)], held);
    }
    let mut family = out.family(
        "manifesto_exporter_discovery_refreshes_total",
        Kind::Counter,
        "Times that the source was asked for its list.",
    );
    for source in sources {
        family.sample(&[("source", &source.name)], source.refreshes_total as f64);
    }
    let mut family = out.family(
        "manifesto_exporter_discovery_events_total",
        Kind::Counter,
        "Changes that the source told without being asked, as Kubernetes's API server does.",
    );
    for source in sources {
        family.sample(&[("source", &source.name)], source.events_total as f64);
    }
    let mut family = out.family(
        "manifesto_exporter_discovery_failures_total",
        Kind::Counter,
        "Times that the source gave no usable answer and the last good one was kept.",
    );
    for source in sources {
        family.sample(&[("source", &source.name)], source.failures_total as f64);
    }
    let mut family = out.family(
        "manifesto_exporter_discovery_dropped_targets",
        Kind::Gauge,
        "Targets that were found and are not scraped, by reason; /targets lists them. Only `relabel` is what the configuration asks for.",
    );
    for (kind, count) in discovered.dropped_counts.iter() {
        family.sample(&[("reason", kind.as_str())], count as f64);
    }
    let mut family = out.family(
        "manifesto_exporter_discovery_skipped_jobs",
        Kind::Gauge,
        "Jobs of referenced Prometheus configurations that use what is not supported here, and are not scraped: /targets says which and why.",
    );
    family.sample(&[], discovered.skipped.len() as f64);
}
