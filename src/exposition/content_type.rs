//! Which format a body is in.

use super::format::Format;

/// Why a Content-Type names no format that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeError {
    /// There was none, and no fallback.
    #[error("no Content-Type, and no fallback_scrape_protocol for the target")]
    Missing,
    /// It is well formed and names something else.
    #[error("unsupported Content-Type {0:?}")]
    Unsupported(String),
    /// It is not well formed.
    #[error("malformed Content-Type {0:?}")]
    Invalid(String),
}

/// Bytes of a header quoted in an error.
const QUOTED_BYTES_MAX: usize = 120;

impl Format {
    /// The format that a Content-Type names, as Prometheus 3 decides it: the media type alone counts,
    /// but the whole header must be well formed. The fallback serves headers that are missing, malformed or unknown.
    pub fn from_content_type(
        header: Option<&str>,
        fallback: Option<Format>,
    ) -> Result<Format, ContentTypeError> {
        let header = header.unwrap_or_default();
        let error = if header.is_empty() {
            ContentTypeError::Missing
        } else {
            let media = media_type(header);
            let is = |known: &str| media.is_some_and(|media| media.eq_ignore_ascii_case(known));
            if is("text/plain") {
                return Ok(Format::Text);
            }
            if is("application/openmetrics-text") {
                return Ok(Format::OpenMetrics);
            }
            if is("application/vnd.google.protobuf") {
                // Prometheus would read it as such, and so uses no fallback.
                return Err(ContentTypeError::Unsupported(quoted(header)));
            }
            match media {
                Some(_) => ContentTypeError::Unsupported(quoted(header)),
                None => ContentTypeError::Invalid(quoted(header)),
            }
        };
        fallback.ok_or(error)
    }

    /// The format of a body without a header, such as a file: only OpenMetrics has a line that begins with `# EOF`.
    pub fn detect(bytes: &[u8]) -> Format {
        let at_line_start = |at: usize| at == 0 || bytes[at - 1] == b'\n';
        if memchr::memmem::find_iter(bytes, b"# EOF").any(at_line_start) {
            Format::OpenMetrics
        } else {
            Format::Text
        }
    }
}

fn quoted(header: &str) -> String {
    header[..header.floor_char_boundary(QUOTED_BYTES_MAX)].to_owned()
}

/// The media type, if the whole header is well formed (RFC 2045 parameters, none repeated).
fn media_type(header: &str) -> Option<&str> {
    let (media, mut rest) = header.split_at(header.find(';').unwrap_or(header.len()));
    let media = media.trim();
    let well_formed = match media.split_once('/') {
        Some((kind, subtype)) => is_token(kind) && is_token(subtype),
        None => is_token(media),
    };
    if !well_formed {
        return None;
    }
    let mut seen: Vec<&str> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest.trim() == ";" {
            return Some(media);
        }
        let (name, after) = rest.strip_prefix(';')?.trim_start().split_once('=')?;
        let name = name.trim_end();
        if !is_token(name) || seen.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return None;
        }
        seen.push(name);
        rest = after_value(after.trim_start())?;
    }
}

/// What follows a parameter's value, a token or a quoted string.
fn after_value(text: &str) -> Option<&str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text
            .bytes()
            .position(|byte| !is_token_byte(byte))
            .unwrap_or(text.len());
        return (end > 0).then(|| &text[end..]);
    };
    let mut escaped = false;
    for (at, character) in quoted.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(&quoted[at + 1..]),
            '\r' | '\n' => return None,
            _ => {}
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_as_prometheus_reads_them() {
        let open = Ok(Format::OpenMetrics);
        let text = Ok(Format::Text);
        let unsupported = |h: &str| Err(ContentTypeError::Unsupported(h.to_owned()));
        let invalid = |h: &str| Err(ContentTypeError::Invalid(h.to_owned()));
        for (header, expected) in [
            ("text/plain", text.clone()),
            ("text/plain; version=0.0.4; charset=utf-8", text.clone()),
            (
                "Text/Plain;charset=\"utf-8\"; escaping=underscores ;",
                text.clone(),
            ),
            (
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                open.clone(),
            ),
            ("application/openmetrics-text", open),
            (
                "text/html; charset=utf-8",
                unsupported("text/html; charset=utf-8"),
            ),
            ("text", unsupported("text")),
            ("text/plain; charset", invalid("text/plain; charset")),
            ("text/plain; a=1; A=2", invalid("text/plain; a=1; A=2")),
            ("text/plain; a=", invalid("text/plain; a=")),
            (
                "text/plain charset=utf-8",
                invalid("text/plain charset=utf-8"),
            ),
            ("text/", invalid("text/")),
            ("; charset=utf-8", invalid("; charset=utf-8")),
            ("", Err(ContentTypeError::Missing)),
        ] {
            assert_eq!(
                Format::from_content_type(Some(header), None),
                expected,
                "{header:?}"
            );
            let with_fallback = Format::from_content_type(Some(header), Some(Format::Text));
            assert_eq!(with_fallback, expected.or(text.clone()), "{header:?}");
        }
        let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily";
        assert_eq!(
            Format::from_content_type(Some(protobuf), Some(Format::Text)),
            unsupported(protobuf)
        );
        assert_eq!(
            Format::from_content_type(None, None),
            Err(ContentTypeError::Missing)
        );
    }

    #[test]
    fn the_end_marker_tells_openmetrics() {
        assert_eq!(Format::detect(b"a 1\n# EOF\n"), Format::OpenMetrics);
        assert_eq!(Format::detect(b"# EOF"), Format::OpenMetrics);
        assert_eq!(Format::detect(b"a 1\n# HELP a # EOF\n"), Format::Text);
        assert_eq!(Format::detect(b""), Format::Text);
    }
}
