//! Where AWS's services are.
//! <https://docs.aws.amazon.com/general/latest/gr/rande.html>,
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>

use url::Url;

use super::environment::Environment;
use super::profile::Profile;

/// A service that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Instances.
    Ec2,
    /// Credentials of roles.
    Sts,
}

impl Service {
    /// As in a host's name and in a signature.
    pub(super) fn id(self) -> &'static str {
        match self {
            Service::Ec2 => "ec2",
            Service::Sts => "sts",
        }
    }

    /// The version of its API.
    pub(super) fn version(self) -> &'static str {
        match self {
            Service::Ec2 => "2016-11-15",
            Service::Sts => "2011-06-15",
        }
    }

    /// Where it is: as the environment or the profile says, else AWS's own in the region.
    pub(super) fn endpoint(
        self,
        region: &str,
        environment: &Environment,
        profile: Profile<'_>,
    ) -> Result<Url, String> {
        if let Some((name, written)) = configured(self, environment, profile)? {
            return endpoint(written).map_err(|error| format!("{name}: {error}"));
        }
        let text = format!("https://{}.{region}.{}", self.id(), suffix(region));
        Url::parse(&text).map_err(|error| format!("`{region}` is no region: {error}"))
    }
}

/// What the environment or the profile says, and where.
fn configured<'a>(
    service: Service,
    environment: &'a Environment,
    profile: Profile<'a>,
) -> Result<Option<(&'static str, &'a str)>, String> {
    let (of_service, instead) = match service {
        Service::Ec2 => (
            "AWS_ENDPOINT_URL_EC2",
            "`endpoint`, or AWS_ENDPOINT_URL_EC2",
        ),
        Service::Sts => ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_STS"),
    };
    let is_true = |variable: &str, key: &str| {
        // A variable that says `false` wins over the profile.
        let written = environment.get(variable).or_else(|| profile.get(key));
        written.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let mut of_profile = None;
    if !is_true(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "ignore_configured_endpoint_urls",
    ) {
        for name in [of_service, "AWS_ENDPOINT_URL"] {
            if let Some(written) = environment.get(name) {
                return Ok(Some((name, written)));
            }
        }
        if profile.get("services").is_some() {
            return Err(format!(
                "`services` of profile `{}` is not supported: set {instead}",
                profile.name
            ));
        }
        of_profile = profile.get("endpoint_url");
    }
    if of_profile.is_none() {
        for (variable, key) in [
            ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        ] {
            if is_true(variable, key) {
                return Err(format!("{variable} is not supported: set {instead}"));
            }
        }
    }
    Ok(of_profile.map(|written| ("endpoint_url", written)))
}

/// An endpoint as it is written.
pub(crate) fn endpoint(written: &str) -> Result<Url, String> {
    let url = Url::parse(written).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            Err("an endpoint has no login".to_owned())
        }
        "http" | "https" if url.query().is_none() => Ok(url),
        "http" | "https" => Err("an endpoint has no query".to_owned()),
        scheme => Err(format!("scheme `{scheme}` is neither `http` nor `https`")),
    }
}

/// The domain of a region: the parts of AWS that are apart have their own.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn suffix(region: &str) -> &'static str {
    let partitions = [
        ("cn-", "amazonaws.com.cn"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    let own = partitions
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix));
    own.map_or("amazonaws.com", |(_, suffix)| suffix)
}

/// Whether a text may be part of a host's name.
pub(crate) fn check_region(region: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !region.is_empty() && region.chars().all(allowed) {
        true => Ok(()),
        false => Err(format!("`{region}` is no region, as `eu-central-1` is")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::Profiles;
    use super::*;

    fn of<const N: usize>(variables: [(&str, &str); N]) -> Result<String, String> {
        let profiles = Profiles::default();
        let profile = profiles.get(None).unwrap();
        let url = Service::Ec2.endpoint(
            "eu-central-1",
            &Environment::from(variables.as_slice()),
            profile,
        );
        url.map(|url| url.to_string())
    }

    #[test]
    fn a_region_has_its_own() {
        let own = "https://ec2.eu-central-1.amazonaws.com/";
        assert_eq!(of([]).unwrap(), own);
        let profiles = Profiles::default();
        let profile = profiles.get(None).unwrap();
        let url = Service::Sts.endpoint("cn-north-1", &Environment::default(), profile);
        assert_eq!(
            url.unwrap().as_str(),
            "https://sts.cn-north-1.amazonaws.com.cn/"
        );
    }

    #[test]
    fn the_environment_may_name_another() {
        let all = ("AWS_ENDPOINT_URL", "http://localhost:1");
        let own = ("AWS_ENDPOINT_URL_EC2", "http://localhost:2");
        assert_eq!(of([all]).unwrap(), "http://localhost:1/");
        assert_eq!(of([all, own]).unwrap(), "http://localhost:2/");
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert!(of([all, ignored]).unwrap().contains("amazonaws"));
        // What is ignored does not keep from what has to be.
        let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
        assert!(of([all, ignored, fips]).is_err());
        for (written, wrong) in [
            ("ftp://x", "scheme `ftp`"),
            ("http://u:p@x", "has no login"),
        ] {
            let error = of([("AWS_ENDPOINT_URL", written)]).unwrap_err();
            assert!(error.starts_with("AWS_ENDPOINT_URL: "), "{error}");
            assert!(error.contains(wrong) && !error.contains(written), "{error}");
        }
        // Nothing is asked elsewhere than where its owner wants it asked.
        let error = of([("AWS_USE_FIPS_ENDPOINT", "true")]).unwrap_err();
        assert!(error.contains("is not supported"), "{error}");
    }
}
