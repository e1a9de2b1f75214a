//! For GitHub Actions: workflow commands that become annotations.

use std::collections::BTreeMap;

use super::place::Place;
use super::report::{Report, ReportedVerdict, advice_on};
use crate::checks::Reason;
use crate::snapshot::RuleStatus;

/// Annotations of a level that the runner keeps of one step; it drops the rest without a word
/// (<https://docs.github.com/en/actions/reference/limits>).
const ANNOTATIONS_MAX: usize = 10;

/// The level of an annotation, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    fn as_str(self) -> &'static str {
        self.into()
    }

    /// `None` where there is nothing to say: a step shows few annotations, and a pass needs none.
    fn of(verdict: &ReportedVerdict) -> Option<Self> {
        match (verdict.status, verdict.finding.reason) {
            (RuleStatus::Fail, _) if verdict.is_known => Some(Level::Notice),
            (RuleStatus::Fail, _) => Some(Level::Error),
            (RuleStatus::Unknown | RuleStatus::Waived, _)
            | (RuleStatus::Pass, Reason::ProvenWeakly) => Some(Level::Warning),
            (RuleStatus::Pass | RuleStatus::NotApplicable, _) => None,
        }
    }
}

pub(super) fn write(report: &Report<'_>) -> String {
    let mut annotations: BTreeMap<Level, Vec<String>> = BTreeMap::new();
    for (rule, verdict) in report.judged() {
        let Some(level) = Level::of(verdict) else {
            continue;
        };
        let title = property(&format!(
            "{} {}: {}",
            rule.id,
            rule.title,
            verdict.in_words()
        ));
        let message = match advice_on(rule, verdict) {
            "" => verdict.message(),
            advice => format!("{}\nHow to fix: {advice}", verdict.message()),
        };
        let annotation = format!("::{} title={title}::{}", level.as_str(), data(&message));
        annotations.entry(level).or_default().push(annotation);
    }
    let place = Place::of(report.input);
    for fault in report.faults() {
        let level = match report.fails(fault) {
            true => Level::Error,
            false => Level::Warning,
        };
        let text = format!("{}: {}", fault.severity.as_str(), fault.message);
        let annotation = match place.file() {
            Some(file) => {
                let mut at = format!("file={}", property(&file.to_string_lossy()));
                // 0 stands for no place in particular.
                if fault.line > 0 {
                    at += &format!(",line={}", fault.line);
                }
                if fault.column > 0 {
                    at += &format!(",col={}", fault.column);
                }
                format!("::{} {at}::{}", level.as_str(), data(&text))
            }
            // Of another file, GitHub would show the line of one that has its name.
            None => {
                let at = match fault.line {
                    0 => report.input.to_owned(),
                    line => format!("{}:{line}:{}", report.input, fault.column),
                };
                format!("::{}::{}", level.as_str(), data(&format!("{at}: {text}")))
            }
        };
        annotations.entry(level).or_default().push(annotation);
    }
    for note in report.notes {
        let annotation = format!("::notice title=manifesto-exporter::{}", data(note));
        annotations
            .entry(Level::Notice)
            .or_default()
            .push(annotation);
    }
    annotations
        .into_iter()
        .map(|(level, written)| capped(level, &written))
        .collect()
}

/// The annotations of a level, the last that fits saying how many more there are.
fn capped(level: Level, annotations: &[String]) -> String {
    let shown = match annotations.len() {
        all if all <= ANNOTATIONS_MAX => all,
        _ => ANNOTATIONS_MAX - 1,
    };
    let mut out: String = annotations[..shown]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    let more = annotations.len() - shown;
    if more > 0 {
        out += &format!(
            "::{} title=manifesto-exporter::and {more} more of this level, which GitHub would not show: --output=table lists them\n",
            level.as_str()
        );
    }
    out
}

/// As the runner unescapes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// As the runner unescapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
