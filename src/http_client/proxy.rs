//! Which proxy, if any, a request goes through: the same for scrapes, lists, tokens and evidence.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::header::HeaderMap;
use url::Url;

use super::settings::{Header, Proxy, Scheme};

/// How requests of one `http_config` leave.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    http: Option<Url>,
    https: Option<Url>,
    no_proxy: Vec<NoProxyEntry>,
    pub(crate) connect_headers: Vec<Header>,
}

/// What is dialled directly, as `no_proxy` and `NO_PROXY` name it.
#[derive(Debug, PartialEq, Eq)]
struct NoProxyEntry {
    host: NoProxyHost,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum NoProxyHost {
    Everyone,
    Address(IpAddr),
    Net(IpNet),
    /// `example.com`: it and all below it. `.example.com`: all below it.
    Domain {
        suffix: String,
        itself: bool,
    },
}

impl Routes {
    /// Reads the settings, and our environment where they say so.
    pub(crate) fn of(proxy: &Proxy) -> Self {
        Self::new(proxy, |name| std::env::var(name).ok())
    }

    fn new(proxy: &Proxy, environment: impl Fn(&str) -> Option<String>) -> Self {
        match proxy {
            Proxy::None => Self::default(),
            Proxy::Url {
                url,
                no_proxy,
                connect_headers,
            } => Self {
                http: Some(url.clone()),
                https: Some(url.clone()),
                no_proxy: no_proxy.iter().flat_map(|list| exceptions(list)).collect(),
                connect_headers: connect_headers.clone(),
            },
            Proxy::FromEnvironment { connect_headers } => {
                let either = |upper: &str| {
                    environment(upper)
                        .or_else(|| environment(&upper.to_lowercase()))
                        .filter(|value| !value.is_empty())
                };
                let url = |name: &str| either(name).and_then(|value| proxy_url(name, &value));
                Self {
                    http: url("HTTP_PROXY"),
                    https: url("HTTPS_PROXY"),
                    no_proxy: either("NO_PROXY").map_or_else(Vec::new, |list| exceptions(&list)),
                    connect_headers: connect_headers.clone(),
                }
            }
        }
    }

    /// The proxy on the way to `host:port`.
    pub(crate) fn proxy_for(&self, scheme: Scheme, host: &str, port: u16) -> Option<&Url> {
        let proxy = match scheme {
            Scheme::Http => self.http.as_ref(),
            Scheme::Https => self.https.as_ref(),
        }?;
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let direct = self.no_proxy.iter().any(|e| e.matches(&host, port));
        (!direct).then_some(proxy)
    }

    /// The proxy on the way to where a URL leads.
    pub(super) fn proxy_for_url(&self, url: &Url) -> Option<&Url> {
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            _ => Scheme::Http,
        };
        let host = url.host_str()?.trim_matches(['[', ']']);
        self.proxy_for(scheme, host, url.port_or_known_default()?)
    }

    /// These routes for a client of reqwest. It would send the headers of CONNECT with forwarded
    /// requests as well, hence a proxy for either scheme; and it would dial directly where it does
    /// not know a proxy's scheme.
    pub(super) fn proxies(
        self: &Arc<Self>,
        connect_headers: HeaderMap,
    ) -> Result<[reqwest::Proxy; 2], String> {
        let mut proxies = self.http.iter().chain(&self.https);
        if let Some(other) = proxies.find(|url| !matches!(url.scheme(), "http" | "https")) {
            let scheme = other.scheme();
            return Err(format!("proxy scheme {scheme:?} is not supported"));
        }
        let through = |scheme: &'static str| {
            let routes = Arc::clone(self);
            reqwest::Proxy::custom(move |url| {
                let proxy = routes.proxy_for_url(url);
                proxy.filter(|_| url.scheme() == scheme).cloned()
            })
        };
        Ok([through("http"), through("https").headers(connect_headers)])
    }
}

/// A proxy of the environment may be written without its scheme. An unusable one is named once,
/// here, and everything is then dialled directly.
fn proxy_url(name: &str, value: &str) -> Option<Url> {
    let parsed = match Url::parse(value) {
        Ok(url) if url.has_host() => Ok(url),
        _ => Url::parse(&format!("http://{value}")),
    };
    parsed
        .inspect_err(|error| tracing::warn!(%error, "{name} is not a URL, passing over it"))
        .ok()
}

/// User name and password of a proxy URL, decoded.
pub(crate) fn userinfo(proxy: &Url) -> Option<(String, String)> {
    let decode = |text: &str| percent_decode(text);
    if proxy.username().is_empty() && proxy.password().is_none() {
        return None;
    }
    Some((
        decode(proxy.username()),
        decode(proxy.password().unwrap_or_default()),
    ))
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn exceptions(list: &str) -> Vec<NoProxyEntry> {
    list.split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(NoProxyEntry::parse)
        .collect()
}

impl NoProxyEntry {
    fn parse(entry: &str) -> Self {
        let everywhere = |host| Self { host, port: None };
        if entry == "*" {
            return everywhere(NoProxyHost::Everyone);
        }
        if let Ok(net) = entry.parse() {
            return everywhere(NoProxyHost::Net(net));
        }
        if let Ok(address) = entry.trim_start_matches('[').trim_end_matches(']').parse() {
            return everywhere(NoProxyHost::Address(address));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (entry, None),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let host = match bare.parse() {
            Ok(address) => NoProxyHost::Address(address),
            Err(_) => {
                let host = host.trim_start_matches('*');
                NoProxyHost::Domain {
                    suffix: host
                        .trim_start_matches('.')
                        .trim_end_matches('.')
                        .to_ascii_lowercase(),
                    itself: !host.starts_with('.'),
                }
            }
        };
        Self { host, port }
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match &self.host {
            NoProxyHost::Everyone => true,
            NoProxyHost::Address(address) => host.parse() == Ok(*address),
            NoProxyHost::Net(net) => host.parse::<IpAddr>().is_ok_and(|a| net.contains(&a)),
            NoProxyHost::Domain { suffix, itself } => match host.strip_suffix(suffix.as_str()) {
                Some("") => *itself,
                Some(below) => below.ends_with('.'),
                None => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(no_proxy: &str) -> Routes {
        Routes::new(
            &Proxy::Url {
                url: "http://proxy:3128".parse().unwrap(),
                no_proxy: vec![no_proxy.to_owned()],
                connect_headers: Vec::new(),
            },
            |_| panic!("the environment was read"),
        )
    }

    #[test]
    fn no_proxy_names_what_is_dialled_directly() {
        for (no_proxy, host, direct) in [
            ("", "a.example", false),
            ("*", "a.example", true),
            ("example.com", "example.com", true),
            ("example.com", "A.Example.com.", true),
            ("example.com", "badexample.com", false),
            (".example.com", "example.com", false),
            (".example.com", "a.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("example.com:8067", "example.com", true),
            ("example.com:9090", "example.com", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1:8067", "10.0.0.1", true),
            ("10.0.0.1:1", "10.0.0.1", false),
            ("10.0.0.0/8, other", "10.200.0.1", true),
            ("10.0.0.0/8 other", "other", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("[::1]:8067", "::1", true),
            ("::1", "::1", true),
        ] {
            let routes = through(no_proxy);
            let proxy = routes.proxy_for(Scheme::Http, host, 8067);
            assert_eq!(proxy.is_none(), direct, "{no_proxy:?} {host}");
        }
    }

    #[test]
    fn fault_84_the_environment_is_ignored_unless_configured() {
        let environment = |name: &str| match name {
            "HTTP_PROXY" => Some("proxy:3128".to_owned()),
            "https_proxy" => Some("http://secure:3128".to_owned()),
            "NO_PROXY" => Some("direct.example".to_owned()),
            _ => None,
        };
        let ignored = Routes::new(&Proxy::None, |_| panic!("the environment was read"));
        assert_eq!(ignored.proxy_for(Scheme::Http, "a", 80), None);
        let configured = Proxy::FromEnvironment {
            connect_headers: Vec::new(),
        };
        let routes = Routes::new(&configured, environment);
        let chosen = |scheme, host| routes.proxy_for(scheme, host, 80).map(Url::as_str);
        assert_eq!(chosen(Scheme::Http, "a"), Some("http://proxy:3128/"));
        assert_eq!(chosen(Scheme::Https, "a"), Some("http://secure:3128/"));
        assert_eq!(chosen(Scheme::Http, "direct.example"), None);
    }

    #[test]
    fn userinfo_is_decoded() {
        let url = "http://us%40er:p%3Ass@proxy:1".parse().unwrap();
        assert_eq!(
            userinfo(&url),
            Some(("us@er".to_owned(), "p:ss".to_owned()))
        );
        assert_eq!(userinfo(&"http://proxy:1".parse().unwrap()), None);
        assert_eq!(percent_decode("100%"), "100%");
    }
}
