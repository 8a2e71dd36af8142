//! The way to AWS: through a proxy where the environment names one, and with the certificates of a
//! bundle where one is named.

use std::sync::Arc;

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::sources::{Setting, SourceError, Sources, expanded, without_password};

/// The variables that name proxies, and those that name what is reached without.
const PROXIES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    bundle: Option<Bundle>,
}

/// Certificates that are trusted instead of the system's.
#[derive(Clone, Debug)]
struct Bundle {
    path: String,
    pem: Arc<Vec<u8>>,
}

impl Way {
    pub(super) fn of(sources: &Sources) -> Result<Self, SourceError> {
        let named = sources.get("AWS_CA_BUNDLE", "ca_bundle");
        let bundle = named.map(Bundle::read).transpose()?;
        Ok(Self { bundle })
    }

    pub(super) fn client(&self) -> SharedHttpClient {
        let way = self.clone();
        Builder::new().build_with_connector_fn(move |settings, components| {
            let sleep = components.and_then(|components| components.sleep_impl());
            way.connector(settings.cloned(), sleep)
        })
    }

    /// For one connection, encrypted where the address says so.
    pub(super) fn connector(
        &self,
        settings: Option<HttpConnectorSettings>,
        sleep: Option<SharedAsyncSleep>,
    ) -> Connector {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder
            .set_connector_settings(settings)
            .set_sleep_impl(sleep);
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let mut builder = builder.tls_provider(ring);
        if let Some(bundle) = &self.bundle {
            let trusted = TrustStore::empty().with_pem_certificate(bundle.pem.to_vec());
            let context = TlsContext::builder().with_trust_store(trusted).build();
            builder.set_tls_context(context.unwrap_or_default());
        }
        builder.build()
    }

    /// What of it is not as usual, for a person to read.
    pub(crate) fn described(&self) -> Vec<String> {
        let proxies = PROXIES.iter().filter_map(|name| {
            let value = std::env::var(name).ok()?;
            Some(format!("{name} {}", without_password(&value)))
        });
        let bundle = self.bundle.iter();
        let bundle = bundle.map(|bundle| format!("certificates of {}", bundle.path));
        proxies.chain(bundle).collect()
    }
}

impl Bundle {
    /// Reads the file, in which each certificate must be one: the SDK ends the process at others.
    fn read(named: Setting) -> Result<Self, SourceError> {
        let path = expanded(&named.value).display().to_string();
        let pem = std::fs::read(&path).map_err(|source| SourceError::Unreadable {
            path: format!("{path}, which {} names", named.place),
            source,
        })?;
        let bad = |why: String| SourceError::BadValue {
            place: named.place.clone(),
            value: path.clone(),
            why,
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| bad(format!("it is no PEM: {error}")))?;
            let added = roots.add(certificate);
            added.map_err(|error| bad(format!("a certificate of it cannot be used: {error}")))?;
        }
        if roots.is_empty() {
            return Err(bad("it holds no certificate (PEM)".to_owned()));
        }
        let pem = Arc::new(pem);
        Ok(Self { path, pem })
    }
}
