//! Mutual TLS 1.3 between validators, pinned to their Ed25519 identity keys.
//!
//! The keys travel as raw public keys (RFC 7250): there is no certificate authority, no name and no expiry to get wrong.
//! A connection stands only if both sides hold a key of the validator set; the dialling side expects one certain key.
//! Sessions are never resumed and no early data is taken, so every connection proves its key anew.

use super::roster::Roster;
use crate::tap;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use protocol::types::PublicKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, OtherError,
    ServerConfig, SignatureScheme,
};
use std::io;
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Subject public key info of an Ed25519 key: this head, then the 32 bytes (RFC 8410).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a peer's key was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the peer's key {0} is in no validator set")]
    Unknown(PublicKey),
    #[error("the peer's key is {got}, dialled was {expected}")]
    Other { expected: PublicKey, got: PublicKey },
    #[error("the peer connected with this node's own key")]
    Mine,
    #[error("the peer's key is no Ed25519 key")]
    NotEd25519,
}

/// Why TLS was not established.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the peer refused this node's key: it is not in the peer's validator set")]
    KeyRefused,
    #[error("TLS failed: {0}")]
    Other(String),
}

impl TlsError {
    /// Finds the reason in what the TLS stream reported.
    pub fn of(error: &io::Error) -> Option<TlsError> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
                match cause.downcast_ref::<KeyError>() {
                    Some(key) => TlsError::Key(key.clone()),
                    None => TlsError::Other(error.to_string()),
                }
            }
            rustls::Error::AlertReceived(AlertDescription::CertificateUnknown) => TlsError::KeyRefused,
            other => TlsError::Other(other.to_string()),
        })
    }
}

/// Makes the TLS side of connections. Holds the private key, which it never shows.
pub struct Tls {
    provider: Arc<CryptoProvider>,
    identity: Arc<CertifiedKey>,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// # Errors
    /// If the key cannot be used for TLS, which no Ed25519 key is.
    pub fn new(key: &SigningKey, roster: &Arc<Roster>) -> Result<Tls, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let identity = Arc::new(identity(key)?);
        let verifier = Arc::new(Verifier {
            algorithms: provider.signature_verification_algorithms,
            wanted: Wanted::AnyOf(Arc::clone(roster)),
        });
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(other)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::clone(&identity))));
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Tls { provider, identity, acceptor: TlsAcceptor::from(Arc::new(server)) })
    }

    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// A connector that accepts this one key.
    ///
    /// # Errors
    /// Never with the provider that is built in.
    pub fn connector(&self, expected: PublicKey) -> Result<TlsConnector, TlsError> {
        let verifier =
            Verifier { algorithms: self.provider.signature_verification_algorithms, wanted: Wanted::One(expected) };
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::clone(&self.identity))));
        client.resumption = Resumption::disabled();
        client.enable_sni = false;
        Ok(TlsConnector::from(Arc::new(client)))
    }
}

/// The name that TLS wants for the server; keys are pinned, so it means nothing and is not sent.
pub fn server_name() -> ServerName<'static> {
    ServerName::try_from("validator").expect("a valid DNS name")
}

/// The key that the peer of an established connection proved to hold.
///
/// # Errors
/// [`KeyError::NotEd25519`] if it showed none, which the verifiers do not let happen.
pub fn peer_key(connection: &rustls::CommonState) -> Result<PublicKey, KeyError> {
    connection.peer_certificates().and_then(|keys| keys.first()).map_or(Err(KeyError::NotEd25519), spki_key)
}

fn identity(key: &SigningKey) -> Result<CertifiedKey, TlsError> {
    let pkcs8 = key.to_pkcs8_der().map_err(other)?;
    let signer = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8.as_bytes())).map_err(other)?;
    let mut spki = SPKI_HEAD.to_vec();
    spki.extend_from_slice(key.verifying_key().as_bytes());
    Ok(CertifiedKey::new(vec![CertificateDer::from(spki)], signer))
}

fn other(error: impl std::fmt::Display) -> TlsError {
    TlsError::Other(error.to_string())
}

fn spki_key(spki: &CertificateDer<'_>) -> Result<PublicKey, KeyError> {
    let key = spki.strip_prefix(SPKI_HEAD.as_slice()).ok_or(KeyError::NotEd25519)?;
    key.try_into().map(PublicKey).map_err(|_| KeyError::NotEd25519)
}

#[derive(Debug)]
enum Wanted {
    AnyOf(Arc<Roster>),
    One(PublicKey),
}

/// Accepts the keys that are wanted, from either side of a connection.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    wanted: Wanted,
}

impl Verifier {
    fn check(&self, presented: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let got = spki_key(presented).map_err(refuse)?;
        match &self.wanted {
            Wanted::One(expected) if got == *expected => Ok(()),
            Wanted::One(expected) => Err(refuse(KeyError::Other { expected: *expected, got })),
            Wanted::AnyOf(roster) if got == roster.my_key() => Err(refuse(KeyError::Mine)),
            Wanted::AnyOf(roster) if roster.index_of(&got).is_some() => Ok(()),
            Wanted::AnyOf(_) => Err(refuse(KeyError::Unknown(got))),
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        spki: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        tap::network::handshake_checked();
        let spki = SubjectPublicKeyInfoDer::from(spki.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, signature, &self.algorithms)
    }
}

/// The alert that goes with it is `certificate_unknown`, by which the peer learns that its key was the reason.
fn refuse(error: KeyError) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

fn tls12() -> rustls::Error {
    rustls::Error::General("TLS 1.2 is not spoken here".into())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        presented: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(presented).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        spki: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, spki, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        presented: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(presented).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        spki: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, spki, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
