//! Where credentials are looked for, in the order of AWS's tools.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>, and for Go's, which Prometheus
//! uses, <https://github.com/aws/aws-sdk-go-v2/blob/main/config/resolve_credentials.go>

use std::path::PathBuf;

use super::profiled::of_profile;
use super::source::Source;
use super::sts::{AssumedRole, DURATION_DEFAULT, SESSION_NAME_DEFAULT};
use crate::aws::access::Access;
use crate::aws::credentials::{Credentials, of_environment};
use crate::aws::environment::Environment;
use crate::aws::profile::Profiles;

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
                duration: Some(DURATION_DEFAULT.to_owned()),
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
                    duration: None,
                },
                token_file: PathBuf::from(path),
            });
        }
    }
    let name = profile_name(configured, environment);
    of_profile(profiles.get(name)?, environment, profiles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::secret::Secret;

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
[profile over-web]
role_arn = arn:16
source_profile = web
[profile sso]
sso_session = x
[profile mfa]
role_arn = arn:8
source_profile = keys
mfa_serial = arn:9
[profile half]
aws_access_key_id = HALF
[profile kept]
role_arn = arn:10
source_profile = keys-and-more
[profile keys-and-more]
aws_access_key_id = KEPT
aws_secret_access_key = s
role_arn = arn:11
source_profile = keys
[profile without-role]
source_profile = keys
[profile empty]
region = eu-west-1
[profile of-empty]
role_arn = arn:12
source_profile = empty
[profile alone]
role_arn = arn:13
source_profile = alone
[profile both]
role_arn = arn:14
source_profile = keys
credential_source = Environment
[profile keys-first]
role_arn = arn:15
credential_source = EcsContainer
aws_access_key_id = FIRST
aws_secret_access_key = s
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
            // A profile that others lead to is one of keys, where it holds any; then its role counts as well.
            ("kept", "arn:10 by arn:11 by KEPT"),
            ("keys-first", "arn:15 by FIRST"),
            ("over-web", "arn:16 by web arn:7"),
        ] {
            assert_eq!(of(&named(name), &OWN).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_had_is_an_error_that_names_the_profile() {
        for (name, expected) in [
            (
                "circle",
                "profile `circle`: it leads to itself by `source_profile`, and holds no keys",
            ),
            (
                "alone",
                "profile `alone`: it leads to itself by `source_profile`, and holds no keys",
            ),
            (
                "without-role",
                "profile `without-role`: `source_profile` needs `role_arn`",
            ),
            (
                "of-empty",
                "profile `of-empty`: `source_profile` `empty` holds no credentials",
            ),
            (
                "both",
                "profile `both`: of `source_profile` and `credential_source` only one may be set",
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
                "profile `mfa`: `mfa_serial`: a second factor needs a person",
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
