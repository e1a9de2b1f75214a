//! `tls_server_config` made into what rustls wants.

use crate::document::secret::SecretSource;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, NamedGroup, RootCertStore,
    ServerConfig, SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};

use crate::http_client::settings::TlsVersion;
use crate::http_client::tls::{TlsError, certificates, private_key, read};

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
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(tls))?;
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

static ANY_VERSION: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static ONLY_TLS12: [&SupportedProtocolVersion; 1] = [&TLS12];
static ONLY_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];

fn versions(tls: &ServerTls) -> &'static [&'static SupportedProtocolVersion] {
    match tls.versions {
        (TlsVersion::Tls12, TlsVersion::Tls12) => &ONLY_TLS12,
        (TlsVersion::Tls13, _) => &ONLY_TLS13,
        (TlsVersion::Tls12, TlsVersion::Tls13) => &ANY_VERSION,
    }
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
        Arc::new(Unverified {
            mandatory,
            provider: Arc::clone(&provider),
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
    })))
}

/// Takes any certificate whose key the client holds.
#[derive(Debug)]
struct Unverified {
    mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Unverified {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// `client_allowed_sans`: one name of the certificate must be among them, letter by letter.
#[derive(Debug)]
struct AllowedSans {
    inner: Arc<dyn ClientCertVerifier>,
    sans: Vec<String>,
}

impl AllowedSans {
    fn allows(&self, certificate: &CertificateDer<'_>) -> Result<bool, rustls::Error> {
        let certificate = webpki::EndEntityCert::try_from(certificate)
            .map_err(|_| rustls::Error::from(CertificateError::BadEncoding))?;
        let listed = |name: &str| self.sans.iter().any(|san| san == name);
        if certificate.valid_dns_names().any(listed) || certificate.valid_uri_names().any(listed) {
            return Ok(true);
        }
        let addresses = self
            .sans
            .iter()
            .filter_map(|san| san.parse::<IpAddr>().ok());
        Ok(addresses.map(ServerName::from).any(|address| {
            certificate
                .verify_is_valid_for_subject_name(&address)
                .is_ok()
        }))
    }
}

impl ClientCertVerifier for AllowedSans {
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self
            .inner
            .verify_client_cert(end_entity, intermediates, now)?;
        match self.allows(end_entity)? {
            true => Ok(verified),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
