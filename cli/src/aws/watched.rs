//! The HTTP client of a stack on this machine: a process that is stopped is not taken for
//! one that is slow, and is not asked again.

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;

use super::process::Process;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Watched {
    process: Process,
    http: SharedHttpClient,
}

impl Watched {
    pub(super) fn new(process: Process) -> Self {
        let http = Builder::new().build_http();
        Self { process, http }
    }
}

impl HttpClient for Watched {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let http = self.http.http_connector(settings, components);
        let process = self.process;
        Connector { process, http }.into_shared()
    }
}

#[derive(Debug)]
struct Connector {
    process: Process,
    http: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (process, call) = (self.process, self.http.call(request));
        HttpConnectorFuture::new(async move {
            match process.unless_silent(call).await {
                Ok(answer) => answer,
                Err(silent) => Err(ConnectorError::user(silent.into())),
            }
        })
    }
}
