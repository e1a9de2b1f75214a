//! Numbers as Prometheus reads them: Go's `ParseFloat` without its hexadecimal and underscore forms.

/// Why bytes are no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberError {
    /// Not written as one.
    Syntax,
    /// Beyond the range of a 64-bit float.
    Range,
}

/// Powers of ten that a 64-bit float holds exactly.
const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Digits that always fit the 53 bits of a mantissa.
const EXACT_DIGITS_MAX: usize = 15;

/// Reads a number that spans all of `bytes`.
#[inline]
pub(super) fn parse(bytes: &[u8]) -> Result<f64, NumberError> {
    // A mantissa below 2^53 over an exact power of ten is one correctly rounded division, as good as
    // the general algorithm and several times cheaper. Nearly every value and bound is such.
    let mut mantissa: u64 = 0;
    let mut point = None;
    if bytes.len() <= EXACT_DIGITS_MAX + 1 && !bytes.is_empty() {
        for (at, &byte) in bytes.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                mantissa = mantissa * 10 + u64::from(digit);
            } else if byte == b'.' && point.is_none() {
                point = Some(at);
            } else {
                return parse_any(bytes);
            }
        }
        match point {
            None if bytes.len() <= EXACT_DIGITS_MAX => return Ok(mantissa as f64),
            Some(at) if bytes.len() > 1 => {
                return Ok(mantissa as f64 / POWERS[bytes.len() - 1 - at]);
            }
            _ => {}
        }
    }
    parse_any(bytes)
}

fn parse_any(bytes: &[u8]) -> Result<f64, NumberError> {
    let text = std::str::from_utf8(bytes).map_err(|_| NumberError::Syntax)?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // Rust reads a signed NaN, Go does not.
    if unsigned.len() < text.len() && unsigned.eq_ignore_ascii_case("nan") {
        return Err(NumberError::Syntax);
    }
    let value: f64 = text.parse().map_err(|_| NumberError::Syntax)?;
    if value.is_infinite()
        && unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
    {
        return Err(NumberError::Range);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_those_that_go_reads() {
        for text in [
            "Inf",
            "+inf",
            "-INFINITY",
            "infinity",
            "1.",
            ".5",
            "+.5e3",
            "1e-999",
            "007",
            "1e5",
            "4E+2",
        ] {
            assert!(parse(text.as_bytes()).is_ok(), "{text}");
        }
        assert!(parse(b"nAn").is_ok_and(f64::is_nan));
        for text in [
            "", ".", "+", "-", "e5", "1e", "0x1", "0x1p-3", "1_000", "+nan", "-NaN", "1 ", "1\r",
            "infin", "1.2.3", "0b1", "\u{661}",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(NumberError::Syntax), "{text}");
        }
        for text in ["1e999", "-1e309", &"9".repeat(400)] {
            assert_eq!(parse(text.as_bytes()), Err(NumberError::Range), "{text}");
        }
    }

    proptest! {
        #[test]
        fn short_decimals_are_correctly_rounded(text in "[0-9]{0,12}\\.?[0-9]{0,6}") {
            prop_assert_eq!(parse(text.as_bytes()).ok(), text.parse().ok());
        }
    }
}
