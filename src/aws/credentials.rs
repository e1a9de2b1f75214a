//! Credentials: who signs a request.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::environment::Environment;
use crate::document::secret::Secret;

/// Credentials are renewed so long before they end.
const EARLY: Duration = Duration::from_secs(5 * 60);

/// Who signs a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    /// The access key's id.
    pub(super) key_id: String,
    pub(super) secret: Secret,
    /// What is sent along with keys that were granted for a while.
    pub(super) token: Option<Secret>,
    /// When they end.
    pub(super) expires: Option<Timestamp>,
}

impl Credentials {
    /// Whether they should be renewed.
    pub(super) fn are_stale(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| {
            now.duration_until(expires).unsigned_abs() < EARLY || self.have_ended(now)
        })
    }

    /// Whether they cannot be used any more.
    pub(super) fn have_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// As the agents that are near say them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Granted {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
    expiration: Option<Timestamp>,
}

impl From<Granted> for Credentials {
    fn from(granted: Granted) -> Self {
        Self {
            key_id: granted.access_key_id,
            secret: granted.secret_access_key,
            token: granted.token,
            expires: granted.expiration,
        }
    }
}

/// The credentials that the environment holds.
pub(super) fn of_environment(environment: &Environment) -> Option<Credentials> {
    let key_id = environment.first(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"])?;
    let secret = environment.first(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"])?;
    Some(Credentials {
        key_id: key_id.to_owned(),
        secret: Secret::new(secret),
        token: environment.get("AWS_SESSION_TOKEN").map(Secret::new),
        expires: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_renewed_before_they_end() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let until = |minutes: i64| Credentials {
            key_id: String::new(),
            secret: Secret::new(""),
            token: None,
            expires: Some(now + jiff::SignedDuration::from_mins(minutes)),
        };
        assert!(!until(6).are_stale(now));
        assert!(until(4).are_stale(now) && !until(4).have_ended(now));
        assert!(until(-60).are_stale(now) && until(0).have_ended(now));
    }
}
