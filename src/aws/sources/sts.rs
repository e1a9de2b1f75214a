//! Credentials of a role, for an hour or less.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

use jiff::Timestamp;
use serde::Deserialize;

use super::asking::Asking;
use crate::aws::credentials::Credentials;
use crate::aws::query::{Action, ask};
use crate::document::secret::Secret;

/// Seconds that credentials of a role hold, unless a profile says otherwise: the least that STS grants, as AWS's tools
/// for Go ask for. For who shows a token, they leave it to STS.
pub(super) const DURATION_DEFAULT: &str = "900";
pub(super) const SESSION_NAME_DEFAULT: &str = "manifesto-exporter";

/// A role to assume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct AssumedRole {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: String,
    /// How long the credentials shall hold, in seconds; STS decides where nothing is said.
    pub(super) duration: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "AssumeRoleResult", alias = "AssumeRoleWithWebIdentityResult")]
    result: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    credentials: Granted,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Granted {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    expiration: Timestamp,
}

/// Of who may assume the role.
pub(super) async fn assume(
    asking: &Asking<'_>,
    role: &AssumedRole,
    own: &Credentials,
) -> Result<Credentials, String> {
    let mut parameters = parameters(role);
    let external_id = role.external_id.clone();
    parameters.extend(external_id.map(|id| ("ExternalId".to_owned(), id)));
    granted(asking, "AssumeRole", role, &parameters, Some(own)).await
}

/// Of who shows a token.
pub(super) async fn assume_with_token(
    asking: &Asking<'_>,
    role: &AssumedRole,
    token: &Secret,
) -> Result<Credentials, String> {
    let mut parameters = parameters(role);
    parameters.push(("WebIdentityToken".to_owned(), token.expose().to_owned()));
    granted(asking, "AssumeRoleWithWebIdentity", role, &parameters, None).await
}

fn parameters(role: &AssumedRole) -> Vec<(String, String)> {
    let pairs = [
        ("RoleArn", Some(&role.arn)),
        ("RoleSessionName", Some(&role.session_name)),
        ("DurationSeconds", role.duration.as_ref()),
    ];
    let said = pairs.into_iter();
    said.filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
        .collect()
}

async fn granted(
    asking: &Asking<'_>,
    name: &str,
    role: &AssumedRole,
    parameters: &[(String, String)],
    own: Option<&Credentials>,
) -> Result<Credentials, String> {
    let action = Action { name, parameters };
    let sts = asking.sts.as_ref().map_err(Clone::clone)?;
    let answer: Result<Answer, _> = ask(asking.http, sts, action, own).await;
    let granted = answer.map_err(|error| format!("sts:{name} of `{}`: {error}", role.arn))?;
    let granted = granted.result.credentials;
    Ok(Credentials {
        key_id: granted.access_key_id,
        secret: granted.secret_access_key,
        token: Some(granted.session_token),
        expires: Some(granted.expiration),
    })
}
