//! Names, numbers and quoted strings, the same in both formats.

use super::cursor::Cursor;
use super::{Read, fails};

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`, if such comes next.
pub(super) fn metric_name(at: &mut Cursor<'_>) -> Option<String> {
    word(at, |byte| {
        byte.is_ascii_alphabetic() || b"_:".contains(&byte)
    })
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`, if such comes next.
pub(super) fn label_name(at: &mut Cursor<'_>) -> Option<String> {
    word(at, |byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn word(at: &mut Cursor<'_>, begins: impl Fn(u8) -> bool) -> Option<String> {
    if !at.peek().is_some_and(&begins) {
        return None;
    }
    let bytes = at.take_while(|byte| begins(byte) || byte.is_ascii_digit());
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

/// What stands between two quotes, escapes and all.
pub(super) fn quoted(at: &mut Cursor<'_>, newlines: bool) -> Read<Vec<u8>> {
    at.expect("\"")?;
    let mut inside = Vec::new();
    loop {
        let Some(byte) = at.next() else {
            return fails("a quote is never closed");
        };
        match byte {
            b'"' => return Ok(inside),
            b'\n' if !newlines => return fails("a quote is not closed on its line"),
            b'\\' => match at.next() {
                None | Some(b'\n') => return fails("a backslash at the end of a line"),
                Some(escaped) => inside.extend([byte, escaped]),
            },
            _ => inside.push(byte),
        }
    }
}

/// The text that was meant. A backslash before anything else than these stands for itself.
pub(super) fn unescaped(written: &[u8], quotes: bool) -> Read<String> {
    let mut plain = Vec::new();
    let mut bytes = written.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escaped = match (byte, bytes.peek()) {
            (b'\\', Some(b'\\')) => Some(b'\\'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b'"')) if quotes => Some(b'"'),
            _ => None,
        };
        if escaped.is_some() {
            bytes.next();
        }
        plain.push(escaped.unwrap_or(byte));
    }
    match String::from_utf8(plain) {
        Ok(plain) => Ok(plain),
        Err(_) => fails("this is no UTF-8"),
    }
}

/// A number as Go's `ParseFloat` reads it, but for what Prometheus does not want of that:
/// hexadecimal digits and underscores.
pub(super) fn number(written: &[u8]) -> Read<f64> {
    let Ok(text) = std::str::from_utf8(written) else {
        return fails("this is no number");
    };
    let (sign, size) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match size.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Ok(sign * f64::INFINITY),
        "nan" if size == text => return Ok(f64::NAN),
        _ => {}
    }
    let (digits, exponent) = match size.find(['e', 'E']) {
        Some(e) => (&size[..e], Some(&size[e + 1..])),
        None => (size, None),
    };
    let whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = whole(&digits.replacen('.', "", 1));
    let is_exponent = exponent.is_none_or(|e| whole(e.strip_prefix(['+', '-']).unwrap_or(e)));
    if !is_decimal || !is_exponent {
        return fails(format!("{text:?} is no number"));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => fails(format!("{text:?} is too large")),
    }
}
