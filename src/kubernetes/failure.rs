//! Why an API server gave no usable answer.

use serde::Deserialize;

/// Characters kept of what a server says.
const MESSAGE_CHARS_MAX: usize = 300;

/// What failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {why}")]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// Verb, resource and namespace.
    doing: String,
    why: String,
}

/// Why, without the circumstances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Files, environment or credentials cannot be used: nothing was sent.
    Access,
    /// No answer.
    Unreachable,
    /// 401: who asks is not known.
    Unauthorized,
    /// 403: who asks may not.
    Forbidden,
    /// 404: the server does not know the resource.
    Missing,
    /// 410, or what says the same: what is watched is to be listed anew.
    Gone,
    /// 400 or 422: the server does not take what was asked.
    Refused,
    /// Another status.
    Server,
    /// More or larger than is read.
    Limit,
    /// What was said is not what the API says.
    Malformed,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, doing: &str, why: impl std::fmt::Display) -> Self {
        Self {
            kind,
            doing: doing.to_owned(),
            why: why.to_string(),
        }
    }

    /// Of an HTTP status and the body that came with it.
    pub(super) fn answered(doing: &str, code: u16, body: &[u8]) -> Self {
        let said = serde_json::from_slice::<Status>(body).unwrap_or_default();
        Self::said(doing, code, &said)
    }

    /// Of a `Status` object.
    pub(super) fn said(doing: &str, code: u16, said: &Status) -> Self {
        let too_new = said.message.contains("Too large resource version");
        let kind = match code {
            // The server's data were replaced by older ones.
            _ if too_new => FailureKind::Gone,
            400 | 422 => FailureKind::Refused,
            401 => FailureKind::Unauthorized,
            403 => FailureKind::Forbidden,
            404 => FailureKind::Missing,
            410 => FailureKind::Gone,
            _ => FailureKind::Server,
        };
        let message: String = said.message.chars().take(MESSAGE_CHARS_MAX).collect();
        let why = match message.as_str() {
            "" if kind == FailureKind::Missing => {
                format!("the server answered {code}: it has no such resource")
            }
            "" => format!("the server answered {code}"),
            message => format!("the server answered {code}: {message}"),
        };
        Self::new(kind, doing, why)
    }
}

/// What the API says of a request that failed, as far as it is of use:
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct Status {
    pub(super) message: String,
    pub(super) code: u16,
}

impl Status {
    /// What an answer says, if it is one of these.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(borrow, default)]
            kind: std::borrow::Cow<'a, str>,
        }
        let kind = serde_json::from_slice::<Kind<'_>>(body).ok()?.kind;
        let said = (kind == "Status").then(|| serde_json::from_slice(body));
        said.map(Result::unwrap_or_default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_45_a_refusal_names_verb_resource_and_namespace() {
        let body = br#"{"kind":"Status","message":"pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"","code":403}"#;
        let failure = Failure::answered("list pods in namespace shop", 403, body);
        assert_eq!(failure.kind, FailureKind::Forbidden);
        assert_eq!(
            failure.to_string(),
            "list pods in namespace shop: the server answered 403: pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\""
        );
        // As of a resource whose definition is not installed.
        let failure = Failure::answered("watch podmonitors", 404, b"404 page not found");
        assert_eq!(
            failure.to_string(),
            "watch podmonitors: the server answered 404: it has no such resource"
        );
        // A proxy that stands before the server says nothing of it.
        let failure = Failure::answered("watch nodes", 403, b"<html>no</html>");
        assert_eq!(failure.to_string(), "watch nodes: the server answered 403");
    }

    #[test]
    fn fault_46_data_older_than_what_is_known_are_listed_anew() {
        for (code, body) in [
            (410, ""),
            (
                504,
                r#"{"message":"Timeout: Too large resource version: 9, current: 5"}"#,
            ),
        ] {
            let failure = Failure::answered("watch pods", code, body.as_bytes());
            assert_eq!(failure.kind, FailureKind::Gone, "{code}");
        }
    }
}
