//! The metadata of the instance that we run on, by version 2 of its service.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>

use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::aws::credentials::{Credentials, Granted};
use crate::aws::environment::Environment;
use crate::http_client::{Prepared, body, segment};

const IPV4: &str = "http://169.254.169.254/";
const IPV6: &str = "http://[fd00:ec2::254]/";
/// Seconds that a token holds: for one visit.
const TOKEN_TTL: &str = "300";
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where an instance finds its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct InstanceMetadata(Url);

/// What the service says of the role's credentials.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl InstanceMetadata {
    /// Where the environment says, else where it always is.
    pub(in crate::aws) fn of(environment: &Environment) -> Result<Self, String> {
        if environment.on("AWS_EC2_METADATA_DISABLED") {
            return Err("AWS_EC2_METADATA_DISABLED is set".to_owned());
        }
        let mode = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let own = match mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6")) {
            true => IPV6,
            false => IPV4,
        };
        let name = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        let written = environment.get(name).unwrap_or(own);
        let url = Url::parse(written).map_err(|error| format!("{name} `{written}`: {error}"))?;
        Ok(Self(url))
    }

    /// Where it is.
    pub(in crate::aws) async fn region(&self, near: &Prepared) -> Result<String, String> {
        let asked = async {
            let token = self.token(near).await?;
            self.get(near, &token, "placement/region").await
        };
        asked.await.map_err(|error| self.error("region", error))
    }

    /// Those of the role that it has.
    pub(super) async fn credentials(&self, near: &Prepared) -> Result<Credentials, String> {
        let asked = async {
            let token = self.token(near).await?;
            let roles = self.get(near, &token, "iam/security-credentials/").await?;
            let Some(role) = roles.lines().next().filter(|role| !role.is_empty()) else {
                return Err("the instance has no role".to_owned());
            };
            let path = format!("iam/security-credentials/{}", segment(role));
            let answer = self.get(near, &token, &path).await?;
            let outcome: Outcome = serde_json::from_str(&answer).map_err(unlike)?;
            match outcome.code.as_deref() {
                None | Some("Success") => {}
                Some(code) => {
                    let message = outcome.message.unwrap_or_default();
                    return Err(format!("role `{role}`: {code}: {message}"));
                }
            }
            serde_json::from_str::<Granted>(&answer).map_err(unlike)
        };
        let granted = asked
            .await
            .map_err(|error| self.error("credentials", error))?;
        Ok(granted.into())
    }

    /// What every other request has to show.
    async fn token(&self, near: &Prepared) -> Result<String, String> {
        let url = self.url("/latest/api/token");
        let request = near.put(&url);
        let request = request.header("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL);
        answer(near, request).await
    }

    async fn get(&self, near: &Prepared, token: &str, path: &str) -> Result<String, String> {
        let url = self.url(&format!("/latest/meta-data/{path}"));
        let request = near.get(&url);
        answer(near, request.header("x-aws-ec2-metadata-token", token)).await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    fn error(&self, what: &str, error: String) -> String {
        format!("{what} of the instance's metadata at `{}`: {error}", self.0)
    }
}

fn unlike(error: serde_json::Error) -> String {
    format!("the answer is not what was asked for: {error}")
}

async fn answer(near: &Prepared, request: RequestBuilder) -> Result<String, String> {
    let response = near.send(request).await;
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = body(response, ANSWER_BYTES_MAX).await?;
    match status {
        StatusCode::OK => String::from_utf8(body).map_err(|error| error.to_string()),
        StatusCode::NOT_FOUND => Err("it has none".to_owned()),
        status => Err(format!("the server answered {status}")),
    }
}
