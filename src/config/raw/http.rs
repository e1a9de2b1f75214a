//! Prometheus's `http_config` as written, and the keys it adds to what it is inlined in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::super::secret::Secret;
use super::super::value::{HttpUrl, ShownUrl};
use super::super::yaml::At;

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
        pub(in crate::config) struct $name {
            $($(#[$field_meta])* pub(in crate::config) $field: $type,)*
            basic_auth: Option<$crate::config::yaml::At<$crate::config::raw::http::RawBasicAuth>>,
            authorization:
                Option<$crate::config::yaml::At<$crate::config::raw::http::RawAuthorization>>,
            bearer_token: Option<$crate::config::yaml::At<$crate::config::secret::Secret>>,
            bearer_token_file: Option<$crate::config::yaml::At<std::path::PathBuf>>,
            oauth2: Option<$crate::config::yaml::At<$crate::config::raw::http::RawOAuth2>>,
            tls_config: Option<$crate::config::raw::http::RawTls>,
            proxy_url: Option<$crate::config::yaml::At<$crate::config::value::HttpUrl>>,
            no_proxy: Option<$crate::config::yaml::At<String>>,
            proxy_from_environment: Option<$crate::config::yaml::At<bool>>,
            proxy_connect_header:
                Option<$crate::config::yaml::At<$crate::config::raw::http::ConnectHeaders>>,
            follow_redirects: Option<bool>,
            enable_http2: Option<$crate::config::value::Passed>,
            http_headers: Option<
                $crate::config::yaml::At<
                    std::collections::BTreeMap<String, $crate::config::raw::http::RawHeader>,
                >,
            >,
        }

        impl $name {
            /// Takes the keys of `http_config` out.
            pub(in crate::config) fn take_http(&mut self) -> $crate::config::raw::http::RawHttp {
                $crate::config::raw::http::RawHttp {
                    basic_auth: self.basic_auth.take(),
                    authorization: self.authorization.take(),
                    bearer_token: self.bearer_token.take(),
                    bearer_token_file: self.bearer_token_file.take(),
                    oauth2: self.oauth2.take(),
                    tls: self.tls_config.take(),
                    proxy: $crate::config::raw::http::RawProxy {
                        url: self.proxy_url.take(),
                        no_proxy: self.no_proxy.take(),
                        from_environment: self.proxy_from_environment.take(),
                        connect_header: self.proxy_connect_header.take(),
                    },
                    follow_redirects: self.follow_redirects.take(),
                    headers: self.http_headers.take(),
                }
            }
        }
    };
}
pub(super) use with_http_keys;

/// `proxy_connect_header`: name and values.
pub(in crate::config) type ConnectHeaders = BTreeMap<String, Vec<Secret>>;

/// `http_config`.
#[derive(Debug, Default)]
pub(in crate::config) struct RawHttp {
    pub(in crate::config) basic_auth: Option<At<RawBasicAuth>>,
    pub(in crate::config) authorization: Option<At<RawAuthorization>>,
    pub(in crate::config) bearer_token: Option<At<Secret>>,
    pub(in crate::config) bearer_token_file: Option<At<PathBuf>>,
    pub(in crate::config) oauth2: Option<At<RawOAuth2>>,
    pub(in crate::config) tls: Option<RawTls>,
    pub(in crate::config) proxy: RawProxy,
    pub(in crate::config) follow_redirects: Option<bool>,
    pub(in crate::config) headers: Option<At<BTreeMap<String, RawHeader>>>,
}

/// `proxy_url` and its companions.
#[derive(Debug, Default)]
pub(in crate::config) struct RawProxy {
    pub(in crate::config) url: Option<At<HttpUrl>>,
    pub(in crate::config) no_proxy: Option<At<String>>,
    pub(in crate::config) from_environment: Option<At<bool>>,
    pub(in crate::config) connect_header: Option<At<ConnectHeaders>>,
}

/// `basic_auth`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawBasicAuth {
    pub(in crate::config) username: Option<Secret>,
    pub(in crate::config) username_file: Option<PathBuf>,
    pub(in crate::config) password: Option<Secret>,
    pub(in crate::config) password_file: Option<PathBuf>,
}

/// `authorization`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawAuthorization {
    #[serde(rename = "type")]
    pub(in crate::config) scheme: Option<String>,
    pub(in crate::config) credentials: Option<Secret>,
    pub(in crate::config) credentials_file: Option<PathBuf>,
}

/// `oauth2`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawOAuth2 {
    pub(in crate::config) client_id: Option<String>,
    pub(in crate::config) client_secret: Option<Secret>,
    pub(in crate::config) client_secret_file: Option<PathBuf>,
    pub(in crate::config) scopes: Option<Vec<String>>,
    pub(in crate::config) token_url: Option<ShownUrl>,
    pub(in crate::config) endpoint_params: Option<BTreeMap<String, String>>,
    pub(in crate::config) tls_config: Option<RawTls>,
    proxy_url: Option<At<HttpUrl>>,
    no_proxy: Option<At<String>>,
    proxy_from_environment: Option<At<bool>>,
    proxy_connect_header: Option<At<ConnectHeaders>>,
}

impl RawOAuth2 {
    /// Takes the proxy of the token request out.
    pub(in crate::config) fn take_proxy(&mut self) -> RawProxy {
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
pub(in crate::config) struct RawTls {
    pub(in crate::config) ca: Option<Secret>,
    pub(in crate::config) ca_file: Option<At<PathBuf>>,
    pub(in crate::config) cert: Option<Secret>,
    pub(in crate::config) cert_file: Option<At<PathBuf>>,
    pub(in crate::config) key: Option<Secret>,
    pub(in crate::config) key_file: Option<At<PathBuf>>,
    pub(in crate::config) server_name: Option<String>,
    pub(in crate::config) insecure_skip_verify: Option<bool>,
    pub(in crate::config) min_version: Option<At<RawTlsVersion>>,
    pub(in crate::config) max_version: Option<At<RawTlsVersion>>,
}

/// `min_version`, `max_version`.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
pub(in crate::config) enum RawTlsVersion {
    #[serde(rename = "TLS10")]
    Tls10,
    #[serde(rename = "TLS11")]
    Tls11,
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

/// An entry of `http_headers`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawHeader {
    pub(in crate::config) values: Option<Vec<String>>,
    pub(in crate::config) secrets: Option<Vec<Secret>>,
    pub(in crate::config) files: Option<Vec<PathBuf>>,
}
