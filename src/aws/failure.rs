//! Why AWS did not answer what it was asked.

use reqwest::StatusCode;
use serde::Deserialize;

/// Characters shown of what it complains.
const MESSAGE_CHARS_MAX: usize = 300;

/// Codes of credentials that have ended, or are not known any more. Who is known and may not (`UnauthorizedOperation`) may
/// not with new ones either.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
const OF_CREDENTIALS: [&str; 7] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "RequestExpired",
    "UnrecognizedClientException",
];

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Failed(String),
    #[error("the server answered {status}: {code}{}", said(.message))]
    Refused {
        status: StatusCode,
        code: String,
        message: String,
    },
}

fn said(message: &str) -> String {
    match message.trim() {
        "" => String::new(),
        message => {
            let shown: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
            format!(": {shown}")
        }
    }
}

impl Failure {
    /// What a server that did not grant a request says: each API has a document of its own.
    pub(super) fn refused(status: StatusCode, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let errors = quick_xml::de::from_str(&text).map(Complaint::first);
        match errors {
            Ok(Some(Stated { code, message })) if !code.is_empty() => Self::Refused {
                status,
                code,
                message,
            },
            _ => Self::Failed(format!("the server answered {status}")),
        }
    }

    /// Whether other credentials may be granted it.
    pub(super) fn is_of_credentials(&self) -> bool {
        match self {
            Failure::Failed(_) => false,
            Failure::Refused { code, .. } => OF_CREDENTIALS.contains(&code.as_str()),
        }
    }
}

/// EC2 puts errors into a list, the other APIs have one.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Complaint {
    errors: Errors,
    error: Option<Stated>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Errors {
    error: Vec<Stated>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Stated {
    code: String,
    message: String,
}

impl Complaint {
    fn first(self) -> Option<Stated> {
        self.errors.error.into_iter().next().or(self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_documents_are_read() {
        for body in [
            "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>AuthFailure</Code><Message>no &amp; no</Message></Error></Errors><RequestID>1</RequestID></Response>",
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AuthFailure</Code><Message>no &amp; no</Message></Error></ErrorResponse>",
        ] {
            let failure = Failure::refused(StatusCode::UNAUTHORIZED, body.as_bytes());
            assert_eq!(
                failure.to_string(),
                "the server answered 401 Unauthorized: AuthFailure: no & no"
            );
            assert!(failure.is_of_credentials());
        }
        for body in ["", "<html><body>no", "<Response/>"] {
            let failure = Failure::refused(StatusCode::BAD_GATEWAY, body.as_bytes());
            assert_eq!(failure.to_string(), "the server answered 502 Bad Gateway");
        }
    }
}
