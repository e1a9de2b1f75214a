//! One case: what is written down, what servers answer, what is found.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::calendar::FiscalCalendar;
use manifesto_exporter::catalogue::{Catalogue, Records};
use manifesto_exporter::checks::{Finding, Reason};
use manifesto_exporter::config::Config;
use manifesto_exporter::document::Origin;
use manifesto_exporter::snapshot::{Ruleset, ServiceVerdict, Snapshot, TargetState};
use manifesto_exporter::sources::ask_once;
use serde_json::{Value, json};

use crate::states::target;

/// The environment of every case.
pub(super) const ENVIRONMENT: &str = "production";

/// Puts moments in the place of words such as `@day-9`, and the server's address in that of `@server`.
pub(super) fn timed(value: &Value, now: Timestamp, server: &str) -> Value {
    match value {
        Value::String(text) => {
            moment(text, now).unwrap_or_else(|| json!(text.replace("@server", server)))
        }
        Value::Array(values) => values
            .iter()
            .map(|value| timed(value, now, server))
            .collect(),
        Value::Object(fields) => {
            let timed = fields
                .iter()
                .map(|(key, value)| (key.clone(), timed(value, now, server)));
            Value::Object(timed.collect())
        }
        other => other.clone(),
    }
}

fn moment(text: &str, now: Timestamp) -> Option<Value> {
    let day = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
    if text == "@quarter" {
        return Some(json!(
            FiscalCalendar::default().quarter_of(day(now)).unwrap().name
        ));
    }
    let rest = text.strip_prefix('@')?;
    let at = rest.find(['-', '+'])?;
    let days: i64 = rest[at..].trim_end_matches('d').parse().ok()?;
    let then = now + SignedDuration::from_hours(24 * days);
    match &rest[..at] {
        "day" => Some(json!(day(then).to_string())),
        "ms" => Some(json!(then.as_millisecond())),
        "iso" => Some(json!(then.to_string())),
        "http" => {
            let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
            Some(json!(printer.timestamp_to_rfc9110_string(&then).unwrap()))
        }
        _ => None,
    }
}

/// A service as discovery finds it, its metrics not looked at.
fn unscraped(name: &str, ruleset: &Ruleset) -> Arc<TargetState> {
    let unknown = ruleset.all(&Finding::unknown(Reason::NotScrapedYet, "not scraped"));
    let target = target(name, name, ENVIRONMENT);
    Arc::new(TargetState::new(
        Arc::new(target),
        unknown.verdicts,
        unknown.series,
    ))
}

/// What a configuration makes of services, at a moment.
pub(super) struct Judge {
    pub(super) config: Config,
    pub(super) ruleset: Arc<Ruleset>,
}

impl Judge {
    /// Reads a configuration and the files that it names, relative to a folder.
    pub(super) fn new(folder: &Path, config: &str) -> Self {
        let path = folder.join("config.yaml");
        std::fs::write(&path, config).unwrap();
        let config = Config::parse(config, &Origin::file(&path)).unwrap_or_else(|e| panic!("{e}"));
        let catalogue = Catalogue::load(&config.catalogue).unwrap_or_else(|e| panic!("{e}"));
        let records =
            Records::load(&config.records, &config.calendar).unwrap_or_else(|e| panic!("{e}"));
        let ruleset = Arc::new(config.ruleset(catalogue, records).unwrap());
        Self { config, ruleset }
    }

    /// Asks every source once, and judges these services and the estate.
    pub(super) async fn judge(&self, services: &[&str]) -> Snapshot {
        let answers = Arc::new(ask_once(&self.config.evidence_plan(&self.ruleset, None)).await);
        let states = services.iter().map(|name| unscraped(name, &self.ruleset));
        Snapshot::of(SystemTime::now(), &self.ruleset, &answers, states.collect())
    }

    /// The same at a later moment, sources not asked.
    pub(super) fn later(&self, before: &Snapshot, at: SystemTime) -> Snapshot {
        let answers = Arc::clone(&before.answers);
        Snapshot::after(before, at, &self.ruleset, &answers, before.targets.clone())
    }
}

/// The verdict of a rule, for a service or (`""`) the estate.
pub(super) fn verdict<'a>(snapshot: &'a Snapshot, service: &str, rule: &str) -> &'a ServiceVerdict {
    let verdicts = match service {
        "" => &snapshot.estate.verdicts,
        name => {
            let mut services = snapshot.services.iter();
            &services
                .find(|known| known.key.name == name)
                .unwrap()
                .verdicts
        }
    };
    let mut verdicts = verdicts.iter();
    verdicts
        .find(|verdict| snapshot.rule(verdict).id.to_string() == rule)
        .unwrap_or_else(|| panic!("{service:?} is not judged by {rule}"))
}

/// Status and reason, as cases write them.
pub(super) fn shown(verdict: &ServiceVerdict) -> String {
    format!(
        "{} {}",
        verdict.status.as_str(),
        verdict.finding.reason.as_str()
    )
}

/// Writes a file of records, JSON being YAML.
pub(super) fn write(folder: &Path, name: &str, value: &Value) {
    std::fs::write(folder.join(name), value.to_string()).unwrap();
}

/// A map of JSON.
pub(super) type Fields = BTreeMap<String, Value>;
