//! TLS in front of a plain server, with a certificate of an authority made for the test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
pub use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
pub use tokio_rustls::rustls::version;

/// Ends TLS and passes what was said on to a plain server.
#[derive(Debug)]
pub struct TlsProxy {
    port: u16,
    directory: TempDir,
    heard: Arc<Mutex<Vec<u8>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsProxy {
    /// Stands in front of 127.0.0.1:`port`, with a certificate for `localhost`.
    #[must_use]
    pub fn before(port: u16) -> Self {
        Self::speaking(&[&version::TLS13, &version::TLS12], port)
    }

    /// The same, of these versions of TLS only.
    #[must_use]
    pub fn speaking(versions: &[&'static SupportedProtocolVersion], port: u16) -> Self {
        let (acceptor, authority) = certificate(versions);
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("authority.pem"), authority).expect("it is writable");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let heard = Arc::default();
        let (stop, stopped) = oneshot::channel();
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let serving = serve(listener, acceptor, target, Arc::clone(&heard));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serving => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            port: own,
            directory,
            heard,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Its own port, on `localhost`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `rediss://localhost:port`
    #[must_use]
    pub fn url(&self) -> String {
        format!("rediss://localhost:{}", self.port)
    }

    /// The file with the authority's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// All that clients said so far, decrypted.
    #[must_use]
    pub fn heard(&self) -> String {
        let heard = self.heard.lock().expect("no panic while held");
        String::from_utf8_lossy(&heard).into_owned()
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn certificate(versions: &[&'static SupportedProtocolVersion]) -> (TlsAcceptor, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(["localhost".to_owned()])
        .expect("a good name")
        .signed_by(&key, &issuer)
        .expect("a certificate");
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .expect("a key that goes with its certificate");
    (TlsAcceptor::from(Arc::new(config)), authority)
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    target: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        let heard = Arc::clone(&heard);
        tokio::spawn(async move {
            // A client that distrusts the certificate hangs up here; the test sees its error.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let Ok(server) = TcpStream::connect(target).await else {
                return;
            };
            let (mut from_client, mut to_client) = tokio::io::split(stream);
            let (mut from_server, mut to_server) = server.into_split();
            let up = async {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                    let said = &buffer[..count];
                    heard.lock().expect("no panic while held").extend(said);
                    if to_server.write_all(said).await.is_err() {
                        break;
                    }
                }
            };
            tokio::select! {
                () = up => {}
                _ = copy(&mut from_server, &mut to_client) => {}
            }
        });
    }
}
