//! Replacement templates, with the rules of Go's `Regexp.Expand`.

use regex::Captures;

/// A text with `$1`, `${1}`, `${name}` and `$$` in it.
///
/// In `$name`, the name is taken as long as possible: `$1x` is `${1x}`, not `${1}x`. A group that
/// does not exist is empty. A `$` that starts nothing valid stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    written: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Index(usize),
    Name(String),
}

impl Template {
    /// Reads a template. Every text is one.
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(tail) = after.strip_prefix('$') {
                literal.push('$');
                rest = tail;
            } else if let Some((name, tail)) = variable(after) {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(group(name));
                rest = tail;
            } else {
                literal.push('$');
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self {
            written: text.to_owned(),
            pieces,
        }
    }

    /// The text with the groups of a match put in.
    pub(super) fn expand(&self, captures: &Captures<'_>) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            let group = match piece {
                Piece::Literal(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Index(index) => captures.get(*index),
                Piece::Name(name) => captures.name(name),
            };
            out.push_str(group.map_or("", |group| group.as_str()));
        }
        out
    }
}

/// The variable's name after a `$`, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (body, braced) = match text.strip_prefix('{') {
        Some(body) => (body, true),
        None => (text, false),
    };
    let end = body
        .find(|c: char| c != '_' && !c.is_alphanumeric())
        .unwrap_or(body.len());
    let (name, tail) = body.split_at(end);
    if name.is_empty() {
        return None;
    }
    match braced {
        true => tail.strip_prefix('}').map(|tail| (name, tail)),
        false => Some((name, tail)),
    }
}

fn group(name: &str) -> Piece {
    let leading_zero = name.len() > 1 && name.starts_with('0');
    match name.parse() {
        Ok(index) if !leading_zero => Piece::Index(index),
        _ => Piece::Name(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_expands() {
        let regex = regex::Regex::new("^(?s:(?P<first>[a-z]+)-([a-z]+)-?(z)?)$").unwrap();
        let captures = regex.captures("ab-cd").unwrap();
        for (template, expanded) in [
            ("$1", "ab"),
            ("${2}$1", "cdab"),
            ("$first", "ab"),
            ("${first}x", "abx"),
            ("$1x", ""),
            ("$1_$2", "cd"),
            ("${1}_$2", "ab_cd"),
            ("$3|$4|$none", "||"),
            ("$0", "ab-cd"),
            ("$01", ""),
            ("$$1", "$1"),
            ("a$", "a$"),
            ("a$-b", "a$-b"),
            ("${1", "${1"),
            ("${}", "${}"),
            ("${a-b}", "${a-b}"),
            ("", ""),
        ] {
            assert_eq!(
                Template::new(template).expand(&captures),
                expanded,
                "{template}"
            );
        }
    }
}
