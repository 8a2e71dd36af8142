//! The way to DynamoDB: hyper and rustls, which trusts the authorities of Mozilla's list, or those of
//! `SSL_CERT_FILE`.
//!
//! The SDK's own client takes authorities as PEM alone, and reads them at the start and with the first
//! call once more: that was most of the publisher's start. Those of `webpki-roots` are read already.

use std::sync::Arc;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{
    CaptureConnection, HttpConnector as TcpConnector, capture_connection,
};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::CONNECT_TIMEOUT;
use crate::settings::{self, InvalidSetting, Source};

const CA_FILE: &str = "SSL_CERT_FILE";

/// A client for an endpoint, which may be one that encrypts.
pub(super) fn client(
    encrypts: bool,
    source: Source<'_>,
) -> Result<SharedHttpClient, InvalidSetting> {
    let file = settings::optional(source, CA_FILE).filter(|_| encrypts);
    let authorities = match file {
        Some(path) => own(&path)?,
        None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
    };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidSetting::new(CA_FILE, error.to_string()))?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    let mut tcp = TcpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(https);
    let connector = SharedHttpConnector::new(Connector(client));
    Ok(http_client_fn(move |_, _| connector.clone()))
}

/// The authorities of a file.
fn own(path: &str) -> Result<RootCertStore, InvalidSetting> {
    let wrong = |what: String| InvalidSetting::new(CA_FILE, format!("{what}: {path}"));
    let pem = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(format!("is malformed: {error}")))?;
        let added = authorities.add(certificate);
        added.map_err(|error| wrong(format!("is malformed: {error}")))?;
    }
    Ok(authorities)
}

/// Makes the SDK's requests.
#[derive(Debug)]
struct Connector(Client<HttpsConnector<TcpConnector>, SdkBody>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let connection = capture_connection(&mut request);
        if let Some(captured) = request.extensions().get::<CaptureSmithyConnection>() {
            captured.set_connection_retriever(move || used(&connection));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            // Whatever went wrong did so on the way, and each of the publisher's requests can be
            // repeated.
            let answer = answer
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The connection that a request went by, which the SDK closes after an answer that it distrusts.
fn used(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let close = move || {
        if let Some(connection) = connection.connection_metadata().as_ref() {
            connection.poison();
        }
    };
    Some(
        ConnectionMetadata::builder()
            .proxied(false)
            .poison_fn(close)
            .build(),
    )
}
