//! YAML read with budgets, and its errors said in our words.

use serde::de::DeserializeOwned;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, Options, Spanned};

use super::error::{DocumentError, Origin, Position, nearest};
use super::key_path::key_path;

/// Bytes of a configuration file.
pub(crate) const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Nodes of a document: room for a file of the size allowed, an eighth of it structure.
const NODES_MAX: usize = 2_000_000;
/// Nodes that aliases may expand to.
const ALIAS_EVENTS_MAX: usize = 250_000;
/// How deep a document may nest.
const DEPTH_MAX: usize = 64;

/// Top-level keys of Prometheus that have no place in ours.
const PROMETHEUS_KEYS: [&str; 8] = [
    "alerting",
    "otlp",
    "remote_read",
    "remote_write",
    "rule_files",
    "runtime",
    "storage",
    "tracing",
];
const PROMETHEUS_HINT: &str =
    "a Prometheus configuration is read when named under `scrape_config_files`";

/// Names that a hint lists at most.
const LISTED_MAX: usize = 12;

/// A value with the place it was written at.
pub(crate) type At<T> = Spanned<T>;

/// The text being read, for errors that are found after parsing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// An error at `location`.
    pub(crate) fn error(&self, location: Location, message: impl AsRef<str>) -> DocumentError {
        match position(location) {
            Some(position) => DocumentError::at(self.origin, self.text, position, message),
            None => DocumentError::of_file(self.origin, message),
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: NODES_MAX,
            max_events: 2 * NODES_MAX,
            max_depth: DEPTH_MAX,
            max_recorded_anchor_events: ALIAS_EVENTS_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIAS_EVENTS_MAX,
        },
        with_snippet: false,
    }
}

/// Reads one document.
pub(crate) fn parse<T: DeserializeOwned>(source: Source<'_>) -> Result<T, DocumentError> {
    let parsed = serde_saphyr::from_str_with_options(source.text, options());
    parsed.map_err(|error| explain(source, &error))
}

fn position(location: Location) -> Option<Position> {
    (location.line() > 0).then(|| Position {
        line: location.line(),
        column: location.column(),
    })
}

fn explain(source: Source<'_>, error: &Error) -> DocumentError {
    let error = error.without_snippet();
    if let Error::AliasError { error: inner, .. } = error {
        return explain(source, inner);
    }
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let (message, hint) = words(source.text, location, error);
    let explained = source.error(location, message);
    let explained = match error {
        Error::SerdeUnknownField { .. } => explained.without_value(),
        _ => explained,
    };
    match hint {
        Some(hint) => explained.with_hint(hint),
        None => explained,
    }
}

/// What is wrong, and what to do about it.
fn words(text: &str, at: Location, error: &Error) -> (String, Option<String>) {
    let within = || match key_path(text, options(), at).as_str() {
        "" => String::new(),
        parent => format!(" in `{parent}`"),
    };
    let prefix = || match key_path(text, options(), at).as_str() {
        "" => String::new(),
        path => format!("`{path}`: "),
    };
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let prometheus = PROMETHEUS_KEYS.contains(&field.as_str()) && within().is_empty();
            let hint = prometheus
                .then(|| PROMETHEUS_HINT.to_owned())
                .or_else(|| meant(field, expected))
                .or_else(|| one_of(expected));
            (format!("unknown key `{field}`{}", within()), hint)
        }
        Error::SerdeMissingField { field, .. } => {
            (format!("missing key `{field}`{}", within()), None)
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("?");
            (format!("duplicate key `{key}`{}", within()), None)
        }
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("{}unknown value `{variant}`", prefix()),
            one_of(expected).or_else(|| meant(variant, expected)),
        ),
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => {
            // The kind only: the value may be a secret.
            let found = unexpected.split(['"', '`']).next().unwrap_or("").trim();
            let message = format!("{}expected {expected}, found {found}", prefix());
            (message, None)
        }
        Error::Message { msg, .. } => (format!("{}{msg}", prefix()), None),
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => {
            (format!("{}expected a single value", prefix()), None)
        }
        Error::Unexpected { expected, .. } => {
            (format!("{}expected {}", prefix(), kind(expected)), None)
        }
        Error::InvalidScalar { ty, .. } => (format!("{}expected {}", prefix(), kind(ty)), None),
        Error::NullIntoString { .. } => (format!("{}expected a text, found null", prefix()), None),
        Error::Budget { breach, .. } => (budget(breach), None),
        Error::AliasReplayLimitExceeded { .. } => (
            format!("aliases expand to more than {ALIAS_EVENTS_MAX} nodes"),
            None,
        ),
        other => (plain(other), None),
    }
}

/// What a parser's word means to who writes YAML.
fn kind(expected: &str) -> &str {
    match expected {
        "mapping start" => "a mapping",
        "sequence start" => "a list",
        "boolean" => "`true` or `false`",
        "string scalar" | "scalar" => "a single value",
        "u16" | "u32" | "u64" | "usize" => "a number of at least 0",
        "f64" => "a number",
        other => other,
    }
}

fn meant(written: &str, expected: &[&str]) -> Option<String> {
    let nearest = nearest(written, expected.iter().copied())?;
    Some(format!("did you mean `{nearest}`?"))
}

fn one_of(expected: &[&str]) -> Option<String> {
    let listed: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
    (!listed.is_empty() && listed.len() <= LISTED_MAX)
        .then(|| format!("one of {}", listed.join(", ")))
}

fn budget(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => format!("nested deeper than {DEPTH_MAX} levels"),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => {
            format!("more than {NODES_MAX} nodes")
        }
        BudgetBreach::Aliases { aliases } => format!("too many aliases: {aliases}"),
        BudgetBreach::AliasAnchorRatio { aliases, anchors } => {
            format!("too many aliases for {anchors} anchors: {aliases}")
        }
        BudgetBreach::RecordedAnchorEvents { .. } | BudgetBreach::RecordedAnchorBytes { .. } => {
            "aliases within anchors multiply past the limits of a configuration".to_owned()
        }
        _ => "larger than the limits of a configuration".to_owned(),
    }
}

/// The parser's own words, in our form: first letter small, no place, no full stop.
fn plain(error: &Error) -> String {
    use serde_saphyr::{MessageFormatter, UserMessageFormatter};
    let message = UserMessageFormatter.format_message(error).into_owned();
    let message = message.trim_end_matches('.');
    let mut characters = message.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => "not YAML".to_owned(),
    }
}
