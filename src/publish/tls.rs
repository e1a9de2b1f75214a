//! `tls_server_config` made into what rustls wants.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{NamedGroup, RootCertStore, ServerConfig, SupportedCipherSuite};
use serde::Deserialize;

use crate::document::secret::SecretSource;
use crate::http_client::settings::TlsVersion;
use crate::http_client::tls::{TlsError, certificates, private_key, read, versions};
use crate::http_client::verifiers::{AllowedSans, AnyClient};

/// `tls_server_config`.
#[derive(Debug)]
pub(super) struct ServerTls {
    pub(super) cert: SecretSource,
    pub(super) key: SecretSource,
    pub(super) client_auth: ClientAuth,
    pub(super) client_ca: Option<SecretSource>,
    pub(super) client_sans: Vec<String>,
    pub(super) versions: (TlsVersion, TlsVersion),
    /// Of TLS 1.2, in the order of preference; empty for all.
    pub(super) cipher_suites: Vec<String>,
    pub(super) prefer_server_order: bool,
    /// In the order of preference; empty for all.
    pub(super) curves: Vec<Curve>,
}

/// `client_auth_type`, named as in Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) enum ClientAuth {
    /// No certificate is asked for.
    #[default]
    NoClientCert,
    /// Asked for, not needed, not verified.
    RequestClientCert,
    /// Needed, not verified.
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    /// Not needed, verified if there is one.
    VerifyClientCertIfGiven,
    /// Needed and verified.
    RequireAndVerifyClientCert,
}

/// `curve_preferences`, named as in Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Curve {
    CurveP256,
    CurveP384,
    X25519,
}

/// Of TLS 1.3, as Go names them: listing them has no effect there, nor here.
pub(super) const CIPHER_SUITES_TLS13: [&str; 3] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

/// The names of TLS 1.2's cipher suites that are spoken, which are those of Go.
pub(super) fn cipher_suites() -> Vec<String> {
    ring::ALL_CIPHER_SUITES
        .iter()
        .filter(|suite| suite.tls13().is_none())
        .map(name)
        .collect()
}

fn name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite())
}

/// What the files of a `tls_server_config` hold.
#[derive(PartialEq, Eq)]
pub(super) struct Pems {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Pems {
    /// Reads them now.
    pub(super) fn read(tls: &ServerTls) -> Result<Self, TlsError> {
        Ok(Self {
            cert: read("cert", &tls.cert)?,
            key: read("key", &tls.key)?,
            client_ca: tls
                .client_ca
                .as_ref()
                .map(|ca| read("client_ca", ca))
                .transpose()?,
        })
    }
}

/// The server's side of TLS.
pub(super) fn server_config(tls: &ServerTls, pems: &Pems) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(provider(tls));
    let (lowest, highest) = tls.versions;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(lowest, highest)?)?;
    let builder = match client_verifier(tls, pems, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config =
        builder.with_single_cert(certificates("cert", &pems.cert)?, private_key(&pems.key)?)?;
    config.ignore_client_order = tls.prefer_server_order;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// ring, with the suites and curves that were chosen, in the order chosen.
fn provider(tls: &ServerTls) -> CryptoProvider {
    let mut provider = ring::default_provider();
    let of_tls12 = |suite: &&SupportedCipherSuite| suite.tls13().is_none();
    let chosen: Vec<SupportedCipherSuite> = tls
        .cipher_suites
        .iter()
        .filter_map(|wanted| {
            let all = ring::ALL_CIPHER_SUITES.iter().filter(of_tls12);
            all.copied().find(|suite| name(suite) == *wanted)
        })
        .collect();
    if !chosen.is_empty() {
        provider
            .cipher_suites
            .retain(|suite| suite.tls13().is_some());
        provider.cipher_suites.extend(chosen);
    }
    if !tls.curves.is_empty() {
        let all = provider.kx_groups;
        provider.kx_groups = tls
            .curves
            .iter()
            .filter_map(|curve| {
                let wanted = match curve {
                    Curve::CurveP256 => NamedGroup::secp256r1,
                    Curve::CurveP384 => NamedGroup::secp384r1,
                    Curve::X25519 => NamedGroup::X25519,
                };
                all.iter().copied().find(|group| group.name() == wanted)
            })
            .collect();
    }
    provider
}

fn client_verifier(
    tls: &ServerTls,
    pems: &Pems,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let algorithms = provider.signature_verification_algorithms;
    let verified = |optional: bool| {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("client_ca", pems.client_ca.as_deref().unwrap_or(b""))? {
            roots.add(certificate)?;
        }
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let builder = if optional {
            builder.allow_unauthenticated()
        } else {
            builder
        };
        builder
            .build()
            .map_err(|error| TlsError::Rustls(rustls::Error::General(error.to_string())))
    };
    let unverified = |mandatory| -> Arc<dyn ClientCertVerifier> {
        Arc::new(AnyClient {
            mandatory,
            algorithms,
        })
    };
    let verifier = match tls.client_auth {
        ClientAuth::NoClientCert => return Ok(None),
        ClientAuth::RequestClientCert => unverified(false),
        ClientAuth::RequireAnyClientCert => unverified(true),
        ClientAuth::VerifyClientCertIfGiven => verified(true)?,
        ClientAuth::RequireAndVerifyClientCert => verified(false)?,
    };
    if tls.client_sans.is_empty() {
        return Ok(Some(verifier));
    }
    Ok(Some(Arc::new(AllowedSans {
        inner: verifier,
        sans: tls.client_sans.clone(),
        algorithms,
    })))
}
