//! Prometheus's regular expressions (RE2) spelled for the `regex` crate.
//!
//! Both share nearly all of their syntax; what differs would change in silence which targets are
//! kept: `\d`, `\w`, `\s` and `\b` are ASCII in RE2, `{` and `[` may be literal, `&&` and `--`
//! are no set operations, `\<` is a plain `<`, and `\Q...\E` quotes.

use std::collections::HashSet;
use std::iter::Peekable;
use std::str::Chars;

use regex_syntax::ast::{Ast, GroupKind, RepetitionKind, RepetitionRange};

/// The expression in the `regex` crate's spelling, or why RE2 would not take it.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut names = HashSet::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, &mut out, Place::Outside)?,
            '[' => class(&mut rest, &mut out)?,
            '{' if !is_repetition(rest.clone()) => out.push_str(r"\{"),
            '(' if rest.peek() == Some(&'?') => group(&mut rest, &mut out, &mut names),
            c => out.push(c),
        }
    }
    check(&out)?;
    Ok(out)
}

/// What RE2 refuses and the crate takes: repetitions of repetitions, counts above 1000, other flags.
fn check(translated: &str) -> Result<(), String> {
    // What is no expression at all is said where it is compiled.
    let Ok(ast) = regex_syntax::ast::parse::Parser::new().parse(translated) else {
        return Ok(());
    };
    check_ast(&ast, REPEATS_MAX)
}

/// How often something may be repeated, repetitions within repetitions multiplied.
const REPEATS_MAX: u32 = 1000;

fn check_ast(ast: &Ast, repeats_max: u32) -> Result<(), String> {
    match ast {
        Ast::Repetition(repetition) => {
            if matches!(*repetition.ast, Ast::Repetition(_)) {
                return Err("a repetition is repeated without a group around it".to_owned());
            }
            let left = match count(&repetition.op.kind) {
                0 | 1 => repeats_max,
                count if count > repeats_max => {
                    return Err(format!(
                        "something is repeated more than {REPEATS_MAX} times"
                    ));
                }
                count => repeats_max / count,
            };
            check_ast(&repetition.ast, left)
        }
        Ast::Group(group) => {
            if let GroupKind::NonCapturing(flags) = &group.kind {
                check_flags(flags)?;
            }
            check_ast(&group.ast, repeats_max)
        }
        Ast::Flags(set) => check_flags(&set.flags),
        Ast::Alternation(all) => all
            .asts
            .iter()
            .try_for_each(|ast| check_ast(ast, repeats_max)),
        Ast::Concat(all) => all
            .asts
            .iter()
            .try_for_each(|ast| check_ast(ast, repeats_max)),
        Ast::Empty(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => Ok(()),
    }
}

/// How often a counted repetition repeats at the most; 0 for `*`, `+` and `?`, which are not counted.
fn count(kind: &RepetitionKind) -> u32 {
    match kind {
        RepetitionKind::Range(
            RepetitionRange::Exactly(count)
            | RepetitionRange::AtLeast(count)
            | RepetitionRange::Bounded(_, count),
        ) => *count,
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => 0,
    }
}

fn check_flags(flags: &regex_syntax::ast::Flags) -> Result<(), String> {
    use regex_syntax::ast::{Flag, FlagsItemKind};
    for item in &flags.items {
        match item.kind {
            FlagsItemKind::Negation
            | FlagsItemKind::Flag(
                Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine | Flag::SwapGreed,
            ) => {}
            // Ours alone: how `\b` is made ASCII.
            FlagsItemKind::Flag(Flag::Unicode) => {}
            FlagsItemKind::Flag(Flag::CRLF | Flag::IgnoreWhitespace) => {
                return Err("a flag is none of `i`, `m`, `s`, `U`".to_owned());
            }
        }
    }
    Ok(())
}

/// A group with a name, which RE2 lets stand twice: the second is numbered alone.
fn group(rest: &mut Peekable<Chars<'_>>, out: &mut String, names: &mut HashSet<String>) {
    let ahead: String = rest.clone().collect();
    let named = ["?P<", "?<"]
        .iter()
        .find_map(|start| ahead.strip_prefix(start));
    let name = named
        .filter(|name| !name.starts_with(['=', '!']))
        .and_then(|name| name.split_once('>'))
        .map(|(name, _)| name.to_owned());
    out.push('(');
    if let Some(name) = name
        && !names.insert(name)
    {
        rest.by_ref().find(|c| *c == '>');
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    InClass,
}

/// What follows a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String, place: Place) -> Result<(), String> {
    let Some(c) = rest.next() else {
        out.push('\\');
        return Ok(());
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
        'A' | 'z' if place == Place::Outside => out.extend(['\\', c]),
        '<' | '>' => out.push(c),
        'Q' if place == Place::Outside => quoted(rest, out),
        'a' | 'f' | 't' | 'n' | 'r' | 'v' => out.extend(['\\', c]),
        // Braces belong to it.
        'p' | 'P' | 'x' => {
            out.extend(['\\', c]);
            if rest.peek() == Some(&'{') {
                for c in rest.by_ref() {
                    out.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
        }
        '0'..='7' => octal(c, rest, out)?,
        c if c.is_ascii_alphanumeric() => return Err(format!("`\\{c}` is no escape")),
        // RE2 takes a backslash before whatever is ASCII and no letter or digit, the crate before some of that.
        c if c.is_ascii() => out.push_str(&regex::escape(&c.to_string())),
        c => return Err(format!("`\\{c}` is no escape")),
    }
    Ok(())
}

/// `\0`, `\12`, `\012`: up to three octal digits; a single one above 0 would be a reference to a group.
fn octal(first: char, rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let mut digits = String::from(first);
    while digits.len() < 3
        && let Some(digit) = rest.next_if(|c| ('0'..='7').contains(c))
    {
        digits.push(digit);
    }
    if digits.len() == 1 && first != '0' {
        return Err(format!(
            "`\\{first}`: references to groups are not supported"
        ));
    }
    let value = u32::from_str_radix(&digits, 8).unwrap_or_default();
    out.push_str(&format!(r"\x{{{value:x}}}"));
    Ok(())
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
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
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
                return Ok(());
            }
            '\\' => escape(rest, out, Place::InClass)?,
            '[' if rest.peek() == Some(&':') => named_class(rest, out),
            '[' => out.push_str(r"\["),
            // The second of a pair would make a set operation.
            '&' | '~' => out.extend(['\\', c]),
            '-' if previous == Some('-') || rest.peek() == Some(&']') => out.push_str(r"\-"),
            c => out.push(c),
        }
        previous = Some(c);
    }
    Ok(())
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
    let ahead: String = rest.collect();
    let Some((inside, _)) = ahead.split_once('}') else {
        return false;
    };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
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
            assert_eq!(translate(re2).unwrap(), ours, "{re2}");
            regex::Regex::new(ours).unwrap();
        }
    }

    #[test]
    fn digits_are_ascii() {
        let regex =
            regex::Regex::new(&format!("^(?s:{})$", translate(r"\d\w\b").unwrap())).unwrap();
        assert!(regex.is_match("1a"));
        assert!(!regex.is_match("١é"));
    }
}
