//! Credentials of a container: an agent of ECS or EKS grants them.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
use url::{Host, Url};

use crate::aws::credentials::{Credentials, Granted};
use crate::aws::environment::Environment;
use crate::document::secret::{self, Secret};
use crate::http_client::{Prepared, body};

/// ECS's agent.
const ECS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2));
/// EKS's agent.
const EKS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// An agent beside us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) struct Container {
    url: Url,
    authorization: Option<Authorization>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Authorization {
    Token(Secret),
    /// It changes: it is read for each request.
    File(PathBuf),
}

impl Container {
    /// The agent that the environment names.
    pub(super) fn of(environment: &Environment) -> Result<Option<Self>, String> {
        let relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let full = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let (name, url) = match (relative, full) {
            (None, None) => return Ok(None),
            (Some(path), _) => (
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                format!("http://{ECS}{path}"),
            ),
            (None, Some(full)) => ("AWS_CONTAINER_CREDENTIALS_FULL_URI", full.to_owned()),
        };
        // Who knows the whole URL may have the credentials: it is not repeated.
        let parsed = Url::parse(&url).map_err(|error| format!("{name}: {error}"))?;
        check(&parsed).map_err(|error| format!("{name}: {error}"))?;
        let token_file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        let token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        let authorization = match (token_file, token) {
            (Some(path), _) => Some(Authorization::File(PathBuf::from(path))),
            (None, Some(token)) => Some(Authorization::Token(Secret::new(token))),
            (None, None) => None,
        };
        Ok(Some(Self {
            url: parsed,
            authorization,
        }))
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Asks it.
    pub(super) async fn credentials(&self, near: &Prepared) -> Result<Credentials, String> {
        let asking = async {
            let mut request = near.get(&self.url);
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization.read().await?.expose());
            }
            let response = near.send(request).await;
            let response = response.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = body(response, ANSWER_BYTES_MAX).await?;
            if status != StatusCode::OK {
                return Err(format!("the server answered {status}"));
            }
            let granted: Result<Granted, _> = serde_json::from_slice(&body);
            granted.map_err(|error| format!("the answer is not what was asked for: {error}"))
        };
        let granted = asking.await;
        let granted = granted
            .map_err(|error| format!("container credentials of {}: {error}", self.host()))?;
        Ok(granted.into())
    }
}

impl Authorization {
    async fn read(&self) -> Result<Secret, String> {
        match self {
            Authorization::Token(token) => Ok(token.clone()),
            Authorization::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || secret::read(&path)).await;
                read.map_err(|error| error.to_string())?
                    .map_err(|error| error.to_string())
            }
        }
    }
}

/// Over plain HTTP the agents alone are asked, and this machine.
fn check(url: &Url) -> Result<(), String> {
    let address: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain("localhost")) => return Ok(()),
        Some(Host::Domain(_)) | None => None,
    };
    let near = address
        .is_some_and(|address| address.is_loopback() || address == ECS || EKS.contains(&address));
    match (url.scheme(), near) {
        ("https", _) | ("http", true) => Ok(()),
        ("http", false) => Err(
            "over plain HTTP, credentials are asked of this machine and the agents of ECS and EKS only"
                .to_owned(),
        ),
        (scheme, _) => Err(format!("scheme `{scheme}` is neither `http` nor `https`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<const N: usize>(variables: [(&str, &str); N]) -> Result<Option<String>, String> {
        let found = Container::of(&Environment::from(variables.as_slice()));
        found.map(|found| found.map(|found| found.url.to_string()))
    }

    #[test]
    fn the_agents_alone_are_asked_over_plain_http() {
        const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        assert_eq!(of([]), Ok(None));
        let ecs = of([("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x?id=1")]);
        assert_eq!(ecs.unwrap().unwrap(), "http://169.254.170.2/v2/x?id=1");
        for allowed in [
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://127.0.0.1:8080/",
            "http://localhost:8080/",
            "https://vault.example.com/",
        ] {
            assert_eq!(of([(FULL, allowed)]).unwrap().unwrap(), allowed);
        }
        for denied in [
            "http://169.254.169.254/latest/meta-data/",
            "http://example.com/",
            "http://localhost.example.com/",
            "ftp://127.0.0.1/",
        ] {
            assert!(of([(FULL, denied)]).is_err(), "{denied}");
        }
        // A path that is none does not change who is asked.
        let other = of([(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "@example.com/steal",
        )]);
        assert!(other.is_err(), "{other:?}");
    }
}
