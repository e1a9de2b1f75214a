//! The families of the Instrumentation Score.

use super::writer::{Kind, Writer, key};
use crate::checks::scraped::instrumentation::RULES_TOTAL;
use crate::snapshot::Snapshot;

/// The Instrumentation Score of those whose metrics are OpenTelemetry's.
pub(super) fn write(snapshot: &Snapshot, out: &mut Writer) {
    let known = || {
        let services = snapshot.services.iter();
        services.filter_map(|service| Some((service, service.instrumentation.as_ref()?)))
    };
    let mut family = out.family(
        "manifesto_service_instrumentation_score_ratio",
        Kind::Gauge,
        "Instrumentation Score of what an exposition can prove of it, 0 to 1: read it with manifesto_service_instrumentation_rules.",
    );
    for (service, score) in known() {
        family.sample(&key(service), score.ratio());
    }
    let mut family = out.family(
        "manifesto_service_instrumentation_rules",
        Kind::Gauge,
        "Rules of the Instrumentation Score specification: judged here, violated, and in all.",
    );
    for (service, score) in known() {
        let [name, environment] = key(service);
        let counts = [
            ("judged", score.judged),
            ("failed", score.failed.len()),
            ("specified", RULES_TOTAL),
        ];
        for (state, count) in counts {
            family.sample(&[name, environment, ("state", state)], count as f64);
        }
    }
}
