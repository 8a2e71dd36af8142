//! The connection to the cache: one per environment, remade when it breaks or grows old.
//!
//! `redis` has a connection manager, which reconnects in the background after a back-off. An
//! environment of Lambda handles one event at a time and is frozen in between, timers and tasks
//! included, so a manager would thaw into a reconnect that is already late. Here nothing happens
//! between events: a connection is made when one is needed, and made anew when it turns out to be
//! dropped. As every operation is idempotent, it is then sent once more.

use std::marker::PhantomData;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline,
    RedisConnectionInfo, RedisError, ServerErrorKind, TlsCertificates, Value,
};
use tokio::sync::Mutex;

use super::keys::Keys;
use super::settings::CacheSettings;
use super::token;
use crate::description::Description;
use crate::entity::Entity;
use crate::error::{BoxError, ProjectionError, QueryError, chain};
use crate::settings::{CannotStart, InvalidSetting};
use crate::timestamp::system_now;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const COMMAND_TIMEOUT: Duration = Duration::from_secs(1);
/// ElastiCache ends a connection 12 hours after IAM let it in; half of that leaves room for an
/// event that begins just before.
const MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);

/// The read model of one domain, and the connection to it.
pub struct ReadModel<E> {
    pub(super) description: Description,
    pub(super) keys: Keys,
    entity: PhantomData<E>,
    settings: CacheSettings,
    info: ConnectionInfo,
    held: Mutex<Option<Held>>,
}

struct Held {
    connection: MultiplexedConnection,
    /// By the wall clock: the monotonic one may stand still while the environment is frozen.
    since: SystemTime,
}

/// Why the cache did not do what it was asked. It says what was being done; its source says what
/// came in the way.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The password for IAM could not be signed.
    #[error("cannot sign in to the cache")]
    Sign(#[source] BoxError),
    /// No connection came about, or it was refused.
    #[error("cannot connect to the cache at {address}")]
    Connect {
        /// Host and port.
        address: String,
        /// What came in the way.
        source: RedisError,
    },
    /// The connection broke, or the answer took too long.
    #[error("the cache did not answer")]
    Command(#[source] RedisError),
    /// The cache answered something that its script cannot have answered.
    #[error("the cache answered something unexpected: {0}")]
    Unexpected(String),
}

impl From<CacheError> for QueryError {
    fn from(error: CacheError) -> Self {
        Self::ReadModelUnavailable {
            reason: chain(&error),
            source: Box::new(error),
        }
    }
}

impl From<CacheError> for ProjectionError {
    fn from(error: CacheError) -> Self {
        Self::ReadModelUnavailable {
            reason: chain(&error),
            source: Box::new(error),
        }
    }
}

impl<E> std::fmt::Debug for ReadModel<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadModel")
            .field("address", &self.settings.address())
            .finish_non_exhaustive()
    }
}

impl<E: Entity> ReadModel<E> {
    /// Prepares the connection that `settings` describe. Nothing is connected yet: the first poll
    /// for an event should not wait for the cache.
    ///
    /// # Errors
    /// When the private authority's certificate is malformed, or the domain cannot work.
    pub fn new(settings: CacheSettings) -> Result<Self, CannotStart> {
        install_crypto();
        let info = connection_info(&settings)?;
        let description = Description::of::<E>()?;
        Ok(Self {
            keys: Keys::of(&description),
            description,
            entity: PhantomData,
            settings,
            info,
            held: Mutex::new(None),
        })
    }

    /// What the domain says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    pub(super) fn settings(&self) -> &CacheSettings {
        &self.settings
    }

    /// Who a new connection is: with IAM the function's user, with a token made now.
    pub(super) fn credentials(&self) -> Result<RedisConnectionInfo, CacheError> {
        let redis = RedisConnectionInfo::default().set_skip_set_lib_name();
        let Some(iam) = &self.settings.iam else {
            return Ok(redis);
        };
        let token = token::token(iam, system_now()).map_err(CacheError::Sign)?;
        Ok(redis.set_username(&iam.user).set_password(token))
    }

    /// Sends `pipeline` in one round trip and answers what the server said to each command, be it
    /// an error.
    ///
    /// A dropped connection is made anew and the pipeline sent once more. After a timeout it is
    /// not: the server may be at it still, and the event has a deadline; but the connection is
    /// given up, in case it is the network that swallows the answers.
    pub(super) async fn send(&self, pipeline: &Pipeline) -> Result<Vec<Value>, CacheError> {
        let mut held = self.held.lock().await;
        drop(held.take_if(|held| too_old(held.since, system_now())));
        match self.attempt(&mut held, pipeline).await {
            Err(CacheError::Command(error)) if !error.is_timeout() => {
                tracing::warn!(cause = %chain(&error), "the connection to the cache broke; making it anew");
                self.attempt(&mut held, pipeline).await
            }
            outcome => outcome,
        }
    }

    async fn attempt(
        &self,
        held: &mut Option<Held>,
        pipeline: &Pipeline,
    ) -> Result<Vec<Value>, CacheError> {
        let mut current = match held.take() {
            Some(held) => held,
            None => self.connect().await?,
        };
        let answers = current
            .connection
            .send_packed_commands(pipeline, 0, pipeline.len())
            .await
            .map_err(CacheError::Command)?;
        // A demoted primary keeps its connections and refuses writes for good; a new connection
        // finds the new one. The answers are still returned: the caller reports them.
        if !answers.iter().any(is_servers_fault) {
            *held = Some(current);
        }
        Ok(answers)
    }

    async fn connect(&self) -> Result<Held, CacheError> {
        let redis = self.credentials()?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT));
        let refused = |source| CacheError::Connect {
            address: self.settings.address(),
            source,
        };
        let connection = Client::open(self.info.clone().set_redis_settings(redis))
            .map_err(refused)?
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(refused)?;
        Ok(Held {
            connection,
            since: system_now(),
        })
    }
}

fn too_old(since: SystemTime, now: SystemTime) -> bool {
    // A clock that was set back says nothing about the age: take it as old.
    now.duration_since(since).map_or(true, |age| age > MAX_AGE)
}

/// Whether the server says that it, and not the command, is the trouble.
pub(super) fn is_servers_fault(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if matches!(
        error.kind(),
        Some(
            ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::NoPerm
        )
    ) || error.code() == "NOAUTH")
}

/// What `answer` says went wrong.
pub(super) fn server_error(answer: &Value) -> Option<CacheError> {
    match answer {
        Value::ServerError(error) => Some(CacheError::Command(error.clone().into())),
        _ => None,
    }
}

fn connection_info(settings: &CacheSettings) -> Result<ConnectionInfo, InvalidSetting> {
    let host = settings.host.clone();
    let port = settings.port;
    let malformed =
        |error: RedisError| InvalidSetting::new("CACHE_CA_FILE", format!("is malformed: {error}"));
    let address = match &settings.tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(_) => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        },
    };
    let info = address.into_connection_info().map_err(malformed)?;
    let info = match settings.tls.as_ref().and_then(|tls| tls.authority.clone()) {
        None => info,
        Some(authority) => {
            let certificates = TlsCertificates {
                client_tls: None,
                root_cert: Some(authority),
            };
            Client::build_with_tls(info, certificates)
                .map_err(malformed)?
                .get_connection_info()
                .clone()
        }
    };
    // Commands are small and one at a time: waiting to fill a segment only delays them.
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

/// Makes ring the process's cryptography, unless it has one already.
pub(super) fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only if another is installed, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_old_after_6_hours_or_when_the_clock_was_set_back() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
        assert!(!too_old(since, since));
        assert!(!too_old(since, since + hours(6)));
        assert!(too_old(since, since + hours(6) + Duration::from_secs(1)));
        assert!(too_old(since, since - Duration::from_secs(1)));
    }
}
