//! `tls_config` made into what rustls wants.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use thiserror::Error;

use super::settings::{TlsConfig, TlsVersion};
use super::verifiers::{AnyServer, TrustedServer};
use crate::document::secret::SecretSource;

/// Bytes of a PEM file: a bundle of every public CA is a quarter of a megabyte.
const PEM_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a `tls_config` cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file of the pair or the bundle cannot be read.
    #[error("cannot read {what} `{}`: {source}", path.display())]
    Read {
        /// The key of the configuration that names it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is larger than any certificate.
    #[error("{what} `{}` is larger than {PEM_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The key of the configuration that names it.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It is not PEM, or holds nothing of the kind wanted.
    #[error("{what} holds no usable PEM: {message}")]
    Pem {
        /// The key of the configuration that names it.
        what: &'static str,
        /// What the parser said; never the text itself.
        message: String,
    },
    /// `cert` without `key`, or the reverse.
    #[error("`cert` and `key` go together: one of them is missing")]
    HalfPair,
    /// `min_version` above `max_version`.
    #[error("`min_version` is above `max_version`")]
    NoVersion,
    /// `server_name` is neither a host name nor an address.
    #[error("`{0}` is not a server name")]
    ServerName(String),
    /// There is no root certificate to verify with.
    #[error("no root certificate: the system has none and `ca` is not set")]
    NoRoots,
    /// rustls refuses it: key and certificate do not match, an unknown key type, ...
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
}

/// The client side of TLS as configured. Files are read at each call, so that calling it anew
/// picks up rotated certificates (and a bad pair is an error that leaves the caller's last one).
///
/// A configured `server_name` is verified whatever name the connection asks for; a caller that
/// chooses the name (and so the SNI) of its connections passes `server_name` there as well.
/// No ALPN is set: the caller knows what it speaks.
pub fn client_config(tls: &TlsConfig) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let lowest = tls.min_version.unwrap_or(TlsVersion::Tls12);
    let highest = tls.max_version.unwrap_or(TlsVersion::Tls13);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(lowest, highest)?)?;
    let algorithms = provider.signature_verification_algorithms;
    let name = tls
        .server_name
        .clone()
        .map(|name| ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name)));
    let name = name.transpose()?;
    let (roots, configured) = match tls.insecure_skip_verify {
        true => (Arc::new(RootCertStore::empty()), Vec::new()),
        false => roots(tls)?,
    };
    let verifier: Option<Arc<dyn ServerCertVerifier>> = if tls.insecure_skip_verify {
        Some(Arc::new(AnyServer { algorithms }))
    } else if roots.is_empty() && name.is_none() {
        // Nothing can be verified, and nothing need be where nothing is asked over TLS.
        None
    } else {
        Some(Arc::new(TrustedServer {
            name,
            configured,
            inner: WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider)
                .build()
                .map_err(|_| TlsError::NoRoots)?,
            algorithms,
        }))
    };
    let builder = match verifier {
        Some(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier),
        None => builder.with_root_certificates(roots),
    };
    match (&tls.cert, &tls.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(cert), Some(key)) => {
            let chain = certificates("cert", &read("cert", cert)?)?;
            let key = private_key(&read("key", key)?)?;
            Ok(builder.with_client_auth_cert(chain, key)?)
        }
        _ => Err(TlsError::HalfPair),
    }
}

static ANY_VERSION: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static ONLY_TLS12: [&SupportedProtocolVersion; 1] = [&TLS12];
static ONLY_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];

/// The versions from one to another, as rustls names them.
pub(crate) fn versions(
    lowest: TlsVersion,
    highest: TlsVersion,
) -> Result<&'static [&'static SupportedProtocolVersion], TlsError> {
    match (lowest, highest) {
        (TlsVersion::Tls12, TlsVersion::Tls13) => Ok(&ANY_VERSION),
        (TlsVersion::Tls12, TlsVersion::Tls12) => Ok(&ONLY_TLS12),
        (TlsVersion::Tls13, TlsVersion::Tls13) => Ok(&ONLY_TLS13),
        (TlsVersion::Tls13, TlsVersion::Tls12) => Err(TlsError::NoVersion),
    }
}

/// The system's roots, read once: hundreds of files on some systems, and the same for every job.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    Arc::new(roots)
});

/// The roots to verify with, and those of them that the configuration names.
fn roots(tls: &TlsConfig) -> Result<(Arc<RootCertStore>, Vec<CertificateDer<'static>>), TlsError> {
    let Some(ca) = &tls.ca else {
        return Ok((SYSTEM_ROOTS.clone(), Vec::new()));
    };
    let mut roots = RootCertStore::empty();
    let configured = certificates("ca", &read("ca", ca)?)?;
    for certificate in &configured {
        roots.add(certificate.clone())?;
    }
    Ok((Arc::new(roots), configured))
}

/// The certificates in a text of PEM; at least one.
pub(crate) fn certificates(
    what: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::Pem {
            what,
            message: error.to_string(),
        })?;
    if certificates.is_empty() {
        return Err(TlsError::Pem {
            what,
            message: "no certificate found".to_owned(),
        });
    }
    Ok(certificates)
}

/// The key in a text of PEM.
pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| TlsError::Pem {
        what: "key",
        message: error.to_string(),
    })
}

/// A text of PEM, read now if it is in a file.
pub(crate) fn read(what: &'static str, source: &SecretSource) -> Result<Vec<u8>, TlsError> {
    let path = match source {
        SecretSource::Inline(text) => return Ok(text.expose().as_bytes().to_vec()),
        SecretSource::File(path) => path,
    };
    let failed = |source| TlsError::Read {
        what,
        path: path.clone(),
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > PEM_BYTES_MAX {
        return Err(TlsError::TooLarge {
            what,
            path: path.clone(),
        });
    }
    std::fs::read(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::server::WebPkiClientVerifier;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::document::secret::Secret;

    fn inline(text: &str) -> Option<SecretSource> {
        Some(SecretSource::Inline(Secret::new(text)))
    }

    type Pair = rcgen::CertifiedKey<rcgen::KeyPair>;

    fn pair() -> Pair {
        rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap()
    }

    /// As `openssl req -x509` makes them: self-signed, and allowed to sign others.
    fn authority_pair(expired: bool) -> Pair {
        let mut params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        if expired {
            params.not_after = rcgen::date_time_ymd(2020, 12, 31);
        }
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let cert = params.self_signed(&signing_key).unwrap();
        rcgen::CertifiedKey { cert, signing_key }
    }

    #[tokio::test]
    async fn a_self_signed_certificate_is_its_own_authority() {
        let trusting = |pair: &Pair, name: &str| TlsConfig {
            ca: inline(&pair.cert.pem()),
            server_name: Some(name.to_owned()),
            ..TlsConfig::default()
        };
        let (known, stranger, expired) = (
            authority_pair(false),
            authority_pair(false),
            authority_pair(true),
        );
        let said = async |tls: &TlsConfig, pair: &Pair| handshake(tls, pair).await[0].clone();
        let [_, server] = handshake(&trusting(&known, "a.example"), &known).await;
        assert_eq!(
            server, "peer sent no certificates",
            "the client has taken the server"
        );
        for (tls, pair, why) in [
            (trusting(&known, "b.example"), &known, "CaUsedAsEndEntity"),
            (
                trusting(&stranger, "a.example"),
                &known,
                "CaUsedAsEndEntity",
            ),
            (trusting(&expired, "a.example"), &expired, "xpired"),
        ] {
            let said = said(&tls, pair).await;
            assert!(
                said.contains("invalid peer certificate") && said.contains(why),
                "{said}"
            );
        }
    }

    /// What a client so configured and a server with this pair, which wants the same of clients, say
    /// of each other.
    async fn handshake(tls: &TlsConfig, pair: &Pair) -> [String; 2] {
        let mut clients = RootCertStore::empty();
        clients.add(pair.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(clients.into(), provider.clone());
        let key = PrivateKeyDer::Pkcs8(pair.signing_key.serialize_der().into());
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&ANY_VERSION)
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(vec![pair.cert.der().clone()], key)
            .unwrap();
        let connector = TlsConnector::from(Arc::new(client_config(tls).unwrap()));
        let (here, there) = tokio::io::duplex(16 * 1024);
        let dialled = ServerName::try_from("dialled.example").unwrap();
        let (client, server) = tokio::join!(
            connector.connect(dialled, here),
            TlsAcceptor::from(Arc::new(server)).accept(there)
        );
        let said = |error: io::Error| error.to_string();
        [
            client.map_or_else(said, |s| format!("{:?}", s.get_ref().1.protocol_version())),
            server.map_or_else(said, |_| "taken".to_owned()),
        ]
    }

    #[tokio::test]
    async fn an_unknown_ca_is_refused_and_with_it_configured_both_sides_are_taken() {
        let (known, stranger) = (pair(), pair());
        let with_ca = |pair: &Pair| TlsConfig {
            ca: inline(&pair.cert.pem()),
            server_name: Some("a.example".to_owned()),
            ..TlsConfig::default()
        };
        for (tls, why) in [
            (TlsConfig::default(), "UnknownIssuer"),
            (with_ca(&stranger), "BadSignature"),
        ] {
            let [client, _] = handshake(&tls, &known).await;
            assert_eq!(client, format!("invalid peer certificate: {why}"));
        }
        let [_, server] = handshake(&with_ca(&known), &known).await;
        assert_eq!(server, "peer sent no certificates");
        for (min_version, max_version, spoken) in [
            (Some(TlsVersion::Tls13), None, "Some(TLSv1_3)"),
            (None, Some(TlsVersion::Tls12), "Some(TLSv1_2)"),
        ] {
            let tls = TlsConfig {
                cert: inline(&known.cert.pem()),
                key: inline(&known.signing_key.serialize_pem()),
                min_version,
                max_version,
                ..with_ca(&known)
            };
            assert_eq!(handshake(&tls, &known).await, [spoken, "taken"]);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let pair = pair();
        let half = TlsConfig {
            cert: inline(&pair.cert.pem()),
            ..TlsConfig::default()
        };
        assert!(matches!(client_config(&half), Err(TlsError::HalfPair)));
        let key = TlsConfig {
            cert: inline(&pair.cert.pem()),
            key: inline("hunter2"),
            ..TlsConfig::default()
        };
        let message = client_config(&key).unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
        let missing = TlsConfig {
            ca: Some(SecretSource::File("/nowhere/ca.pem".into())),
            ..TlsConfig::default()
        };
        let message = client_config(&missing).unwrap_err().to_string();
        assert!(
            message.starts_with("cannot read ca `/nowhere/ca.pem`"),
            "{message}"
        );
        let versions = TlsConfig {
            min_version: Some(TlsVersion::Tls13),
            max_version: Some(TlsVersion::Tls12),
            ..TlsConfig::default()
        };
        assert!(matches!(client_config(&versions), Err(TlsError::NoVersion)));
    }
}
