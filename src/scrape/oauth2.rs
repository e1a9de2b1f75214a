//! Tokens of the oauth2 client credentials grant.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::error::{ScrapeError, ScrapeErrorKind};
use crate::document::secret::Secret;

/// Bytes of a token server's answer.
pub(super) const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A token is renewed this long before it expires, so that it does not expire on its way.
const EARLY: Duration = Duration::from_secs(10);

/// A token of which nothing says when it expires.
const LIFETIME_UNSAID: Duration = Duration::from_secs(60 * 60);

/// A token and until when it is used.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// `Bearer` and the token: the header's value.
    pub(super) authorization: Secret,
    until: Instant,
}

impl Token {
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now < self.until
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    #[serde(default)]
    token_type: String,
    expires_in: Option<f64>,
}

/// The form of a token request.
pub(super) fn form(scopes: &[String], extra: &[(String, String)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !scopes.is_empty() {
        form.append_pair("scope", &scopes.join(" "));
    }
    form.extend_pairs(extra);
    form.finish()
}

/// Reads a token server's answer. What it holds is never shown: it may be a token after all.
pub(super) fn token(server: &str, body: &[u8], now: Instant) -> Result<Token, ScrapeError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ScrapeError::new(
            ScrapeErrorKind::Credentials,
            format!("{server} answered without a token: line {line} column {column}"),
        )
    })?;
    let scheme = match answer.token_type.to_ascii_lowercase().as_str() {
        "" | "bearer" => "Bearer",
        _ => &answer.token_type,
    };
    let lifetime = answer
        .expires_in
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(LIFETIME_UNSAID);
    let used = lifetime.saturating_sub(EARLY.min(lifetime / 2));
    Ok(Token {
        authorization: Secret::new(format!("{scheme} {}", answer.access_token.expose())),
        until: now.checked_add(used).unwrap_or(now + LIFETIME_UNSAID),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_encoded() {
        let form = form(
            &["a".to_owned(), "b c".to_owned()],
            &[("audience".to_owned(), "x&y".to_owned())],
        );
        assert_eq!(
            form,
            "grant_type=client_credentials&scope=a+b+c&audience=x%26y"
        );
    }

    #[test]
    fn tokens_are_renewed_before_they_expire() {
        let now = Instant::now();
        let read = |json: &str| token("https://idp", json.as_bytes(), now).unwrap();
        let token = read(r#"{"access_token": "t", "token_type": "bearer", "expires_in": 3600}"#);
        assert_eq!(token.authorization.expose(), "Bearer t");
        assert!(token.is_fresh(now + Duration::from_secs(3589)));
        assert!(!token.is_fresh(now + Duration::from_secs(3590)));
        let short = read(r#"{"access_token": "t", "expires_in": 4}"#);
        assert!(short.is_fresh(now + Duration::from_secs(1)));
        assert!(!short.is_fresh(now + Duration::from_secs(2)));
        for unsaid in ["0", "-1", "1e300", "null"] {
            let json = format!(r#"{{"access_token": "t", "expires_in": {unsaid}}}"#);
            assert!(
                read(&json).is_fresh(now + Duration::from_secs(3000)),
                "{unsaid}"
            );
        }
    }

    #[test]
    fn an_answer_without_a_token_is_not_shown() {
        let down = token("https://idp", br#"{"secret": "hush"}"#, Instant::now()).unwrap_err();
        assert!(!down.message.contains("hush"), "{down}");
    }
}
