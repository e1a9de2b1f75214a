//! The HTTP server: hyper under axum's router, because `axum::serve` sets neither a header
//! timeout nor a cap on connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::routes::router;
use super::web::Web;

/// How long requests in flight may take to end at shutdown.
const DRAIN_MAX: Duration = Duration::from_millis(1_500);

/// How long to pause when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one client may take of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections served at once; one more is closed at once.
    pub connections_max: usize,
    /// A client that has not sent its request's headers by then is cut off, as is one that sends
    /// no next request.
    pub header_timeout: Duration,
    /// Bytes of request headers.
    pub header_bytes_max: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// A client that takes no byte of its answer for so long is cut off.
    pub write_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            header_timeout: Duration::from_secs(10),
            header_bytes_max: 16 * 1024,
            handshake_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves `app` on `listener` until `shutdown`, then lets requests in flight end.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    limits: ServerLimits,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes_max);
    let server = Arc::new(Server {
        router: router(Arc::clone(&app)),
        app,
        builder,
        limits,
        shutdown,
    });
    loop {
        let accepted = tokio::select! {
            () = server.shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            server.app.telemetry.connection_refused();
            continue;
        };
        let connection = Arc::clone(&server).connection(stream, graceful.watcher());
        tokio::spawn(hold(place, connection));
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MAX, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(limit = ?DRAIN_MAX, "requests still in flight were cut off");
    }
}

/// Serves one connection; its place is free again when it ends.
async fn hold(place: OwnedSemaphorePermit, connection: impl Future<Output = ()>) {
    connection.await;
    drop(place);
}

/// What all connections share.
struct Server {
    router: axum::Router,
    app: Arc<App>,
    builder: http1::Builder,
    limits: ServerLimits,
    shutdown: CancellationToken,
}

impl Server {
    async fn connection(self: Arc<Self>, stream: TcpStream, watcher: Watcher) {
        let stream = without_delay(stream);
        let Some(web) = &self.app.guard.web else {
            return self.speak(stream, watcher).await;
        };
        web.refresh(&self.app.telemetry).await;
        match self.acceptor(web) {
            None => self.speak(stream, watcher).await,
            Some(acceptor) => {
                if let Some(stream) = self.handshake(&acceptor, stream).await {
                    self.speak(stream, watcher).await;
                }
            }
        }
    }

    fn acceptor(&self, web: &Web) -> Option<TlsAcceptor> {
        web.in_force().tls.clone().map(TlsAcceptor::from)
    }

    /// A handshake under its deadline.
    async fn handshake(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
    ) -> Option<TlsStream<TcpStream>> {
        let accepted = tokio::select! {
            () = self.shutdown.cancelled() => return None,
            accepted = tokio::time::timeout(self.limits.handshake_timeout, acceptor.accept(stream)) => accepted,
        };
        let (result, stream) = match accepted {
            Ok(Ok(stream)) => ("ok", Some(stream)),
            // A port that is only tried, as load balancers do.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => ("closed", None),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                ("failed", None)
            }
            Err(_) => {
                tracing::debug!(limit = ?self.limits.handshake_timeout, "a TLS handshake did not end in time");
                ("timeout", None)
            }
        };
        self.app.telemetry.handshake(result);
        stream
    }

    /// A client that breaks off is its own business.
    async fn speak<S>(&self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        // Whoever asks and never reads would hold the connection, and its answer, for ever.
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.limits.write_timeout));
        let service = TowerToHyperService::new(self.router.clone());
        let connection = self
            .builder
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Small answers must not wait for the client's acknowledgement.
fn without_delay(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    stream
}
