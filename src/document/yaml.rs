//! YAML read with budgets, and its errors said in our words.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, Spanned};

use super::error::{DocumentError, Origin, Position, nearest};

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

/// Reads one document.
pub(crate) fn parse<T: DeserializeOwned>(source: Source<'_>) -> Result<T, DocumentError> {
    let options = serde_saphyr::options! {
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
    };
    let mut path = String::new();
    let parsed = serde_saphyr::with_deserializer_from_str_with_options(
        source.text,
        options,
        |deserializer| {
            serde_path_to_error::deserialize(deserializer).map_err(|error| {
                path = key_path(error.path());
                error.into_inner()
            })
        },
    );
    parsed.map_err(|error| explain(source, &path, &error))
}

/// The keys that lead to a value, without the steps that only our types have.
fn key_path(path: &serde_path_to_error::Path) -> String {
    let mut keys = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => keys.push_str(&format!("[{index}]")),
            // `At` reads its value as a field of this name; no key of ours has it.
            Segment::Map { key } if key == "value" || key.is_empty() => {}
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !keys.is_empty() {
                    keys.push('.');
                }
                keys.push_str(key);
            }
            Segment::Unknown => {}
        }
    }
    keys
}

fn position(location: Location) -> Option<Position> {
    (location.line() > 0).then(|| Position {
        line: location.line(),
        column: location.column(),
    })
}

fn explain(source: Source<'_>, path: &str, error: &Error) -> DocumentError {
    let error = error.without_snippet();
    if let Error::AliasError { error: inner, .. } = error {
        return explain(source, path, inner);
    }
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let (message, hint) = words(error, path);
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
fn words(error: &Error, path: &str) -> (String, Option<String>) {
    let within = |key: &str| {
        let parent = path.strip_suffix(key).unwrap_or(path);
        match parent.trim_end_matches(['.', '?']) {
            "" => String::new(),
            parent => format!(" in `{parent}`"),
        }
    };
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let prometheus = PROMETHEUS_KEYS.contains(&field.as_str()) && within(field).is_empty();
            let hint = prometheus
                .then(|| PROMETHEUS_HINT.to_owned())
                .or_else(|| {
                    nearest(field, expected.iter().copied())
                        .map(|nearest| format!("did you mean `{nearest}`?"))
                })
                .or_else(|| one_of(expected));
            (format!("unknown key `{field}`{}", within(field)), hint)
        }
        Error::SerdeMissingField { field, .. } => {
            (format!("missing key `{field}`{}", within(field)), None)
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("?");
            (format!("duplicate key `{key}`{}", within(key)), None)
        }
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("{}unknown value `{variant}`", prefix(path)),
            one_of(expected),
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
            let message = format!("{}expected {expected}, found {found}", prefix(path));
            (message, None)
        }
        Error::Message { msg, .. } => (format!("{}{msg}", prefix(path)), None),
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => {
            (format!("{}expected a single value", prefix(path)), None)
        }
        Error::Unexpected { expected, .. } => {
            (format!("{}expected {}", prefix(path), kind(expected)), None)
        }
        Error::InvalidScalar { ty, .. } => (format!("{}expected {}", prefix(path), kind(ty)), None),
        Error::NullIntoString { .. } => {
            (format!("{}expected a text, found null", prefix(path)), None)
        }
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

fn prefix(path: &str) -> String {
    match path {
        "" | "." => String::new(),
        path => format!("`{path}`: "),
    }
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
