//! YAML read with budgets, and its errors said in our words.

use std::cell::RefCell;

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

/// A value that was written in no such text.
pub(crate) fn unplaced<T>(value: T) -> At<T> {
    Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
}

/// The text being read, for errors that are found after parsing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) text: &'a str,
    warnings: Option<&'a Warnings>,
}

/// What was accepted and does not mean what it seems to, a sentence each with its place.
#[derive(Debug, Default)]
pub(crate) struct Warnings(RefCell<Vec<String>>);

impl Warnings {
    /// The sentences.
    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0.into_inner()
    }

    /// Adds a sentence.
    pub(crate) fn push(&self, warning: String) {
        self.0.borrow_mut().push(warning);
    }
}

impl<'a> Source<'a> {
    /// A text of which nothing is accepted with a warning.
    pub(crate) fn new(origin: &'a Origin, text: &'a str) -> Self {
        Self {
            origin,
            text,
            warnings: None,
        }
    }

    /// The same, warnings going there.
    pub(crate) fn with_warnings(self, warnings: &'a Warnings) -> Self {
        Self {
            warnings: Some(warnings),
            ..self
        }
    }

    /// Another text, its warnings going where this one's go.
    pub(crate) fn beside<'b>(self, origin: &'b Origin, text: &'b str) -> Source<'b>
    where
        'a: 'b,
    {
        Source {
            origin,
            text,
            warnings: self.warnings,
        }
    }

    /// Says of what stands at `location` that it does not mean what it seems to.
    pub(crate) fn warn(&self, location: Location, message: &str) {
        if let Some(warnings) = self.warnings {
            let name = &self.origin.name;
            warnings.push(match position(location) {
                Some(at) => format!("{name}:{}:{}: {message}", at.line, at.column),
                None => format!("{name}: {message}"),
            });
        }
    }

    /// What is right in a Prometheus configuration and not supported here: in our own file an error, in one
    /// that we are pointed at the job is skipped.
    pub(crate) fn unsupported(
        &self,
        location: Location,
        message: impl AsRef<str>,
    ) -> DocumentError {
        self.error(location, message).into_unsupported()
    }

    /// The scalar that is written at `location`, with its quotes if it has any.
    pub(crate) fn scalar_at(&self, location: Location) -> Option<&'a str> {
        let at = position(location)?;
        let line = self
            .text
            .lines()
            .nth(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let start = line.char_indices().nth(column)?.0;
        let rest = &line[start..];
        let end = match rest.chars().next()? {
            quote @ ('"' | '\'') => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
            _ => rest.find([',', '}', ']', '#']).unwrap_or(rest.len()),
        };
        Some(rest[..end].trim())
    }

    /// A boolean as Prometheus's YAML spells it: `yes` and `On` are some, `tRUE` and `'true'` are none.
    pub(crate) fn boolean(&self, written: &At<bool>) -> Result<bool, DocumentError> {
        let value = self.unquoted(written, "`true` or `false`")?;
        let scalar = self.scalar_at(written.referenced).unwrap_or_default();
        let capitalised = |c: char| c.is_ascii_uppercase();
        let is_mixed = scalar.chars().skip(1).any(capitalised) && !scalar.chars().all(capitalised);
        match is_mixed {
            true => {
                let message = format!("expected `true` or `false`, found `{scalar}`");
                Err(self.error(written.referenced, message))
            }
            false => Ok(value),
        }
    }

    /// Refuses a number or boolean in quotes, which is a text: Prometheus refuses it too.
    pub(crate) fn unquoted<T: Copy>(
        &self,
        written: &At<T>,
        what: &str,
    ) -> Result<T, DocumentError> {
        let scalar = self.scalar_at(written.referenced).unwrap_or_default();
        match scalar.starts_with(['"', '\'']) {
            true => {
                let message = format!("expected {what}, found the text {scalar}");
                let error = self.error(written.referenced, message);
                Err(error.with_hint("leave the quotes out"))
            }
            false => Ok(written.value),
        }
    }
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

/// Reads the first document, as Prometheus does, and says so where there are more.
pub(crate) fn parse_first<T: DeserializeOwned>(source: Source<'_>) -> Result<T, DocumentError> {
    match serde_saphyr::from_str_with_options(source.text, options()) {
        Err(error) if is_another_document(&error) => {
            let at = error.location().unwrap_or(Location::UNKNOWN);
            source.warn(
                at,
                "only the first document of a file counts, this is another",
            );
            parse(Source {
                text: first_document(source.text),
                ..source
            })
        }
        parsed => parsed.map_err(|error| explain(source, &error)),
    }
}

fn is_another_document(error: &Error) -> bool {
    matches!(error.without_snippet(), Error::MultipleDocuments { .. })
}

/// The text up to the marker that ends the first document: `---` begins it, where only comments and directives stand
/// before.
fn first_document(text: &str) -> &str {
    let (mut start, mut has_begun) = (0, false);
    for line in text.split_inclusive('\n') {
        let behind = ["---", "..."]
            .iter()
            .find_map(|mark| line.strip_prefix(mark));
        let is_marker = behind.is_some_and(|rest| rest.trim_start() != rest || rest.is_empty());
        if is_marker && has_begun {
            return &text[..start];
        }
        let is_nothing = line.trim().is_empty() || line.trim_start().starts_with(['#', '%']);
        has_begun |= !is_nothing;
        start += line.len();
    }
    text
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
        Error::MultipleDocuments { .. } => (
            "another document begins here, one is expected".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::first_document;

    #[test]
    fn the_first_document_ends_at_the_next_marker() {
        for (text, first) in [
            ("a: 1\n---\nb: 2\n", "a: 1\n"),
            ("# c\n---\na: 1\n---\nb: 2\n", "# c\n---\na: 1\n"),
            ("# c\n---\na: 1\n...\nb: 2\n", "# c\n---\na: 1\n"),
            (
                "%YAML 1.2\n--- # d\na: 1\n--- # e\nb: 2",
                "%YAML 1.2\n--- # d\na: 1\n",
            ),
            ("---\n---\nb: 2\n", "---\n"),
            ("--- {a: 1}\n---\nb: 2", "--- {a: 1}\n"),
            ("a:\n- ---x\n----\n", "a:\n- ---x\n----\n"),
            ("", ""),
        ] {
            assert_eq!(first_document(text), first, "{text:?}");
        }
    }
}
