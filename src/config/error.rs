//! What is wrong with a configuration, where, and what to write instead.

use std::fmt;
use std::path::{Path, PathBuf};

/// Characters of a line shown around the fault.
const SNIPPET_CHARS_MAX: usize = 120;

/// Where a configuration came from: its name in messages, and the folder of its relative paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// As messages show it.
    pub name: String,
    /// What paths in it are relative to.
    pub folder: PathBuf,
}

impl Origin {
    /// A file.
    pub fn file(path: &Path) -> Self {
        Self {
            name: path.display().to_string(),
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
        }
    }

    /// The configuration that the binary carries.
    pub fn embedded() -> Self {
        Self {
            name: "embedded config.yaml".to_owned(),
            folder: PathBuf::new(),
        }
    }
}

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

/// A configuration that cannot be used. `Display` is the whole message: place, what is wrong,
/// the line with a caret, and a hint where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    origin: String,
    position: Option<Position>,
    message: String,
    line: Option<String>,
    hint: Option<String>,
}

impl ConfigError {
    /// An error of the whole file.
    pub(crate) fn of_file(origin: &Origin, message: impl AsRef<str>) -> Self {
        Self {
            origin: origin.name.clone(),
            position: None,
            message: printable(message.as_ref()),
            line: None,
            hint: None,
        }
    }

    /// An error at a place of `text`.
    pub(super) fn at(
        origin: &Origin,
        text: &str,
        position: Position,
        message: impl AsRef<str>,
    ) -> Self {
        let line = usize::try_from(position.line)
            .ok()
            .and_then(|line| text.lines().nth(line.checked_sub(1)?))
            .map(without_secret);
        Self {
            position: Some(position),
            line,
            ..Self::of_file(origin, message)
        }
    }

    /// The same without the line around it: any line of the file may hold a secret.
    pub(crate) fn without_line(mut self) -> Self {
        self.line = None;
        self
    }

    /// The same with a hint.
    pub(crate) fn with_hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(printable(hint.as_ref()));
        self
    }

    /// What is wrong, without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, if it is one place.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.origin)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)?;
        if let (Some(position), Some(line)) = (self.position, &self.line) {
            snippet(f, position, line)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

fn snippet(f: &mut fmt::Formatter<'_>, position: Position, line: &str) -> fmt::Result {
    let characters: Vec<char> = line.chars().collect();
    let column = usize::try_from(position.column)
        .unwrap_or(1)
        .saturating_sub(1)
        .min(characters.len());
    let from = column.saturating_sub(SNIPPET_CHARS_MAX / 2);
    let to = characters.len().min(from + SNIPPET_CHARS_MAX);
    let shown: String = characters[from..to].iter().map(|c| inert(*c)).collect();
    let gutter = " ".repeat(position.line.to_string().len());
    let carets = characters[column..to]
        .iter()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .count()
        .max(1);
    write!(
        f,
        "\n{gutter} |\n{} | {shown}\n{gutter} | {}{}",
        position.line,
        " ".repeat(column - from),
        "^".repeat(carets)
    )
}

/// Keys whose values are never shown, not even in the line around another fault.
const SECRET_KEYS: [&str; 9] = [
    "password:",
    "secret:",
    "secrets:",
    "credentials:",
    "bearer_token:",
    "authorization:",
    "basic_auth:",
    "proxy_url:",
    "key:",
];

/// The line up to the first value that must not be seen.
fn without_secret(line: &str) -> String {
    let cut = SECRET_KEYS
        .iter()
        .filter_map(|key| line.find(key).map(|at| at + key.len()))
        // The credentials of a URL.
        .chain(
            line.find("://")
                .filter(|at| line[*at..].contains('@'))
                .map(|at| at + 3),
        )
        .min();
    match cut {
        Some(cut) if !line[cut..].trim().is_empty() => format!("{} <secret>", &line[..cut]),
        _ => line.to_owned(),
    }
}

/// Control characters made visible: a configuration must not drive the reader's terminal.
fn printable(text: &str) -> String {
    text.chars().map(inert).collect()
}

fn inert(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// The candidate nearest to what was written, if it is near enough to be meant.
pub(super) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let far = (written.chars().count() / 3).max(1);
    // `refresh` means `refresh_interval`: what was left out counts as one edit.
    let distance = |candidate: &str| match candidate.starts_with(written) && written.len() > 3 {
        true => 1,
        false => edits(written, candidate),
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many insertions, deletions and substitutions lead from `a` to `b`.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
