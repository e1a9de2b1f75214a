//! The credentials that a profile leads to.

use std::path::PathBuf;

use super::container::Container;
use super::instance::InstanceMetadata;
use super::source::Source;
use super::sts::{AssumedRole, DURATION_DEFAULT, SESSION_NAME_DEFAULT};
use crate::aws::credentials::{Credentials, of_environment};
use crate::aws::environment::Environment;
use crate::aws::profile::{Profile, Profiles};
use crate::document::secret::Secret;

/// Profiles that name each other.
const PROFILES_MAX: usize = 8;

/// Settings of a profile by which others' tools get credentials and we do not.
const NOT_SUPPORTED: [&str; 5] = [
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
    "credential_process",
];

/// Ways by which a profile with a role says who may assume it: one of them.
const WAYS: [&str; 4] = [
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
];

/// Where the credentials of a profile are had: in the order of `resolveCredsFromProfile` and `setFromIniSections` of
/// AWS's tools for Go.
pub(super) fn of_profile(
    profile: Profile<'_>,
    environment: &Environment,
    profiles: &Profiles,
) -> Result<Source, String> {
    let chain = Chain {
        environment,
        profiles,
    };
    chain.of(profile, &mut Vec::new())
}

/// Profiles that name each other.
#[derive(Clone, Copy)]
struct Chain<'a> {
    environment: &'a Environment,
    profiles: &'a Profiles,
}

impl<'a> Chain<'a> {
    /// Of a profile that these led to.
    fn of(self, profile: Profile<'a>, before: &mut Vec<&'a str>) -> Result<Source, String> {
        let in_profile = |error: String| format!("profile `{}`: {error}", profile.name);
        // One that is named a second time is one that names itself: it holds keys of its own.
        if before.contains(&profile.name) {
            return match keys(profile)? {
                Some(keys) => Ok(keys),
                None => Err(in_profile(
                    "it leads to itself by `source_profile`, and holds no keys".to_owned(),
                )),
            };
        }
        if before.len() == PROFILES_MAX {
            return Err(in_profile(format!(
                "more than {PROFILES_MAX} profiles name each other by `source_profile`"
            )));
        }
        let ways: Vec<&str> = WAYS
            .into_iter()
            .filter(|key| profile.get(key).is_some())
            .collect();
        let role = profile.get("role_arn");
        if let (Some(way), None) = (ways.iter().find(|way| **way != "credential_process"), role) {
            return Err(in_profile(format!("`{way}` needs `role_arn`")));
        }
        let by = match keys(profile)? {
            // Who leads here wants keys.
            Some(keys) if !before.is_empty() => keys,
            own => {
                if let [one, other, ..] = ways[..] {
                    return Err(in_profile(format!(
                        "of `{one}` and `{other}` only one may be set"
                    )));
                }
                before.push(profile.name);
                match (profile.get("source_profile"), own) {
                    (Some(name), _) => {
                        let source = self.profiles.get(Some(name)).map_err(in_profile)?;
                        if !has_credentials(source) {
                            return Err(in_profile(format!(
                                "`source_profile` `{name}` holds no credentials"
                            )));
                        }
                        self.of(source, before)?
                    }
                    (None, Some(keys)) => keys,
                    (None, None) => match self.without_keys(profile)? {
                        // They are those of the role already.
                        granted @ Source::WebIdentity { .. } => return Ok(granted),
                        own => own,
                    },
                }
            }
        };
        Ok(match role {
            None => by,
            Some(arn) => Source::Role {
                role: assumed(profile, arn)?,
                by: Box::new(by),
            },
        })
    }

    fn without_keys(self, profile: Profile<'a>) -> Result<Source, String> {
        let in_profile = |error: String| format!("profile `{}`: {error}", profile.name);
        if let Some(named) = profile.get("credential_source") {
            return by_name(named, self.environment).map_err(in_profile);
        }
        if let (Some(path), Some(arn)) = (
            profile.get("web_identity_token_file"),
            profile.get("role_arn"),
        ) {
            return Ok(Source::WebIdentity {
                role: AssumedRole {
                    duration: None,
                    ..assumed(profile, arn)?
                },
                token_file: PathBuf::from(path),
            });
        }
        near(profile, self.environment)
    }
}

/// Whether a profile says anything of credentials.
fn has_credentials(profile: Profile<'_>) -> bool {
    let own = ["aws_access_key_id", "aws_secret_access_key"];
    let mut keys = WAYS.iter().chain(&NOT_SUPPORTED).chain(&own);
    keys.any(|key| profile.get(key).is_some())
}

/// The role of a profile.
fn assumed(profile: Profile<'_>, arn: &str) -> Result<AssumedRole, String> {
    if profile.get("mfa_serial").is_some() {
        return Err(format!(
            "profile `{}`: `mfa_serial`: a second factor needs a person",
            profile.name
        ));
    }
    let session_name = profile.get("role_session_name");
    let duration = profile.get("duration_seconds");
    Ok(AssumedRole {
        arn: arn.to_owned(),
        external_id: profile.get("external_id").map(str::to_owned),
        session_name: session_name.unwrap_or(SESSION_NAME_DEFAULT).to_owned(),
        duration: Some(duration.unwrap_or(DURATION_DEFAULT).to_owned()),
    })
}

/// The keys that a profile holds.
fn keys(profile: Profile<'_>) -> Result<Option<Source>, String> {
    let key_id = profile.get("aws_access_key_id");
    let secret = profile.get("aws_secret_access_key");
    let only = |present: &str, missing: &str| {
        Err(format!(
            "profile `{}` has `{present}` and no `{missing}`",
            profile.name
        ))
    };
    match (key_id, secret) {
        (Some(key_id), Some(secret)) => Ok(Some(Source::Key(Credentials {
            key_id: key_id.to_owned(),
            secret: Secret::new(secret),
            token: profile.get("aws_session_token").map(Secret::new),
            expires: None,
        }))),
        (Some(_), None) => only("aws_access_key_id", "aws_secret_access_key"),
        (None, Some(_)) => only("aws_secret_access_key", "aws_access_key_id"),
        (None, None) => Ok(None),
    }
}

/// What is near, where a profile says nothing.
fn near(profile: Profile<'_>, environment: &Environment) -> Result<Source, String> {
    let foreign = NOT_SUPPORTED.iter().find(|key| profile.get(key).is_some());
    if let Some(key) = foreign {
        return Err(format!(
            "profile `{}`: credentials by `{key}` are not supported",
            profile.name
        ));
    }
    match Container::of(environment)? {
        Some(container) => Ok(Source::Container(container)),
        None => instance(environment),
    }
}

/// The last resort.
fn instance(environment: &Environment) -> Result<Source, String> {
    InstanceMetadata::of(environment)
        .map(Source::Instance)
        .map_err(|error| {
            format!(
                "no credentials: neither the configuration, nor the environment, nor a profile holds any, and {error}"
            )
        })
}

/// `credential_source`.
fn by_name(name: &str, environment: &Environment) -> Result<Source, String> {
    match name {
        "Environment" => match of_environment(environment) {
            Some(credentials) => Ok(Source::Key(credentials)),
            None => Err("`credential_source` is `Environment`, which holds none".to_owned()),
        },
        "Ec2InstanceMetadata" => InstanceMetadata::of(environment).map(Source::Instance),
        "EcsContainer" => match Container::of(environment)? {
            Some(container) => Ok(Source::Container(container)),
            None => Err("`credential_source` is `EcsContainer`, and neither \
                 AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set"
                .to_owned()),
        },
        other => Err(format!(
            "`credential_source` is `{other}`, and has to be `Environment`, `Ec2InstanceMetadata` or `EcsContainer`"
        )),
    }
}
