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
pub struct DocumentError {
    origin: Box<str>,
    position: Option<Position>,
    message: Box<str>,
    line: Option<Box<str>>,
    hint: Option<Box<str>>,
    is_unsupported: bool,
}

impl DocumentError {
    /// An error of the whole file.
    pub(crate) fn of_file(origin: &Origin, message: impl AsRef<str>) -> Self {
        Self {
            origin: origin.name.as_str().into(),
            position: None,
            message: printable(message.as_ref()).into(),
            line: None,
            hint: None,
            is_unsupported: false,
        }
    }

    /// An error at a place of `text`.
    pub(crate) fn at(
        origin: &Origin,
        text: &str,
        position: Position,
        message: impl AsRef<str>,
    ) -> Self {
        let line = usize::try_from(position.line)
            .ok()
            .and_then(|line| shown_line(text, line));
        Self {
            position: Some(position),
            line: line.map(String::into_boxed_str),
            ..Self::of_file(origin, message)
        }
    }

    /// The same without the line around it: any line of the file may hold a secret.
    pub(crate) fn without_line(mut self) -> Self {
        self.line = None;
        self
    }

    /// The same with the line ending at the key that its place points at: what follows a key that
    /// is misspelt may be the password of the one that was meant.
    pub(crate) fn without_value(mut self) -> Self {
        let column = self.position.map_or(0, |at| at.column.saturating_sub(1));
        let at = usize::try_from(column).unwrap_or(usize::MAX);
        self.line = self.line.map(|line| {
            let before: usize = line.chars().take(at).map(char::len_utf8).sum();
            match line[before..].find(':').map(|colon| before + colon + 1) {
                Some(end) if !line[end..].trim().is_empty() => {
                    format!("{} …", &line[..end]).into_boxed_str()
                }
                _ => line,
            }
        });
        self
    }

    /// The same with a hint.
    pub(crate) fn with_hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(printable(hint.as_ref()).into());
        self
    }

    /// The same, of what Prometheus takes and we do not.
    pub(crate) fn into_unsupported(mut self) -> Self {
        self.is_unsupported = true;
        self
    }

    /// Whether Prometheus takes it, and we do not: nothing is wrong with it.
    pub(crate) fn is_unsupported(&self) -> bool {
        self.is_unsupported
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

impl std::error::Error for DocumentError {}

impl fmt::Display for DocumentError {
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

/// A key with one of these words in it has a value that is never shown, not even in the line
/// around another fault.
const SECRET_WORDS: [&str; 8] = [
    "password",
    "secret",
    "credential",
    "token",
    "authorization",
    "basic_auth",
    "proxy_url",
    "key",
];

/// Keys whose values span lines, each of which is a secret.
const SECRET_BLOCKS: [&str; 5] = [
    "password",
    "secret",
    "credentials",
    "bearer_token",
    "proxy_connect_header",
];

/// A line as an error may show it.
fn shown_line(text: &str, number: usize) -> Option<String> {
    let before: Vec<&str> = text.lines().take(number).collect();
    let line = before.get(number.checked_sub(1)?)?;
    if within_secret(&before) {
        return Some(format!("{}<secret>", &line[..indentation(line)]));
    }
    Some(without_secret(line))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// Whether the last of `lines` is part of a value that began on an earlier line and is secret.
fn within_secret(lines: &[&str]) -> bool {
    let Some((line, before)) = lines.split_last() else {
        return false;
    };
    let mut inner = indentation(line);
    for line in before.iter().rev().filter(|line| !line.trim().is_empty()) {
        let outer = indentation(line);
        if outer >= inner {
            continue;
        }
        inner = outer;
        let key = line[outer..].split(':').next().unwrap_or("");
        let inside = SECRET_BLOCKS.iter().any(|word| key.contains(word)) || key == "key";
        if inside {
            return true;
        }
    }
    false
}

/// The line up to the first value that must not be seen.
fn without_secret(line: &str) -> String {
    let secret_key = |colon: usize| {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let start = line[..colon].trim_end_matches(word).len();
        let key = &line[start..colon];
        !key.ends_with("_file")
            && !matches!(key, "token_url" | "key_results")
            && SECRET_WORDS.iter().any(|word| key.contains(word))
    };
    let keys = line
        .match_indices(':')
        .filter(|(colon, _)| secret_key(*colon))
        .map(|(colon, _)| colon + 1);
    let cut = keys.chain(credentials_in_url(line)).min();
    match cut {
        Some(cut) if !line[cut..].trim().is_empty() => format!("{} <secret>", &line[..cut]),
        _ => line.to_owned(),
    }
}

/// Where a URL's user and password begin, or its query.
fn credentials_in_url(line: &str) -> Option<usize> {
    let start = line.find("://")? + 3;
    if line[start..].contains('@') {
        return Some(start);
    }
    line[start..].find('?').map(|query| start + query + 1)
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
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let far = (written.chars().count() / 3).max(1);
    // `refresh` means `refresh_interval`: what was left out counts as one edit.
    let distance = |candidate: &str| match candidate.starts_with(written) && written.len() > 3 {
        true => 1,
        false => strsim::levenshtein(written, candidate),
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}
