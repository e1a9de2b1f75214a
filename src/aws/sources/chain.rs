//! Where credentials are looked for, in the order of AWS's tools.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>, and for Go's, which Prometheus
//! uses, <https://github.com/aws/aws-sdk-go-v2/blob/main/config/resolve_credentials.go>

use std::path::PathBuf;

use super::container::Container;
use super::instance::InstanceMetadata;
use super::source::Source;
use super::sts::AssumedRole;
use crate::aws::access::Access;
use crate::aws::credentials::{Credentials, of_environment};
use crate::aws::environment::Environment;
use crate::aws::profile::{Profile, Profiles};
use crate::document::secret::Secret;

/// Profiles that name each other.
const PROFILES_MAX: usize = 8;
/// Seconds that credentials of a role hold, unless a profile says otherwise: the least that STS grants, as AWS's tools
/// for Go ask for.
const DURATION_DEFAULT: &str = "900";
const SESSION_NAME_DEFAULT: &str = "manifesto-exporter";

/// Settings of a profile by which others' tools get credentials and we do not.
const NOT_SUPPORTED: [&str; 5] = [
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
    "credential_process",
];

/// Where the credentials of what is configured are had.
pub(in crate::aws) fn source(
    access: &Access,
    environment: &Environment,
    profiles: &Profiles,
) -> Result<Source, String> {
    let own = match &access.key {
        Some((key_id, secret)) => Source::Key(Credentials {
            key_id: key_id.clone(),
            secret: secret.clone(),
            token: None,
            expires: None,
        }),
        None => found(access.profile.as_deref(), environment, profiles)?,
    };
    Ok(match &access.role {
        None => own,
        Some(role) => Source::Role {
            role: AssumedRole {
                arn: role.arn.clone(),
                external_id: role.external_id.clone(),
                session_name: SESSION_NAME_DEFAULT.to_owned(),
                duration: DURATION_DEFAULT.to_owned(),
            },
            by: Box::new(own),
        },
    })
}

/// The profile that is used, where it is named.
pub(in crate::aws) fn profile_name<'a>(
    configured: Option<&'a str>,
    environment: &'a Environment,
) -> Option<&'a str> {
    configured.or_else(|| environment.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]))
}

fn found(
    configured: Option<&str>,
    environment: &Environment,
    profiles: &Profiles,
) -> Result<Source, String> {
    // A profile that the configuration names goes before what the environment holds, which goes before one that the
    // environment names.
    if configured.is_none() {
        if let Some(credentials) = of_environment(environment) {
            return Ok(Source::Key(credentials));
        }
        if let Some(path) = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") {
            let Some(arn) = environment.get("AWS_ROLE_ARN") else {
                return Err("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not".to_owned());
            };
            let session_name = environment.get("AWS_ROLE_SESSION_NAME");
            return Ok(Source::WebIdentity {
                role: AssumedRole {
                    arn: arn.to_owned(),
                    external_id: None,
                    session_name: session_name.unwrap_or(SESSION_NAME_DEFAULT).to_owned(),
                    duration: DURATION_DEFAULT.to_owned(),
                },
                token_file: PathBuf::from(path),
            });
        }
    }
    let name = profile_name(configured, environment);
    of_profile(profiles.get(name)?, environment, profiles, 1)
}

fn of_profile(
    profile: Profile<'_>,
    environment: &Environment,
    profiles: &Profiles,
    depth: usize,
) -> Result<Source, String> {
    let in_profile = |error: String| format!("profile `{}`: {error}", profile.name);
    if depth > PROFILES_MAX {
        return Err(in_profile(format!(
            "more than {PROFILES_MAX} profiles name each other by `source_profile`"
        )));
    }
    let role = profile.get("role_arn").map(|arn| AssumedRole {
        arn: arn.to_owned(),
        external_id: profile.get("external_id").map(str::to_owned),
        session_name: profile
            .get("role_session_name")
            .unwrap_or(SESSION_NAME_DEFAULT)
            .to_owned(),
        duration: profile
            .get("duration_seconds")
            .unwrap_or(DURATION_DEFAULT)
            .to_owned(),
    });
    let Some(role) = role else {
        return own(profile, environment);
    };
    if profile.get("mfa_serial").is_some() {
        let error = "`mfa_serial`: nobody is there to show a second factor";
        return Err(in_profile(error.to_owned()));
    }
    let web_identity = profile.get("web_identity_token_file");
    let named = profile.get("credential_source");
    let by = match (profile.get("source_profile"), named, web_identity) {
        // One that names itself holds keys of its own.
        (Some(name), _, _) if name == profile.name => own(profile, environment)?,
        (Some(name), _, _) => of_profile(
            profiles.get(Some(name)).map_err(in_profile)?,
            environment,
            profiles,
            depth + 1,
        )?,
        (None, Some(named), _) => by_name(named, environment).map_err(in_profile)?,
        (None, None, Some(path)) => {
            return Ok(Source::WebIdentity {
                role,
                token_file: PathBuf::from(path),
            });
        }
        (None, None, None) => own(profile, environment)?,
    };
    let by = Box::new(by);
    Ok(Source::Role { role, by })
}

/// What a profile holds itself, else what is near.
fn own(profile: Profile<'_>, environment: &Environment) -> Result<Source, String> {
    let key_id = profile.get("aws_access_key_id");
    let secret = profile.get("aws_secret_access_key");
    let only = |present: &str, missing: &str| {
        Err(format!(
            "profile `{}` has `{present}` and no `{missing}`",
            profile.name
        ))
    };
    match (key_id, secret) {
        (Some(key_id), Some(secret)) => {
            return Ok(Source::Key(Credentials {
                key_id: key_id.to_owned(),
                secret: Secret::new(secret),
                token: profile.get("aws_session_token").map(Secret::new),
                expires: None,
            }));
        }
        (Some(_), None) => return only("aws_access_key_id", "aws_secret_access_key"),
        (None, Some(_)) => return only("aws_secret_access_key", "aws_access_key_id"),
        (None, None) => {}
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[profile keys]
aws_access_key_id = FILE
aws_secret_access_key = s
[profile role]
role_arn = arn:1
source_profile = keys
external_id = x
duration_seconds = 3600
[profile twice]
role_arn = arn:2
source_profile = role
[profile circle]
role_arn = arn:3
source_profile = other
[profile other]
role_arn = arn:4
source_profile = circle
[profile itself]
role_arn = arn:5
source_profile = itself
aws_access_key_id = ITSELF
aws_secret_access_key = s
[profile named]
role_arn = arn:6
credential_source = Environment
[profile web]
role_arn = arn:7
web_identity_token_file = /token
[profile sso]
sso_session = x
[profile mfa]
role_arn = arn:8
source_profile = keys
mfa_serial = arn:9
[profile half]
aws_access_key_id = HALF
";

    fn shown(source: &Source) -> String {
        match source {
            Source::Key(credentials) => credentials.key_id.clone(),
            Source::WebIdentity { role, .. } => format!("web {}", role.arn),
            Source::Container(_) => "container".to_owned(),
            Source::Instance(_) => "instance".to_owned(),
            Source::Role { role, by } => format!("{} by {}", role.arn, shown(by)),
        }
    }

    fn of(access: &Access, variables: &[(&str, &str)]) -> Result<String, String> {
        let profiles = Profiles::of_config(CONFIG);
        source(access, &Environment::from(variables), &profiles).map(|source| shown(&source))
    }

    const OWN: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s")];

    #[test]
    fn they_are_looked_for_in_the_order_of_the_tools_of_aws() {
        let nothing = Access::default();
        let named = |name: &str| Access {
            profile: Some(name.to_owned()),
            ..Access::default()
        };
        let web = [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
            ("AWS_ROLE_ARN", "arn:w"),
        ];
        let by_variable = ("AWS_PROFILE", "keys");
        let agent = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2");
        let all = [&OWN[..], &web, &[by_variable, agent]].concat();
        assert_eq!(of(&nothing, &all).unwrap(), "ENV");
        assert_eq!(of(&nothing, &all[2..]).unwrap(), "web arn:w");
        assert_eq!(of(&nothing, &all[4..]).unwrap(), "FILE");
        assert_eq!(of(&nothing, &all[5..]).unwrap(), "container");
        assert_eq!(of(&nothing, &[]).unwrap(), "instance");
        // What is configured goes before what is around.
        assert_eq!(of(&named("keys"), &all).unwrap(), "FILE");
        let key = Access {
            key: Some(("CONFIGURED".to_owned(), Secret::new("s"))),
            ..named("role")
        };
        assert_eq!(of(&key, &all).unwrap(), "CONFIGURED");
        for (name, expected) in [
            ("role", "arn:1 by FILE"),
            ("twice", "arn:2 by arn:1 by FILE"),
            ("itself", "arn:5 by ITSELF"),
            ("named", "arn:6 by ENV"),
            ("web", "web arn:7"),
        ] {
            assert_eq!(of(&named(name), &OWN).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_had_is_an_error_that_names_the_profile() {
        for (name, expected) in [
            (
                "circle",
                "profile `circle`: more than 8 profiles name each other by `source_profile`",
            ),
            (
                "named",
                "profile `named`: `credential_source` is `Environment`, which holds none",
            ),
            (
                "sso",
                "profile `sso`: credentials by `sso_session` are not supported",
            ),
            (
                "mfa",
                "profile `mfa`: `mfa_serial`: nobody is there to show a second factor",
            ),
            (
                "half",
                "profile `half` has `aws_access_key_id` and no `aws_secret_access_key`",
            ),
            ("gone", "profile `gone` is not in the test"),
        ] {
            let error = of(&Access::default(), &[("AWS_PROFILE", name)]);
            assert_eq!(error.unwrap_err(), expected);
        }
        let half = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t");
        assert!(of(&Access::default(), &[half]).is_err());
    }
}
