//! Prometheus's `http_config` as written, and the keys it adds to what it is inlined in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::document::secret::Secret;
use crate::document::value::{Ignored, NullableText, ShownUrl};
use crate::document::yaml::At;

/// Declares a struct that carries the keys of `http_config` beside its own.
/// (`#[serde(flatten)]` would lose both the places and the check for unknown keys.)
macro_rules! with_http_keys {
    (
        $(#[$meta:meta])*
        struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, serde::Deserialize, Default)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $($(#[$field_meta])* pub(crate) $field: $type,)*
            basic_auth: Option<$crate::document::yaml::At<$crate::http_client::raw::RawBasicAuth>>,
            authorization:
                Option<$crate::document::yaml::At<$crate::http_client::raw::RawAuthorization>>,
            bearer_token: Option<$crate::document::yaml::At<$crate::document::secret::Secret>>,
            bearer_token_file: Option<$crate::document::yaml::At<std::path::PathBuf>>,
            oauth2: Option<$crate::document::yaml::At<$crate::http_client::raw::RawOAuth2>>,
            tls_config: Option<$crate::http_client::raw::RawTls>,
            proxy_url: Option<$crate::document::yaml::At<$crate::document::secret::Secret>>,
            no_proxy: Option<$crate::document::yaml::At<String>>,
            proxy_from_environment: Option<$crate::document::yaml::At<bool>>,
            proxy_connect_header:
                Option<$crate::document::yaml::At<$crate::http_client::raw::ConnectHeaders>>,
            follow_redirects: Option<$crate::document::yaml::At<bool>>,
            enable_http2: Option<$crate::document::yaml::At<bool>>,
            http_headers: Option<
                $crate::document::yaml::At<
                    std::collections::BTreeMap<String, Option<$crate::http_client::raw::RawHeader>>,
                >,
            >,
        }

        impl $name {
            /// Takes the keys of `http_config` out.
            pub(crate) fn take_http(&mut self) -> $crate::http_client::raw::RawHttp {
                $crate::http_client::raw::RawHttp {
                    basic_auth: self.basic_auth.take(),
                    authorization: self.authorization.take(),
                    bearer_token: self.bearer_token.take(),
                    bearer_token_file: self.bearer_token_file.take(),
                    oauth2: self.oauth2.take(),
                    tls: self.tls_config.take(),
                    proxy: $crate::http_client::raw::RawProxy {
                        url: self.proxy_url.take(),
                        no_proxy: self.no_proxy.take(),
                        from_environment: self.proxy_from_environment.take(),
                        connect_header: self.proxy_connect_header.take(),
                    },
                    follow_redirects: self.follow_redirects.take(),
                    enable_http2: self.enable_http2.take(),
                    headers: self.http_headers.take(),
                }
            }
        }
    };
}
pub(crate) use with_http_keys;

/// `proxy_connect_header`: name and values.
pub(crate) type ConnectHeaders = BTreeMap<String, Vec<Secret>>;

/// `http_config`.
#[derive(Debug, Default)]
pub(crate) struct RawHttp {
    pub(crate) basic_auth: Option<At<RawBasicAuth>>,
    pub(crate) authorization: Option<At<RawAuthorization>>,
    pub(crate) bearer_token: Option<At<Secret>>,
    pub(crate) bearer_token_file: Option<At<PathBuf>>,
    pub(crate) oauth2: Option<At<RawOAuth2>>,
    pub(crate) tls: Option<RawTls>,
    pub(crate) proxy: RawProxy,
    pub(crate) follow_redirects: Option<At<bool>>,
    /// Means nothing here, as scrapes speak HTTP/1.1.
    pub(crate) enable_http2: Option<At<bool>>,
    pub(crate) headers: Option<At<BTreeMap<String, Option<RawHeader>>>>,
}

/// `proxy_url` and its companions.
#[derive(Debug, Default)]
pub(crate) struct RawProxy {
    pub(crate) url: Option<At<Secret>>,
    pub(crate) no_proxy: Option<At<String>>,
    pub(crate) from_environment: Option<At<bool>>,
    pub(crate) connect_header: Option<At<ConnectHeaders>>,
}

/// `basic_auth`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawBasicAuth {
    pub(crate) username: Option<Secret>,
    pub(crate) username_file: Option<PathBuf>,
    pub(crate) password: Option<Secret>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) username_ref: Option<At<String>>,
    pub(crate) password_ref: Option<At<String>>,
}

/// `authorization`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawAuthorization {
    #[serde(rename = "type")]
    pub(crate) scheme: Option<String>,
    pub(crate) credentials: Option<Secret>,
    pub(crate) credentials_file: Option<PathBuf>,
    pub(crate) credentials_ref: Option<At<String>>,
}

/// `oauth2`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawOAuth2 {
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) client_secret_file: Option<PathBuf>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) token_url: Option<ShownUrl>,
    pub(crate) endpoint_params: Option<BTreeMap<String, NullableText>>,
    pub(crate) client_secret_ref: Option<At<String>>,
    pub(crate) grant_type: Option<At<String>>,
    // Of the grant by a signed assertion, which is not supported; Prometheus passes over them for the other.
    client_certificate_key: Option<Secret>,
    client_certificate_key_file: Option<PathBuf>,
    client_certificate_key_ref: Option<String>,
    client_certificate_key_id: Option<String>,
    signature_algorithm: Option<String>,
    iss: Option<String>,
    audience: Option<String>,
    claims: Option<Ignored>,
    pub(crate) tls_config: Option<RawTls>,
    proxy_url: Option<At<Secret>>,
    no_proxy: Option<At<String>>,
    proxy_from_environment: Option<At<bool>>,
    proxy_connect_header: Option<At<ConnectHeaders>>,
}

impl RawOAuth2 {
    /// Keys of the grant by a signed assertion that are written.
    pub(crate) fn assertion_keys(&self) -> Vec<&'static str> {
        let keys = [
            (
                "client_certificate_key",
                self.client_certificate_key.is_some(),
            ),
            (
                "client_certificate_key_file",
                self.client_certificate_key_file.is_some(),
            ),
            (
                "client_certificate_key_ref",
                self.client_certificate_key_ref.is_some(),
            ),
            (
                "client_certificate_key_id",
                self.client_certificate_key_id.is_some(),
            ),
            ("signature_algorithm", self.signature_algorithm.is_some()),
            ("iss", self.iss.is_some()),
            ("audience", self.audience.is_some()),
            ("claims", self.claims.is_some()),
        ];
        let written = keys.into_iter().filter(|(_, is_written)| *is_written);
        written.map(|(key, _)| key).collect()
    }

    /// Takes the proxy of the token request out.
    pub(crate) fn take_proxy(&mut self) -> RawProxy {
        RawProxy {
            url: self.proxy_url.take(),
            no_proxy: self.no_proxy.take(),
            from_environment: self.proxy_from_environment.take(),
            connect_header: self.proxy_connect_header.take(),
        }
    }
}

/// `tls_config`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawTls {
    pub(crate) ca: Option<Secret>,
    pub(crate) ca_file: Option<At<PathBuf>>,
    pub(crate) cert: Option<Secret>,
    pub(crate) cert_file: Option<At<PathBuf>>,
    pub(crate) key: Option<Secret>,
    pub(crate) key_file: Option<At<PathBuf>>,
    pub(crate) server_name: Option<String>,
    pub(crate) insecure_skip_verify: Option<At<bool>>,
    pub(crate) min_version: Option<At<RawTlsVersion>>,
    pub(crate) max_version: Option<At<RawTlsVersion>>,
    pub(crate) ca_ref: Option<At<String>>,
    pub(crate) cert_ref: Option<At<String>>,
    pub(crate) key_ref: Option<At<String>>,
}

/// `min_version`, `max_version`.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
pub(crate) enum RawTlsVersion {
    #[serde(rename = "TLS10")]
    Tls10,
    #[serde(rename = "TLS11")]
    Tls11,
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

impl RawTlsVersion {
    /// Whether rustls speaks it.
    pub(crate) fn is_spoken(self) -> bool {
        match self {
            RawTlsVersion::Tls10 | RawTlsVersion::Tls11 => false,
            RawTlsVersion::Tls12 | RawTlsVersion::Tls13 => true,
        }
    }
}

/// An entry of `http_headers`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawHeader {
    pub(crate) values: Option<Vec<String>>,
    pub(crate) secrets: Option<Vec<Secret>>,
    pub(crate) files: Option<Vec<PathBuf>>,
}
