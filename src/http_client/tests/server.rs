//! A server that does whatever a test tells it to, on raw connections.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Stops with its connections when dropped, and fails the test where it panicked in one of them.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    panics: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let is_sound = std::thread::panicking() || self.panics.load(SeqCst) == 0;
        assert!(is_sound, "the server panicked");
    }
}

impl Server {
    /// Hands each connection, with its number from 0, to `behave`.
    pub(crate) async fn start<F, B>(behave: B) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        B: Fn(TcpStream, usize) -> F + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let panics = Arc::new(AtomicUsize::new(0));
        let (counter, panicked) = (connections.clone(), panics.clone());
        let task = tokio::spawn(async move {
            let mut running = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (stream, _) = accepted.unwrap();
                        running.spawn(behave(stream, counter.fetch_add(1, SeqCst)));
                    }
                    Some(ended) = running.join_next() => {
                        panicked.fetch_add(usize::from(ended.is_err()), SeqCst);
                    }
                }
            }
        });
        Self {
            address,
            connections,
            panics,
            task,
        }
    }

    /// Answers every request of every connection with these bytes, then closes if `close`.
    pub(crate) async fn answering(response: impl Into<Vec<u8>>) -> Self {
        let response: Arc<[u8]> = response.into().into();
        Self::start(move |mut stream, _| {
            let response = response.clone();
            async move {
                while request(&mut stream).await.is_some() {
                    if stream.write_all(&response).await.is_err() {
                        break;
                    }
                }
            }
        })
        .await
    }

    /// Answers as [`Server::answering`] does, and keeps the heads of requests.
    pub(crate) async fn listening(response: impl Into<Vec<u8>>) -> (Self, Arc<Mutex<Vec<String>>>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (keep, response) = (heard.clone(), Arc::<[u8]>::from(response.into()));
        let server = Self::start(move |mut stream, _| {
            let (keep, response) = (keep.clone(), response.clone());
            async move {
                while let Some(head) = request(&mut stream).await {
                    keep.lock().unwrap().push(head);
                    send(&mut stream, &response).await;
                }
            }
        })
        .await;
        (server, heard)
    }

    /// Answers the first request of each connection, then closes it.
    pub(crate) async fn answering_once(response: impl Into<Vec<u8>>) -> Self {
        let response: Arc<[u8]> = response.into().into();
        Self::start(move |mut stream, _| {
            let response = response.clone();
            async move {
                request(&mut stream).await;
                send(&mut stream, &response).await;
            }
        })
        .await
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// Reads one request head; `None` at the end of the connection.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Reads one request with its body: head and body.
pub(crate) async fn post(stream: &mut TcpStream) -> Option<(String, String)> {
    let head = request(stream).await?;
    let length = head.split("content-length: ").nth(1)?.split('\r').next()?;
    let mut body = vec![0; length.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

/// Writes what the peer is willing to take.
pub(crate) async fn send(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).await.is_ok()
}

/// Waits until the test is over.
pub(crate) async fn hang() {
    std::future::pending().await
}

/// A response with Content-Length and the given extra header lines.
pub(crate) fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    response.extend_from_slice(body);
    response
}
