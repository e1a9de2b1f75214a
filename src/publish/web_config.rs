//! `--web.config.file`: the web configuration that exporters of this ecosystem share, as it is
//! written, checked and made ready.

use crate::publish::tls::{ClientAuth, Curve, ServerTls};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::tls::{CIPHER_SUITES_TLS13, cipher_suites};
use crate::document::secret::{Secret, SecretSource};
use crate::document::yaml::{self, At, Source};
use crate::document::{DocumentError, Origin, duration};
use crate::http_client::raw::RawTlsVersion;
use crate::http_client::settings::TlsVersion;
use crate::http_client::tls_version;

/// The highest cost of a hash: each step doubles the seconds that a first login takes.
const BCRYPT_COST_MAX: u32 = 16;

/// The lowest that bcrypt has.
const BCRYPT_COST_MIN: u32 = 4;

/// The web configuration, ready to use.
#[derive(Debug, Default)]
pub(super) struct WebConfig {
    /// `tls_server_config`.
    pub(super) tls: Option<ServerTls>,
    /// `http_server_config.headers`.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// `basic_auth_users`: hashes by user.
    pub(super) users: BTreeMap<String, Secret>,
    /// `rate_limit`.
    pub(super) rate_limit: Option<RateLimit>,
}

/// `rate_limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// Time between two requests.
    pub(super) interval: Duration,
    /// Requests that may come at once.
    pub(super) burst: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawWeb {
    tls_server_config: Option<At<RawTls>>,
    http_server_config: Option<RawHttp>,
    basic_auth_users: Option<BTreeMap<String, At<Secret>>>,
    rate_limit: Option<At<RawRateLimit>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTls {
    cert: Option<Secret>,
    cert_file: Option<PathBuf>,
    key: Option<Secret>,
    key_file: Option<PathBuf>,
    client_auth_type: Option<ClientAuth>,
    client_ca: Option<Secret>,
    client_ca_file: Option<PathBuf>,
    client_allowed_sans: Option<At<Vec<String>>>,
    min_version: Option<At<RawTlsVersion>>,
    max_version: Option<At<RawTlsVersion>>,
    cipher_suites: Option<Vec<At<String>>>,
    prefer_server_cipher_suites: Option<bool>,
    curve_preferences: Option<Vec<Curve>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHttp {
    /// HTTP/1.1 is served whatever it says: clients that could speak HTTP/2 speak 1.1 as well.
    #[serde(rename = "http2")]
    _http2: Option<bool>,
    headers: Option<RawHeaders>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHeaders {
    #[serde(rename = "Content-Security-Policy")]
    content_security_policy: Option<At<String>>,
    #[serde(rename = "X-Frame-Options")]
    x_frame_options: Option<At<String>>,
    #[serde(rename = "X-Content-Type-Options")]
    x_content_type_options: Option<At<String>>,
    #[serde(rename = "X-XSS-Protection")]
    x_xss_protection: Option<At<String>>,
    #[serde(rename = "Strict-Transport-Security")]
    strict_transport_security: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRateLimit {
    interval: Option<At<String>>,
    burst: Option<At<u32>>,
}

/// Reads a web configuration. Its errors show no line of it: a password written where a hash
/// belongs is the commonest fault.
pub(super) fn parse(text: &str, origin: &Origin) -> Result<WebConfig, DocumentError> {
    let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(blank) {
        // A truncated file must not open the server to everybody.
        return Err(DocumentError::of_file(origin, "nothing is configured")
            .with_hint("a web configuration without TLS and users is `{}`"));
    }
    let source = Source::new(origin, text);
    let read = || {
        let raw: RawWeb = yaml::parse(source)?;
        Ok(WebConfig {
            tls: raw
                .tls_server_config
                .map(|raw| tls(source, raw))
                .transpose()?,
            headers: headers(source, raw.http_server_config.unwrap_or_default().headers)?,
            users: users(source, raw.basic_auth_users.unwrap_or_default())?,
            rate_limit: match raw.rate_limit {
                Some(raw) => rate_limit(source, raw)?,
                None => None,
            },
        })
    };
    read().map_err(DocumentError::without_line)
}

fn tls(source: Source<'_>, at: At<RawTls>) -> Result<ServerTls, DocumentError> {
    let place = at.referenced;
    let error = |message: &str| source.error(place, format!("`tls_server_config`: {message}"));
    let raw = at.value;
    let one = |name: &str, inline, file| {
        one(&source.origin.folder, inline, file)
            .ok_or_else(|| error(&format!("`{name}` and `{name}_file` exclude each other")))
    };
    let (Some(cert), Some(key)) = (
        one("cert", raw.cert, raw.cert_file)?,
        one("key", raw.key, raw.key_file)?,
    ) else {
        return Err(error(
            "a certificate and its key are needed: `cert_file` and `key_file`",
        ));
    };
    let client_ca = one("client_ca", raw.client_ca, raw.client_ca_file)?;
    let client_auth = raw.client_auth_type.unwrap_or_default();
    let verifies = matches!(
        client_auth,
        ClientAuth::VerifyClientCertIfGiven | ClientAuth::RequireAndVerifyClientCert
    );
    if verifies && client_ca.is_none() {
        return Err(error(
            "`client_auth_type` verifies certificates: `client_ca_file` is needed",
        ));
    }
    if client_ca.is_some() && client_auth == ClientAuth::NoClientCert {
        return Err(error(
            "`client_ca_file` has no effect without `client_auth_type`",
        ));
    }
    if let Some(sans) = &raw.client_allowed_sans {
        client_sans(source, sans, client_auth)?;
    }
    Ok(ServerTls {
        cert,
        key,
        client_auth,
        client_ca,
        client_sans: raw
            .client_allowed_sans
            .map(|sans| sans.value)
            .unwrap_or_default(),
        versions: versions(source, raw.min_version, raw.max_version)?,
        cipher_suites: suites(source, raw.cipher_suites.unwrap_or_default())?,
        prefer_server_order: raw.prefer_server_cipher_suites.unwrap_or(true),
        curves: raw.curve_preferences.unwrap_or_default(),
    })
}

/// A value written in place or in a file; not both.
fn one(
    folder: &Path,
    inline: Option<Secret>,
    file: Option<PathBuf>,
) -> Option<Option<SecretSource>> {
    match (inline, file) {
        (Some(_), Some(_)) => None,
        (Some(text), None) => Some(Some(SecretSource::Inline(text))),
        (None, Some(path)) => Some(Some(SecretSource::File(folder.join(path)))),
        (None, None) => Some(None),
    }
}

fn client_sans(
    source: Source<'_>,
    sans: &At<Vec<String>>,
    client_auth: ClientAuth,
) -> Result<(), DocumentError> {
    let needed = matches!(
        client_auth,
        ClientAuth::RequireAnyClientCert | ClientAuth::RequireAndVerifyClientCert
    );
    if !needed {
        let message =
            "`client_allowed_sans` needs a `client_auth_type` that requires a certificate";
        return Err(source.error(sans.referenced, message));
    }
    let mail = sans
        .value
        .iter()
        .find(|san| san.contains('@') && !san.contains("://"));
    match mail {
        Some(mail) => {
            let message = format!(
                "`client_allowed_sans`: `{mail}`: mail addresses are not compared, only DNS names, IP addresses and URIs"
            );
            Err(source.error(sans.referenced, message))
        }
        None => Ok(()),
    }
}

fn versions(
    source: Source<'_>,
    lowest: Option<At<RawTlsVersion>>,
    highest: Option<At<RawTlsVersion>>,
) -> Result<(TlsVersion, TlsVersion), DocumentError> {
    let version = |at: Option<At<RawTlsVersion>>, default| match at {
        None => Ok(default),
        Some(at) => tls_version(source, at).map(|(version, _)| version),
    };
    let place = highest.as_ref().map(|at| at.referenced);
    let lowest = version(lowest, TlsVersion::Tls12)?;
    let highest = version(highest, TlsVersion::Tls13)?;
    match place {
        Some(place) if lowest > highest => {
            Err(source.error(place, "`max_version` is below `min_version`"))
        }
        _ => Ok((lowest, highest)),
    }
}

fn suites(source: Source<'_>, written: Vec<At<String>>) -> Result<Vec<String>, DocumentError> {
    let known = cipher_suites();
    for at in &written {
        let name = at.value.as_str();
        if !known.contains(&name.to_owned()) && !CIPHER_SUITES_TLS13.contains(&name) {
            let message = format!("`cipher_suites`: `{name}` is not spoken");
            let hint = format!("one of {}", known.join(", "));
            return Err(source.error(at.referenced, message).with_hint(hint));
        }
    }
    Ok(written.into_iter().map(|at| at.value).collect())
}

fn headers(
    source: Source<'_>,
    raw: Option<RawHeaders>,
) -> Result<Vec<(HeaderName, HeaderValue)>, DocumentError> {
    let raw = raw.unwrap_or_default();
    let written = [
        (
            "content-security-policy",
            raw.content_security_policy,
            &[][..],
        ),
        (
            "x-frame-options",
            raw.x_frame_options,
            &["deny", "sameorigin"],
        ),
        (
            "x-content-type-options",
            raw.x_content_type_options,
            &["nosniff"],
        ),
        ("x-xss-protection", raw.x_xss_protection, &[]),
        (
            "strict-transport-security",
            raw.strict_transport_security,
            &[],
        ),
    ];
    let mut headers = Vec::new();
    for (name, at, allowed) in written {
        // Blank means not set.
        let Some(at) = at.filter(|at| !at.value.trim().is_empty()) else {
            continue;
        };
        let value = at.value.as_str();
        if !allowed.is_empty() && !allowed.contains(&value) {
            let message = format!("header `{name}`: expected {}", allowed.join(" or "));
            return Err(source.error(at.referenced, message));
        }
        let value = HeaderValue::from_str(value).map_err(|_| {
            source.error(
                at.referenced,
                format!("header `{name}`: not the value of a header"),
            )
        })?;
        headers.push((HeaderName::from_static(name), value));
    }
    Ok(headers)
}

fn users(
    source: Source<'_>,
    written: BTreeMap<String, At<Secret>>,
) -> Result<BTreeMap<String, Secret>, DocumentError> {
    for (user, hash) in &written {
        let wrong = |message: String| {
            let message = format!("user `{user}`: {message}");
            source.error(hash.referenced, message)
        };
        if user.contains(':') {
            return Err(wrong("a user's name has no colon".to_owned()));
        }
        let parts = bcrypt::HashParts::from_str(hash.value.expose()).map_err(|_| {
            wrong("not a bcrypt hash".to_owned())
                .with_hint("`htpasswd -nBC 10 \"\"` makes one from a password")
        })?;
        let cost = parts.get_cost();
        if !(BCRYPT_COST_MIN..=BCRYPT_COST_MAX).contains(&cost) {
            return Err(wrong(format!(
                "bcrypt cost {cost} is not within {BCRYPT_COST_MIN} and {BCRYPT_COST_MAX}"
            )));
        }
    }
    Ok(written
        .into_iter()
        .map(|(user, hash)| (user, hash.value))
        .collect())
}

fn rate_limit(
    source: Source<'_>,
    at: At<RawRateLimit>,
) -> Result<Option<RateLimit>, DocumentError> {
    let Some(interval) = at.value.interval else {
        return Err(source.error(at.referenced, "missing key `interval` in `rate_limit`"));
    };
    let Ok(time) = duration::parse(&interval.value) else {
        let message = format!(
            "`rate_limit.interval`: `{}` is not a duration",
            interval.value
        );
        return Err(source.error(interval.referenced, message));
    };
    if time.is_zero() {
        return Ok(None);
    }
    match at.value.burst {
        Some(burst) if burst.value > 0 => Ok(Some(RateLimit {
            interval: time,
            burst: burst.value,
        })),
        // Without a burst nobody would ever be served.
        Some(burst) => Err(source.error(burst.referenced, "`rate_limit.burst` must be above 0")),
        None => Err(source.error(at.referenced, "missing key `burst` in `rate_limit`")),
    }
}
