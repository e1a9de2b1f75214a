//! Signature Version 4 of a form that is posted.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use jiff::Timestamp;
use ring::hmac;
use url::Url;

use super::credentials::Credentials;
use crate::document::digest::{hex, sha256};
use crate::http_client::segment;

/// The type of every request.
pub(super) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a request is signed for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// `eu-central-1`.
    pub(super) region: &'a str,
    /// `ec2`.
    pub(super) service: &'a str,
}

/// The headers to send with a form, signed. The last is secret, as is the token before it.
pub(super) fn headers(
    url: &Url,
    form: &str,
    credentials: &Credentials,
    scope: Scope<'_>,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let date = time.split('T').next().unwrap_or_default();
    // In order of name.
    let mut headers = vec![
        ("content-type", CONTENT_TYPE.to_owned()),
        ("host", host(url)),
        ("x-amz-date", time.clone()),
    ];
    if let Some(token) = &credentials.token {
        headers.push(("x-amz-security-token", token.expose().to_owned()));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()));
    let request = format!(
        "POST\n{}\n\n{}\n{names}\n{}",
        path(url),
        lines.collect::<String>(),
        sha256(form)
    );
    let scope_text = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope_text}\n{}", sha256(&request));
    let secret = format!("AWS4{}", credentials.secret.expose());
    let parts = [date, scope.region, scope.service, "aws4_request"];
    let key = parts
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &to_sign));
    headers.push((
        "authorization",
        format!(
            "{ALGORITHM} Credential={}/{scope_text}, SignedHeaders={names}, Signature={signature}",
            credentials.key_id
        ),
    ));
    headers
}

/// As a client sends it: without the port that is the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Its segments are encoded once more than in the request.
fn path(url: &Url) -> String {
    let segments = url.path().split('/').map(|one| segment(one).to_string());
    segments.collect::<Vec<_>>().join("/")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::secret::Secret;

    fn signature(url: &str, form: &str, token: Option<&str>) -> String {
        let credentials = Credentials {
            key_id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            token: token.map(Secret::new),
            expires: None,
        };
        let scope = Scope {
            region: "us-east-1",
            service: "service",
        };
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let url = Url::parse(url).unwrap();
        let headers = headers(&url, form, &credentials, scope, now);
        headers.last().unwrap().1.clone()
    }

    /// `post-x-www-form-urlencoded` of AWS's own suite:
    /// <https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite>
    #[test]
    fn a_form_is_signed_as_in_the_suite_of_aws() {
        assert_eq!(
            signature("https://example.amazonaws.com/", "Param1=value1", None),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    /// As botocore 1.44.8 signs it (`botocore.auth.SigV4Auth`).
    #[test]
    fn a_token_a_port_and_a_path_are_signed_too() {
        let signed = signature(
            "http://localhost:5000/a%20b/c",
            "Action=DescribeInstances&Version=2016-11-15",
            Some("token/with+signs=="),
        );
        let wanted = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, \
             Signature=1ed7b16e91c68b83f7c467e57ed236683ea9540138ebaed8bba243e312daafaa";
        assert!(signed.ends_with(wanted), "{signed}");
    }
}
