//! The lines of a body that goes on.

use reqwest::Response;

use crate::http_client::reason;

/// Bytes of a line: objects are smaller than what etcd takes, 1.5 MiB by default.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads a body line by line.
pub(super) struct Lines {
    response: Response,
    buffer: Vec<u8>,
    /// How much of the buffer was handed out.
    read: usize,
}

impl Lines {
    pub(super) fn of(response: Response) -> Self {
        Self {
            response,
            buffer: Vec::new(),
            read: 0,
        }
    }

    /// The next line that is not empty; `None` at the end of the body, whatever is left of a line. Dropping this
    /// future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, String> {
        loop {
            let rest = &self.buffer[self.read..];
            if let Some(length) = memchr::memchr(b'\n', rest) {
                let start = self.read;
                self.read += length + 1;
                if rest[..length].trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(&self.buffer[start..start + length]));
            }
            self.buffer.drain(..self.read);
            self.read = 0;
            if self.buffer.len() > LINE_BYTES_MAX {
                return Err(format!("a line is longer than {LINE_BYTES_MAX} bytes"));
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => return Ok(None),
                Err(error) => return Err(reason(&error)),
            }
        }
    }
}
