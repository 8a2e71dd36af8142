//! The way to the cache, one step at a time and on a connection of its own.
//!
//! `redis` connects in one step and says in one sentence what came of it. Here each step is taken
//! by itself, with a limit of its own; together they end before the function's time does.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::cache::{ReadModel, install_crypto};
use super::settings::{CacheSettings, Tls};
use crate::diagnosis::{Diagnosis, StepName};
use crate::entity::Entity;
use crate::error::{QueryError, chain};

const RESOLVE_LIMIT: Duration = Duration::from_secs(2);
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const TLS_LIMIT: Duration = Duration::from_secs(2);
const COMMAND_LIMIT: Duration = Duration::from_secs(1);

/// Why a step failed; it is in the diagnosis already.
struct Stopped;

impl<E: Entity> ReadModel<E> {
    /// Goes the way to the cache and says how far it came. The connection held for queries is left alone.
    pub async fn diagnose(&self) -> Diagnosis {
        install_crypto();
        let mut diagnosis = Diagnosis::begin();
        // How far it came is in the diagnosis.
        let _ = self.go(&mut diagnosis).await;
        diagnosis
    }

    /// The same, and then whether the read model is complete.
    pub async fn diagnose_contents(&self) -> Diagnosis {
        let mut diagnosis = self.diagnose().await;
        if diagnosis.failed().is_none() {
            let began = Instant::now();
            let outcome = match self.ping().await {
                Ok(ping) if ping.complete => Ok(format!("{} {}", ping.count, E::PLURAL)),
                Ok(_) => Err(QueryError::ReadModelIncomplete.to_string()),
                Err(error) => Err(chain(&error)),
            };
            diagnosis.add(StepName::Contents, began, outcome);
        }
        diagnosis
    }

    async fn go(&self, diagnosis: &mut Diagnosis) -> Result<(), Stopped> {
        let CacheSettings {
            host, port, tls, ..
        } = self.settings();
        let addresses = step(diagnosis, StepName::Resolve, RESOLVE_LIMIT, async {
            let found = lookup_host((host.as_str(), *port)).await;
            let found: Vec<SocketAddr> = found.map_err(|e| format!("{host}: {e}"))?.collect();
            let names: Vec<String> = found.iter().map(|a| a.ip().to_string()).collect();
            Ok((found, names.join(", ")))
        })
        .await?;
        let stream = step(
            diagnosis,
            StepName::Connect,
            CONNECT_LIMIT,
            connect(&addresses),
        )
        .await?;
        match tls {
            None => self.sign_in(stream, diagnosis).await,
            Some(tls) => {
                let work = encrypt(stream, host, tls);
                let stream = step(diagnosis, StepName::Tls, TLS_LIMIT, work).await?;
                self.sign_in(stream, diagnosis).await
            }
        }
    }

    async fn sign_in<S>(&self, stream: S, diagnosis: &mut Diagnosis) -> Result<(), Stopped>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let began = Instant::now();
        let opened = timeout(COMMAND_LIMIT, self.open(stream)).await;
        let user = self.settings().iam.as_ref().map(|iam| iam.user.as_str());
        let mut connection = match opened.unwrap_or_else(|_| Err(late(COMMAND_LIMIT))) {
            Ok(connection) => connection,
            Err(reason) => {
                diagnosis.add(StepName::Auth, began, Err(reason));
                return Err(Stopped);
            }
        };
        if let Some(user) = user {
            diagnosis.add(StepName::Auth, began, Ok(format!("as {user}")));
        }
        let began = Instant::now();
        let command = redis::cmd("PING");
        let asked = command.query_async::<String>(&mut connection);
        let answered = timeout(COMMAND_LIMIT, asked).await;
        let outcome = match answered {
            Err(_) => Err(late(COMMAND_LIMIT)),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.code() == Some("NOAUTH") => {
                let reason = "the cache asks for a password, and the function has none";
                diagnosis.add(StepName::Auth, began, Err(reason.to_owned()));
                return Err(Stopped);
            }
            Ok(Err(error)) => Err(chain(&error)),
        };
        let answered = outcome.is_ok();
        diagnosis.add(StepName::Ping, began, outcome);
        if answered { Ok(()) } else { Err(Stopped) }
    }

    /// Speaks Redis on `stream`, signed in where the settings say how.
    async fn open<S>(&self, stream: S) -> Result<MultiplexedConnection, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let info: RedisConnectionInfo = self.credentials().map_err(|e| chain(&e))?;
        // The limits are the steps' own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let opened = MultiplexedConnection::new_with_config(&info, stream, config).await;
        let (connection, driver) = opened.map_err(|error: RedisError| chain(&error))?;
        // Ends with the connection.
        tokio::spawn(driver);
        Ok(connection)
    }
}

/// Takes one step; its outcome is a value for the next, and what to say of it.
async fn step<T>(
    diagnosis: &mut Diagnosis,
    name: StepName,
    limit: Duration,
    work: impl Future<Output = Result<(T, String), String>>,
) -> Result<T, Stopped> {
    let began = Instant::now();
    match timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(late(limit)))
    {
        Ok((value, detail)) => {
            diagnosis.add(name, began, Ok(detail));
            Ok(value)
        }
        Err(reason) => {
            diagnosis.add(name, began, Err(reason));
            Err(Stopped)
        }
    }
}

fn late(limit: Duration) -> String {
    format!("no answer within {} s", limit.as_secs())
}

/// The first address that takes a connection; the last one's refusal where none does.
async fn connect(addresses: &[SocketAddr]) -> Result<(TcpStream, String), String> {
    let mut refusal = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Only speed is lost without it.
                let _ = stream.set_nodelay(true);
                return Ok((stream, address.to_string()));
            }
            Err(error) => refusal = format!("{address}: {error}"),
        }
    }
    Err(refusal)
}

async fn encrypt(
    stream: TcpStream,
    host: &str,
    tls: &Tls,
) -> Result<(tokio_rustls::client::TlsStream<TcpStream>, String), String> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in CertificateDer::pem_slice_iter(tls.authority.as_deref().unwrap_or_default())
    {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    let stream = connected.map_err(|error| chain(&error))?;
    let version = stream.get_ref().1.protocol_version();
    // `TLSv1_3`
    let version = version.and_then(|version| version.as_str());
    let version = version.unwrap_or("TLS").replace("TLSv", "TLS ");
    Ok((stream, version.replace('_', ".")))
}
