//! The exporter's own telemetry: `manifesto_exporter_*` and `process_*`.
//!
//! What happens here as events (requests, reloads) is counted with the `prometheus` crate; what
//! another stage counts (scrapes, discovery) is read from that stage when somebody asks.

use std::time::{Duration, SystemTime};

use prometheus::proto::{MetricFamily, MetricType};
use prometheus::{
    Gauge, GaugeVec, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry,
    register_gauge_vec_with_registry, register_gauge_with_registry,
    register_histogram_vec_with_registry, register_int_counter_vec_with_registry,
    register_int_counter_with_registry, register_int_gauge_with_registry,
};

use super::writer::{Kind, Writer, unix_seconds};
use super::{history, sources};
use crate::discovery::Discovered;
use crate::exposition::Format;
use crate::history::HistoryStats;
use crate::scrape::{EngineSnapshot, LATENESS_BUCKETS};
use crate::sources::{Answers, SourceStats};

/// The version of the binary.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The handlers of the server, as label values: they exist from the start, so that the series do
/// before the first request.
pub const HANDLERS: &[&str] = &[
    "/",
    "/rules",
    "/targets",
    "/metrics",
    "/probe",
    "/sd",
    "/api",
    "/runbooks",
    "/reports",
    "/-/healthy",
    "/-/ready",
    "/-/reload",
    "other",
];

/// How a TLS handshake ends, as label values.
pub const HANDSHAKE_RESULTS: &[&str] = &["ok", "closed", "failed", "timeout"];

/// Bounds of request durations, in seconds.
const DURATION_BUCKETS: &[f64] = &[0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Counters and gauges of our own.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    connections_refused: IntCounter,
    reload_ok: IntGauge,
    reload_at: Gauge,
    reloads: IntCounterVec,
    ready: IntGauge,
    snapshot_seconds: Gauge,
    renderings: IntCounter,
    handshakes: IntCounterVec,
    web_config_ok: IntGauge,
    web_info: GaugeVec,
}

impl Telemetry {
    /// Registers everything. Fails only if two metrics have the same name: a defect.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let build_info = register_gauge_vec_with_registry!(
            "manifesto_exporter_build_info",
            "The version that runs. Always 1.",
            &["version"],
            registry
        )?;
        build_info.with_label_values(&[VERSION]).set(1.0);
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        let telemetry = Self {
            requests: register_int_counter_vec_with_registry!(
                "manifesto_exporter_http_requests_total",
                "HTTP requests answered, by handler and status.",
                &["handler", "code"],
                registry
            )?,
            durations: register_histogram_vec_with_registry!(
                "manifesto_exporter_http_request_duration_seconds",
                "Time taken to answer HTTP requests, by handler.",
                &["handler"],
                DURATION_BUCKETS.to_vec(),
                registry
            )?,
            connections_refused: register_int_counter_with_registry!(
                "manifesto_exporter_http_connections_refused_total",
                "Connections closed at once because too many were open.",
                registry
            )?,
            reload_ok: register_int_gauge_with_registry!(
                "manifesto_exporter_config_last_reload_successful",
                "1 if the last reload of the configuration took effect, 0 if it failed and the old one stayed.",
                registry
            )?,
            reload_at: register_gauge_with_registry!(
                "manifesto_exporter_config_last_reload_success_timestamp_seconds",
                "When the configuration in force was loaded.",
                registry
            )?,
            reloads: register_int_counter_vec_with_registry!(
                "manifesto_exporter_config_reloads_total",
                "Reloads of the configuration, by result.",
                &["result"],
                registry
            )?,
            ready: register_int_gauge_with_registry!(
                "manifesto_exporter_ready",
                "1 once discovery has answered and every target found was scraped once.",
                registry
            )?,
            snapshot_seconds: register_gauge_with_registry!(
                "manifesto_exporter_snapshot_build_duration_seconds",
                "Time taken to put together the last snapshot of verdicts.",
                registry
            )?,
            renderings: register_int_counter_with_registry!(
                "manifesto_exporter_renderings_total",
                "Times that a snapshot was written out as an exposition: at most once a format, however many ask.",
                registry
            )?,
            handshakes: register_int_counter_vec_with_registry!(
                "manifesto_exporter_tls_handshakes_total",
                "TLS handshakes with clients, by result.",
                &["result"],
                registry
            )?,
            web_config_ok: register_int_gauge_with_registry!(
                "manifesto_exporter_web_config_last_read_successful",
                "1 if the web configuration and its files could be used when last read, 0 if the old ones stay in force.",
                registry
            )?,
            web_info: register_gauge_vec_with_registry!(
                "manifesto_exporter_web_info",
                "The URL under which people reach the page, for links to it. Always 1.",
                &["external_url"],
                registry
            )?,
            registry,
        };
        telemetry.web_config_ok.set(1);
        for result in HANDSHAKE_RESULTS {
            telemetry.handshakes.with_label_values(&[*result]);
        }
        for handler in HANDLERS {
            telemetry.requests.with_label_values(&[*handler, "200"]);
            telemetry.durations.with_label_values(&[*handler]);
        }
        for result in ["success", "failure"] {
            telemetry.reloads.with_label_values(&[result]);
        }
        Ok(telemetry)
    }

    /// Counts an answered request.
    pub fn request(&self, handler: &str, status: u16, took: Duration) {
        self.requests
            .with_label_values(&[handler, &status.to_string()])
            .inc();
        self.durations
            .with_label_values(&[handler])
            .observe(took.as_secs_f64());
    }

    /// Counts a connection that was not served.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A configuration took effect; the first load is no reload.
    pub fn loaded(&self, at: SystemTime) {
        self.reload_ok.set(1);
        self.reload_at.set(unix_seconds(at));
    }

    /// A reload ended.
    pub fn reloaded(&self, succeeded: bool, at: SystemTime) {
        self.reloads
            .with_label_values(&[if succeeded { "success" } else { "failure" }])
            .inc();
        if succeeded {
            self.loaded(at);
        } else {
            self.reload_ok.set(0);
        }
    }

    /// Whether `/-/ready` says so.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }

    /// A snapshot was put together.
    pub fn snapshot_built(&self, took: Duration) {
        self.snapshot_seconds.set(took.as_secs_f64());
    }

    /// A snapshot was written out.
    pub fn rendered(&self) {
        self.renderings.inc();
    }

    /// A TLS handshake ended, with one of [`HANDSHAKE_RESULTS`].
    pub fn handshake(&self, result: &'static str) {
        self.handshakes.with_label_values(&[result]).inc();
    }

    /// People reach the page under this URL, without a slash at its end.
    pub fn reached_at(&self, url: &str) {
        self.web_info.with_label_values(&[url]).set(1.0);
    }

    /// The web configuration was read.
    pub fn web_config_read(&self, usable: bool) {
        self.web_config_ok.set(i64::from(usable));
    }

    /// Writes everything, with the end of the exposition.
    pub fn write(
        &self,
        format: Format,
        engine: &EngineSnapshot,
        discovered: &Discovered,
        asked: (&Answers, &SourceStats),
        history: &HistoryStats,
    ) -> Vec<u8> {
        let mut out = Writer::new(format);
        scraping(engine, &mut out);
        sources::discovery(discovered, &mut out);
        sources::evidence(asked.0, &asked.1.totals(), &mut out);
        history::write(history.totals().as_ref(), &mut out);
        for family in self.registry.gather() {
            registered(&family, &mut out);
        }
        out.into_end()
    }
}

/// What the scrape engine counts.
fn scraping(engine: &EngineSnapshot, out: &mut Writer) {
    let mut family = out.family(
        "manifesto_exporter_scrapes_total",
        Kind::Counter,
        "Scrapes of targets that ended, by result: ok, or why the target was down.",
    );
    family.sample(&[("result", "ok")], engine.succeeded as f64);
    for (reason, count) in engine.down {
        family.sample(&[("result", reason.as_str())], count as f64);
    }
    let counters = [
        (
            "manifesto_exporter_scrapes_skipped_total",
            "Due moments without a scrape because the last one of that target had not ended.",
            engine.skipped,
        ),
        (
            "manifesto_exporter_scrape_retries_total",
            "Requests made once more because a kept connection had gone stale.",
            engine.retries,
        ),
        (
            "manifesto_exporter_scrape_panics_total",
            "Scrapes that ended in a defect of ours.",
            engine.panics,
        ),
    ];
    for (name, help, value) in counters {
        out.family(name, Kind::Counter, help)
            .sample(&[], value as f64);
    }
    let gauges = [
        (
            "manifesto_exporter_targets",
            "Targets scheduled.",
            engine.targets,
        ),
        (
            "manifesto_exporter_scrapes_in_flight",
            "Scrapes in flight.",
            engine.in_flight,
        ),
        (
            "manifesto_exporter_scrapes_waiting",
            "Due scrapes that wait for a place in flight.",
            engine.waiting,
        ),
        (
            "manifesto_exporter_scrape_connections",
            "Connections to targets that are open.",
            engine.open_connections,
        ),
    ];
    for (name, help, value) in gauges {
        out.family(name, Kind::Gauge, help)
            .sample(&[], value as f64);
    }
    let mut family = out.family(
        "manifesto_exporter_scrape_lateness_seconds",
        Kind::Histogram,
        "How long after its moment a scrape began.",
    );
    let mut cumulative = 0;
    let uppers = LATENESS_BUCKETS.into_iter().chain([f64::INFINITY]);
    let buckets = uppers.zip(engine.lateness).map(|(upper, count)| {
        cumulative += count;
        (upper, cumulative)
    });
    family.histogram(&[], buckets, engine.lateness_sum.as_secs_f64());
}

/// One family of the registry.
fn registered(family: &MetricFamily, out: &mut Writer) {
    let name = family.name();
    let kind = match family.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::HISTOGRAM => Kind::Histogram,
        _ if name.ends_with("_info") => Kind::Info,
        _ => Kind::Gauge,
    };
    let mut written = out.family(name, kind, family.help());
    for metric in family.get_metric() {
        let labels: Vec<(&str, &str)> = metric
            .get_label()
            .iter()
            .map(|label| (label.name(), label.value()))
            .collect();
        match kind {
            Kind::Counter => written.sample(&labels, metric.get_counter().get_value()),
            Kind::Gauge | Kind::Info => written.sample(&labels, metric.get_gauge().get_value()),
            Kind::Histogram => {
                let histogram = metric.get_histogram();
                let finite = histogram.get_bucket().iter();
                let finite = finite.map(|b| (b.upper_bound(), b.cumulative_count()));
                let finite = finite.filter(|(upper, _)| upper.is_finite());
                let buckets = finite.chain([(f64::INFINITY, histogram.get_sample_count())]);
                written.histogram(&labels, buckets, histogram.get_sample_sum());
            }
        }
    }
}
