//! The HTTP server: hyper under axum's router, because `axum::serve` sets neither a header
//! timeout nor a cap on connections.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::telemetry::Telemetry;

/// Connections served at once; one more is closed at once.
const CONNECTIONS_MAX: usize = 1_024;

/// A client that has not sent its request's headers by then is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of request headers.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// How long requests in flight may take to end at shutdown.
const DRAIN_MAX: Duration = Duration::from_millis(1_500);

/// How long to pause when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `shutdown`, then lets requests in flight end.
pub async fn serve(
    listener: TcpListener,
    router: axum::Router,
    telemetry: Arc<Telemetry>,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX);
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
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
            telemetry.connection_refused();
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = builder
            .serve_connection(TokioIo::new(without_delay(stream)), service)
            .into_owned();
        tokio::spawn(hold(place, graceful.watch(connection)));
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MAX, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(limit = ?DRAIN_MAX, "requests still in flight were cut off");
    }
}

/// Small answers must not wait for the client's acknowledgement.
fn without_delay(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    stream
}

/// Serves one connection; its place is free again when it ends. A client that breaks off is its
/// own business.
async fn hold(
    place: OwnedSemaphorePermit,
    connection: impl Future<Output = Result<(), impl std::fmt::Display>>,
) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}
