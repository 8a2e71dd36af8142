//! The authorities that vouch for DynamoDB: those of Mozilla's list, which is linked in, since
//! reading the system's took most of the publisher's start; or those of `SSL_CERT_FILE`.

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::settings::{self, InvalidSetting, Source};

const CA_FILE: &str = "SSL_CERT_FILE";

pub(super) fn client(
    http: aws_smithy_http_client::Builder,
    source: Source<'_>,
) -> Result<SharedHttpClient, InvalidSetting> {
    let pem = match settings::optional(source, CA_FILE) {
        None => public(),
        Some(path) => own(&path)?,
    };
    let trusted = TrustStore::empty().with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.map_err(|error| InvalidSetting::new(CA_FILE, error.to_string()))?;
    let ring = Provider::Rustls(CryptoMode::Ring);
    Ok(http.tls_provider(ring).tls_context(context).build_https())
}

/// The authorities of a file. The client would panic on what is no certificate.
fn own(path: &str) -> Result<Vec<u8>, InvalidSetting> {
    let wrong = |what: String| InvalidSetting::new(CA_FILE, format!("{what}: {path}"));
    let pem = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut authorities = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(format!("is malformed: {error}")))?;
        let added = authorities.add(certificate);
        added.map_err(|error| wrong(format!("is malformed: {error}")))?;
    }
    Ok(pem)
}

/// Mozilla's list, in the one form that the client takes.
fn public() -> Vec<u8> {
    let mut pem = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        STANDARD.encode_string(certificate, &mut pem);
        pem.push_str("\n-----END CERTIFICATE-----\n");
    }
    pem.into_bytes()
}
