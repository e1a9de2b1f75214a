//! HTTP client settings (Prometheus's `http_config`), ready to use.

use std::path::{Path, PathBuf};

use crate::document::secret::{Secret, SecretSource};

/// How to talk to an HTTP server: authentication, TLS, proxy, redirects, headers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpConfig {
    /// Who we say we are.
    pub auth: Auth,
    /// TLS settings, for `https` targets.
    pub tls: TlsConfig,
    /// The proxy to go through. Environment variables are ignored unless configured.
    pub proxy: Proxy,
    /// Whether redirects are followed, within the origin only (scheme, host and port).
    pub follow_redirects: FollowRedirects,
    /// Extra request headers, in order.
    pub headers: Vec<Header>,
}

impl HttpConfig {
    /// Every file that a request needs: credentials, certificates, header values.
    pub fn files(&self) -> Vec<&Path> {
        let (mut sources, mut tls) = (Vec::new(), vec![&self.tls]);
        match &self.auth {
            Auth::None => {}
            Auth::Basic { username, password } => sources.extend([username, password]),
            Auth::Authorization { credentials, .. } => sources.push(credentials),
            Auth::OAuth2(oauth2) => {
                sources.push(&oauth2.client_secret);
                tls.push(&oauth2.tls);
            }
        }
        for tls in tls {
            sources.extend([&tls.ca, &tls.cert, &tls.key].into_iter().flatten());
        }
        let of_headers = self.headers.iter().flat_map(|header| &header.files);
        let of_sources = sources.into_iter().filter_map(|source| match source {
            SecretSource::File(path) => Some(path),
            SecretSource::Inline(_) => None,
        });
        of_headers.chain(of_sources).map(PathBuf::as_path).collect()
    }
}

/// `follow_redirects`, true by default as in Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowRedirects(pub bool);

impl Default for FollowRedirects {
    fn default() -> Self {
        Self(true)
    }
}

/// Request authentication: at most one mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// None.
    #[default]
    None,
    /// `basic_auth`.
    Basic {
        /// User name, inline or from a file.
        username: SecretSource,
        /// Password, inline or from a file.
        password: SecretSource,
    },
    /// `authorization`: `<scheme> <credentials>`; `bearer_token` is the same with `Bearer`.
    Authorization {
        /// `type`, `Bearer` by default.
        scheme: String,
        /// The credentials.
        credentials: SecretSource,
    },
    /// `oauth2`: the client credentials grant.
    OAuth2(Box<OAuth2>),
}

/// `oauth2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth2 {
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: SecretSource,
    /// Token endpoint.
    pub token_url: url::Url,
    /// Requested scopes.
    pub scopes: Vec<String>,
    /// Extra parameters of the token request.
    pub endpoint_params: Vec<(String, String)>,
    /// TLS settings of the token request.
    pub tls: TlsConfig,
    /// Proxy of the token request.
    pub proxy: Proxy,
}

/// `tls_config`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsConfig {
    /// CA bundle instead of the system's.
    pub ca: Option<SecretSource>,
    /// Client certificate.
    pub cert: Option<SecretSource>,
    /// Client key.
    pub key: Option<SecretSource>,
    /// Name to verify (and send as SNI) instead of the host.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// Lowest protocol version; TLS 1.2 by default.
    pub min_version: Option<TlsVersion>,
    /// Highest protocol version.
    pub max_version: Option<TlsVersion>,
}

/// A TLS protocol version (older ones cannot be spoken by rustls and are refused).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// `proxy_url`, `no_proxy`, `proxy_from_environment`, `proxy_connect_header`.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// Dial directly.
    #[default]
    None,
    /// Go through this proxy.
    Url {
        /// `http` or `https` (CONNECT for https targets).
        url: url::Url,
        /// Hosts, domains, addresses and CIDRs that are dialled directly, as written.
        no_proxy: Vec<String>,
        /// Headers of the CONNECT request.
        connect_headers: Vec<Header>,
    },
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` decide.
    FromEnvironment {
        /// Headers of the CONNECT request.
        connect_headers: Vec<Header>,
    },
}

/// A proxy's URL may carry a password, which is not shown.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Proxy::None => f.write_str("None"),
            Proxy::Url { url, no_proxy, .. } => f
                .debug_struct("Url")
                .field("scheme", &url.scheme())
                .field("host", &url.host_str())
                .field("port", &url.port())
                .field("no_proxy", no_proxy)
                .finish_non_exhaustive(),
            Proxy::FromEnvironment { .. } => f.write_str("FromEnvironment"),
        }
    }
}

/// One request header with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Lower-case name.
    pub name: String,
    /// Plain values.
    pub values: Vec<String>,
    /// Values not to be shown.
    pub secrets: Vec<Secret>,
    /// Files that hold a value each.
    pub files: Vec<PathBuf>,
}

/// The scheme of a URL that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Scheme {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The port of a URL that names none.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}
