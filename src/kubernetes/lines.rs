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

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: impl Into<reqwest::Body>) -> Lines {
        Lines::of(Response::from(http::Response::new(body.into())))
    }

    #[tokio::test]
    async fn a_line_at_a_time_and_no_half_of_one() {
        let mut lines = lines("{}\n\n \n{\"a\": 1}\nhalf");
        for expected in [Some(&b"{}"[..]), Some(b"{\"a\": 1}"), None] {
            assert_eq!(lines.next().await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn fault_42_a_line_without_end_is_cut() {
        let mut lines = lines(vec![b'x'; LINE_BYTES_MAX + 1]);
        let error = lines.next().await.unwrap_err();
        assert_eq!(error, "a line is longer than 16777216 bytes");
    }
}
