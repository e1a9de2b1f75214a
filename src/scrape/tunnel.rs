//! CONNECT: a way through an HTTP proxy to a TLS server.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::error::{ScrapeError, ScrapeErrorKind};
use super::request::Headers;
use super::stream::Stream;

/// Bytes of the proxy's answer.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Asks the proxy at the other end of `stream` for a connection to `authority`.
///
/// Spoken by hand: the answer to CONNECT has no body and ends HTTP on this connection.
pub(super) async fn open(
    stream: &mut Stream,
    authority: &str,
    headers: &Headers,
) -> Result<(), ScrapeError> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\n").into_bytes();
    headers.write(&mut request);
    let peer = stream.peer;
    let failed =
        |why: String| ScrapeError::new(ScrapeErrorKind::Proxy, format!("proxy {peer}: {why}"));
    let io = &mut stream.io;
    io.write_all(&request)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == ANSWER_BYTES_MAX {
            return Err(failed(format!(
                "its answer is larger than {ANSWER_BYTES_MAX} bytes"
            )));
        }
        // Byte by byte: what follows belongs to TLS. Once for each connection, not each scrape.
        let byte = io
            .read_u8()
            .await
            .map_err(|error| failed(format!("it closed the connection: {error}")))?;
        answer.push(byte);
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or(&[]);
    let line = String::from_utf8_lossy(line);
    match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["HTTP/1.1" | "HTTP/1.0", status, ..] if status.len() == 3 && status.starts_with('2') => {
            Ok(())
        }
        _ => {
            let shown: String = line.chars().take(100).collect();
            Err(failed(format!(
                "it answered CONNECT {authority} with {shown:?}"
            )))
        }
    }
}
