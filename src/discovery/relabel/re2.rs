//! Prometheus's regular expressions (RE2) spelled for the `regex` crate.
//!
//! Both share nearly all of their syntax; what differs would change in silence which targets are
//! kept: `\d`, `\w`, `\s` and `\b` are ASCII in RE2, `{` and `[` may be literal, `&&` and `--`
//! are no set operations, `\<` is a plain `<`, and `\Q...\E` quotes.

use std::iter::Peekable;
use std::str::Chars;

/// The expression in the `regex` crate's spelling. An invalid one stays invalid.
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, &mut out, Place::Outside),
            '[' => class(&mut rest, &mut out),
            '{' if !is_repetition(rest.clone()) => out.push_str(r"\{"),
            c => out.push(c),
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    InClass,
}

/// What follows a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String, place: Place) {
    let Some(c) = rest.next() else {
        out.push('\\');
        return;
    };
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str(r"[\t\n\f\r ]"),
        'S' => out.push_str(r"[^\t\n\f\r ]"),
        'b' if place == Place::Outside => out.push_str(r"(?-u:\b)"),
        'B' if place == Place::Outside => out.push_str(r"(?-u:\B)"),
        '<' | '>' => out.push(c),
        'Q' => quoted(rest, out),
        c => out.extend(['\\', c]),
    }
}

/// `\Q...\E`.
fn quoted(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut literal = String::new();
    while let Some(c) = rest.next() {
        if c == '\\' && rest.peek() == Some(&'E') {
            rest.next();
            break;
        }
        literal.push(c);
    }
    out.push_str(&regex::escape(&literal));
}

/// A bracket expression, its `[` already read.
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // A `]` in first place is literal.
    if rest.next_if_eq(&']').is_some() {
        out.push_str(r"\]");
    }
    let mut previous = None;
    while let Some(c) = rest.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => escape(rest, out, Place::InClass),
            '[' if rest.peek() == Some(&':') => named_class(rest, out),
            '[' => out.push_str(r"\["),
            // The second of a pair would make a set operation.
            '&' | '~' => out.extend(['\\', c]),
            '-' if previous == Some('-') || rest.peek() == Some(&']') => out.push_str(r"\-"),
            c => out.push(c),
        }
        previous = Some(c);
    }
}

/// `[:alpha:]` inside a bracket expression, its `[` already read.
fn named_class(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    for c in rest.by_ref() {
        out.push(c);
        if c == ']' {
            return;
        }
    }
}

/// Whether what follows a `{` makes it a repetition: `3}`, `3,}`, `3,5}`.
fn is_repetition(rest: Peekable<Chars<'_>>) -> bool {
    let inside: String = rest.take_while(|c| *c != '}').collect();
    let (low, high) = inside.split_once(',').unwrap_or((&inside, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_changed() {
        for (re2, ours) in [
            ("(.*)", "(.*)"),
            (r"\d+", "[0-9]+"),
            (r"[\w.-]+", r"[[0-9A-Za-z_].\-]+"),
            ("a{2,3}b{1}", "a{2,3}b{1}"),
            ("{{a}}", r"\{\{a}}"),
            ("[[a]", r"[\[a]"),
            ("[[:alpha:]_]", "[[:alpha:]_]"),
            ("[a&&b]", r"[a\&\&b]"),
            ("[]a]", r"[\]a]"),
            ("[^]a]", r"[^\]a]"),
            (r"\Qa.b\E.", r"a\.b."),
            (r"\<a\>", "<a>"),
            (r"(?i)a\.b", r"(?i)a\.b"),
        ] {
            assert_eq!(translate(re2), ours, "{re2}");
            regex::Regex::new(ours).unwrap();
        }
    }

    #[test]
    fn digits_are_ascii() {
        let regex = regex::Regex::new(&format!("^(?s:{})$", translate(r"\d\w\b"))).unwrap();
        assert!(regex.is_match("1a"));
        assert!(!regex.is_match("١é"));
    }
}
