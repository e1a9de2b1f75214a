//! Whose certificates are taken, where that is other than rustls's own verifiers have it. In either
//! direction the peer must hold its certificate's key.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};

/// The methods in which the verifiers do not differ: signatures are checked with `self.algorithms`.
macro_rules! signatures_are_checked {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls12_signature(message, certificate, signature, &self.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls13_signature(message, certificate, signature, &self.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

/// Verifies by the roots, with two differences: a configured name stands in for the dialled one, and a
/// certificate that is itself among the configured ones is taken though it calls itself an authority, as
/// Go's and OpenSSL's verifiers take a self-signed one.
#[derive(Debug)]
pub(super) struct TrustedServer {
    pub(super) name: Option<ServerName<'static>>,
    /// What `ca` holds; empty where the system's roots verify.
    pub(super) configured: Vec<CertificateDer<'static>>,
    pub(super) inner: Arc<WebPkiServerVerifier>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl TrustedServer {
    /// Whether the one thing wrong with a certificate is that it may sign others, and it is one that the
    /// operator wrote down. Its time was looked at before that, its name was not.
    fn is_configured(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        error: &rustls::Error,
    ) -> bool {
        let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error else {
            return false;
        };
        let is_authority = matches!(
            other.0.downcast_ref::<webpki::Error>(),
            Some(webpki::Error::CaUsedAsEndEntity)
        );
        is_authority
            && self.configured.iter().any(|known| known == certificate)
            && webpki::EndEntityCert::try_from(certificate)
                .is_ok_and(|parsed| parsed.verify_is_valid_for_subject_name(name).is_ok())
    }
}

impl ServerCertVerifier for TrustedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let name = self.name.as_ref().unwrap_or(dialled);
        let verified =
            self.inner
                .verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        verified.or_else(|error| match self.is_configured(end_entity, name, &error) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(error),
        })
    }

    signatures_are_checked!();
}

/// `insecure_skip_verify`: any certificate will do.
#[derive(Debug)]
pub(super) struct AnyServer {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    signatures_are_checked!();
}

/// `RequestClientCert`, `RequireAnyClientCert`: any certificate will do.
#[derive(Debug)]
pub(crate) struct AnyClient {
    pub(crate) mandatory: bool,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyClient {
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

    signatures_are_checked!();
}

/// `client_allowed_sans`: one name of the certificate must be among them, letter by letter.
#[derive(Debug)]
pub(crate) struct AllowedSans {
    pub(crate) inner: Arc<dyn ClientCertVerifier>,
    pub(crate) sans: Vec<String>,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
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

    signatures_are_checked!();
}
