//! `http_config`: at most one way to authenticate, files made absolute, values checked.

use std::path::PathBuf;

use serde_saphyr::Location;

use super::raw::{
    RawAuthorization, RawBasicAuth, RawHeader, RawHttp, RawOAuth2, RawProxy, RawTls, RawTlsVersion,
};
use super::settings::{
    Auth, FollowRedirects, Header, HttpConfig, OAuth2, Proxy, TlsConfig, TlsVersion,
};
use crate::document::DocumentError;
use crate::document::paths::absolute;
use crate::document::secret::{Secret, SecretSource};
use crate::document::yaml::{At, Source};

/// Headers that the client sets itself: those that Prometheus refuses, and what frames a request.
const HEADERS_RESERVED: [&str; 21] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
];

/// Makes an `http_config` ready.
pub(crate) fn http(source: Source<'_>, mut raw: RawHttp) -> Result<HttpConfig, DocumentError> {
    if let Some(written) = &raw.enable_http2 {
        source.boolean(written)?;
    }
    Ok(HttpConfig {
        auth: auth(source, &mut raw)?,
        tls: tls(source, raw.tls.take().unwrap_or_default())?,
        proxy: proxy(source, raw.proxy)?,
        follow_redirects: match raw.follow_redirects {
            Some(written) => FollowRedirects(source.boolean(&written)?),
            None => FollowRedirects::default(),
        },
        headers: headers(source, raw.headers)?,
    })
}

fn auth(source: Source<'_>, raw: &mut RawHttp) -> Result<Auth, DocumentError> {
    let written: Vec<(&str, Location)> = [
        ("basic_auth", raw.basic_auth.as_ref().map(|a| a.referenced)),
        (
            "authorization",
            raw.authorization.as_ref().map(|a| a.referenced),
        ),
        (
            "bearer_token",
            raw.bearer_token.as_ref().map(|a| a.referenced),
        ),
        (
            "bearer_token_file",
            raw.bearer_token_file.as_ref().map(|a| a.referenced),
        ),
        ("oauth2", raw.oauth2.as_ref().map(|a| a.referenced)),
    ]
    .into_iter()
    .filter_map(|(name, location)| location.map(|location| (name, location)))
    .collect();
    if let [(first, _), (second, location), ..] = written[..] {
        let message = format!("both `{first}` and `{second}` are set: at most one may be");
        return Err(source.error(location, message));
    }
    if let Some(basic) = raw.basic_auth.take() {
        return basic_auth(source, basic);
    }
    if let Some(written) = raw.authorization.take() {
        return authorization(source, written);
    }
    let bearer = |credentials| Auth::Authorization {
        scheme: "Bearer".to_owned(),
        credentials,
    };
    if let Some(token) = raw.bearer_token.take() {
        return Ok(bearer(SecretSource::Inline(token.value)));
    }
    if let Some(file) = raw.bearer_token_file.take() {
        return Ok(bearer(SecretSource::File(absolute(source, &file.value))));
    }
    match raw.oauth2.take() {
        Some(written) => Ok(Auth::OAuth2(Box::new(oauth2(source, written)?))),
        None => Ok(Auth::None),
    }
}

fn basic_auth(source: Source<'_>, raw: At<RawBasicAuth>) -> Result<Auth, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    no_reference(source, "username_ref", raw.username_ref)?;
    no_reference(source, "password_ref", raw.password_ref)?;
    // Empty where nothing is written, as in Prometheus.
    let empty = || SecretSource::Inline(Secret::new(""));
    let username = secret(source, at, "username", raw.username, raw.username_file)?;
    let password = secret(source, at, "password", raw.password, raw.password_file)?;
    if username.is_none() {
        source.warn(
            at,
            "`basic_auth` without `username` logs in with an empty one",
        );
    }
    Ok(Auth::Basic {
        username: username.unwrap_or_else(empty),
        password: password.unwrap_or_else(empty),
    })
}

fn authorization(source: Source<'_>, raw: At<RawAuthorization>) -> Result<Auth, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    let scheme = match raw.scheme.as_deref().map(str::trim) {
        None | Some("") => "Bearer".to_owned(),
        Some(basic) if basic.eq_ignore_ascii_case("basic") => {
            return Err(source
                .error(at, "`authorization` cannot have the type `Basic`")
                .with_hint("write `basic_auth` with `username` and `password`"));
        }
        Some(scheme) => scheme.to_owned(),
    };
    no_reference(source, "credentials_ref", raw.credentials_ref)?;
    let credentials = secret(
        source,
        at,
        "credentials",
        raw.credentials,
        raw.credentials_file,
    )?;
    if credentials.is_none() {
        source.warn(at, "`authorization` without `credentials` sends empty ones");
    }
    Ok(Auth::Authorization {
        scheme,
        credentials: credentials.unwrap_or_else(|| SecretSource::Inline(Secret::new(""))),
    })
}

fn oauth2(source: Source<'_>, raw: At<RawOAuth2>) -> Result<OAuth2, DocumentError> {
    let (at, mut raw) = (raw.referenced, raw.value);
    let missing = |key: &str| source.error(at, format!("`oauth2` needs `{key}`"));
    no_reference(source, "client_secret_ref", raw.client_secret_ref.take())?;
    if let Some(grant) = raw.grant_type.take()
        && grant.value == GRANT_BY_ASSERTION
    {
        let message = "`oauth2` by a signed assertion (`jwt-bearer`) is not supported";
        return Err(source.unsupported(grant.referenced, message));
    }
    let assertion = raw.assertion_keys();
    if !assertion.is_empty() {
        let message = format!(
            "`oauth2`: accepted without effect: `{}`",
            assertion.join("`, `")
        );
        source.warn(at, &message);
    }
    let client_secret = secret(
        source,
        at,
        "client_secret",
        raw.client_secret.take(),
        raw.client_secret_file.take(),
    )?;
    Ok(OAuth2 {
        client_id: raw
            .client_id
            .take()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| missing("client_id"))?,
        client_secret: client_secret.unwrap_or_else(|| SecretSource::Inline(Secret::new(""))),
        token_url: raw.token_url.take().ok_or_else(|| missing("token_url"))?.0,
        scopes: raw.scopes.take().unwrap_or_default(),
        endpoint_params: raw
            .endpoint_params
            .take()
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name, value.0))
            .collect(),
        tls: tls(source, raw.tls_config.take().unwrap_or_default())?,
        proxy: proxy(source, raw.take_proxy())?,
    })
}

/// `grant_type` of a token that is asked for with a signed assertion (RFC 7523).
const GRANT_BY_ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A secret of Prometheus's secret providers, of which there are none here.
fn no_reference(
    source: Source<'_>,
    key: &str,
    written: Option<At<String>>,
) -> Result<(), DocumentError> {
    match written.filter(|reference| !reference.value.is_empty()) {
        None => Ok(()),
        Some(reference) => {
            let message = format!("`{key}`: secrets by reference are not supported");
            let error = source.unsupported(reference.referenced, message);
            Err(error.with_hint("write the secret into a file and name it by the key's `_file`"))
        }
    }
}

/// A secret that may be written or in a file, not both. What is empty is not written.
fn secret(
    source: Source<'_>,
    at: Location,
    key: &str,
    inline: Option<Secret>,
    file: Option<PathBuf>,
) -> Result<Option<SecretSource>, DocumentError> {
    let inline = inline.filter(|secret| !secret.expose().is_empty());
    let file = file.filter(|file| !file.as_os_str().is_empty());
    match (inline, file) {
        (Some(_), Some(_)) => {
            let message = format!("both `{key}` and `{key}_file` are set: at most one may be");
            Err(source.error(at, message))
        }
        (Some(inline), None) => Ok(Some(SecretSource::Inline(inline))),
        (None, Some(file)) => Ok(Some(SecretSource::File(absolute(source, &file)))),
        (None, None) => Ok(None),
    }
}

fn tls(source: Source<'_>, raw: RawTls) -> Result<TlsConfig, DocumentError> {
    no_reference(source, "ca_ref", raw.ca_ref)?;
    no_reference(source, "cert_ref", raw.cert_ref)?;
    no_reference(source, "key_ref", raw.key_ref)?;
    let min_version = match raw.min_version {
        Some(written) if !written.value.is_spoken() => {
            source.warn(
                written.referenced,
                "TLS below 1.2 is not spoken: a server that speaks nothing else cannot be reached",
            );
            None
        }
        Some(written) => Some(tls_version(source, written)?),
        None => None,
    };
    let max_version = match raw.max_version {
        Some(written) if !written.value.is_spoken() => {
            let message = "TLS below 1.2 is not spoken";
            return Err(source.unsupported(written.referenced, message));
        }
        Some(written) => Some(tls_version(source, written)?),
        None => None,
    };
    if let (Some((min, at)), Some((max, _))) = (min_version, max_version)
        && min > max
    {
        let message = "`min_version` is above `max_version`: no connection can be made";
        return Err(source.unsupported(at, message));
    }
    let pair_at = raw.cert_file.as_ref().or(raw.key_file.as_ref());
    let pair_at = pair_at.map_or(Location::UNKNOWN, |file| file.referenced);
    let ca = either(source, "ca", raw.ca, raw.ca_file)?;
    let cert = either(source, "cert", raw.cert, raw.cert_file)?;
    let key = either(source, "key", raw.key, raw.key_file)?;
    if cert.is_some() != key.is_some() {
        let message = "a client certificate and its key go together: one of them is missing";
        return Err(source.error(pair_at, message));
    }
    Ok(TlsConfig {
        ca,
        cert,
        key,
        server_name: raw.server_name.filter(|name| !name.is_empty()),
        insecure_skip_verify: match raw.insecure_skip_verify {
            Some(written) => source.boolean(&written)?,
            None => false,
        },
        min_version: min_version.map(|(version, _)| version),
        max_version: max_version.map(|(version, _)| version),
    })
}

fn either(
    source: Source<'_>,
    key: &str,
    inline: Option<Secret>,
    file: Option<At<PathBuf>>,
) -> Result<Option<SecretSource>, DocumentError> {
    let at = file.as_ref().map_or(Location::UNKNOWN, |f| f.referenced);
    secret(source, at, key, inline, file.map(|file| file.value))
}

/// The version, and where it is written.
pub(crate) fn tls_version(
    source: Source<'_>,
    raw: At<RawTlsVersion>,
) -> Result<(TlsVersion, Location), DocumentError> {
    match raw.value {
        RawTlsVersion::Tls12 => Ok((TlsVersion::Tls12, raw.referenced)),
        RawTlsVersion::Tls13 => Ok((TlsVersion::Tls13, raw.referenced)),
        RawTlsVersion::Tls10 | RawTlsVersion::Tls11 => Err(source
            .error(raw.referenced, "TLS below 1.2 is not spoken")
            .with_hint("one of `TLS12`, `TLS13`")),
    }
}

fn proxy(source: Source<'_>, raw: RawProxy) -> Result<Proxy, DocumentError> {
    let connect = raw.connect_header;
    let connect_at = connect.as_ref().map(|header| header.referenced);
    let connect_headers = connect
        .into_iter()
        .flat_map(|written| written.value)
        .map(|(name, secrets)| Header {
            name: name.to_lowercase(),
            values: Vec::new(),
            secrets,
            files: Vec::new(),
        })
        .collect();
    let from_environment = match raw.from_environment {
        Some(written) => source
            .unquoted(&written, "`true` or `false`")?
            .then_some(written),
        None => None,
    };
    let url = match raw.url.filter(|url| !url.value.expose().is_empty()) {
        Some(written) => Some(proxy_url(source, written)?),
        None => None,
    };
    match (url, from_environment, raw.no_proxy) {
        (Some(_), Some(environment), _) => {
            let message =
                "both `proxy_url` and `proxy_from_environment` are set: at most one may be";
            Err(source.error(environment.referenced, message))
        }
        (None, Some(_), Some(no_proxy)) => {
            let message = "`no_proxy` goes with `proxy_url`, not with `proxy_from_environment`";
            Err(source.error(no_proxy.referenced, message))
        }
        (None, None, Some(no_proxy)) if !no_proxy.value.is_empty() => {
            Err(source.error(no_proxy.referenced, "`no_proxy` needs `proxy_url`"))
        }
        (Some(url), None, no_proxy) => Ok(Proxy::Url {
            url,
            no_proxy: no_proxy
                .map(|list| list.value)
                .unwrap_or_default()
                .split(',')
                .map(|host| host.trim().to_owned())
                .filter(|host| !host.is_empty())
                .collect(),
            connect_headers,
        }),
        (None, Some(_), None) => Ok(Proxy::FromEnvironment { connect_headers }),
        (None, None, _) => match connect_at {
            Some(at) => {
                let message =
                    "`proxy_connect_header` needs `proxy_url` or `proxy_from_environment`";
                Err(source.error(at, message))
            }
            None => Ok(Proxy::None),
        },
    }
}

/// A proxy that can be spoken to. Prometheus finds out at each scrape; its text may hold a password, and is not
/// shown.
fn proxy_url(source: Source<'_>, written: At<Secret>) -> Result<url::Url, DocumentError> {
    let at = written.referenced;
    let parsed = url::Url::parse(written.value.expose());
    match parsed {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(url) => {
            let message = format!(
                "`proxy_url`: a proxy of scheme `{}` is not supported",
                url.scheme()
            );
            Err(source
                .unsupported(at, message)
                .with_hint("one of `http`, `https`"))
        }
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let message = "`proxy_url`: not a URL: it has no scheme";
            Err(source.unsupported(at, message))
        }
        Err(error) => Err(source.error(at, format!("`proxy_url`: not a URL: {error}"))),
    }
}

fn headers(
    source: Source<'_>,
    raw: Option<At<std::collections::BTreeMap<String, Option<RawHeader>>>>,
) -> Result<Vec<Header>, DocumentError> {
    let Some(raw) = raw else {
        return Ok(Vec::new());
    };
    let at = raw.referenced;
    let mut headers = Vec::new();
    for (written, header) in raw.value {
        let name = http::HeaderName::try_from(written.as_str())
            .map_err(|_| source.error(at, format!("`{written}` is not a header name")))?;
        if HEADERS_RESERVED.contains(&name.as_str()) {
            let message = format!("header `{written}` cannot be set: the client sets it itself");
            return Err(source.error(at, message));
        }
        let header = header.unwrap_or_default();
        headers.push(Header {
            name: name.as_str().to_owned(),
            values: header.values.unwrap_or_default(),
            secrets: header.secrets.unwrap_or_default(),
            files: header
                .files
                .unwrap_or_default()
                .iter()
                .map(|file| absolute(source, file))
                .collect(),
        });
    }
    Ok(headers)
}
