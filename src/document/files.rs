//! Reading configuration files: bounded, UTF-8.

use std::path::Path;

use super::error::{DocumentError, Origin, Position};
use super::yaml::FILE_BYTES_MAX;

/// The file's text.
pub(crate) fn read(origin: &Origin, path: &Path) -> Result<String, DocumentError> {
    let failed = |error: std::io::Error| {
        DocumentError::of_file(origin, format!("cannot be read: {}", system_words(&error)))
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(DocumentError::of_file(origin, "not a file"));
    }
    if metadata.len() > FILE_BYTES_MAX {
        let message = format!("{} bytes are more than {FILE_BYTES_MAX}", metadata.len());
        return Err(DocumentError::of_file(origin, message));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let before = &error.as_bytes()[..good];
        let line = before.iter().filter(|b| **b == b'\n').count() as u64 + 1;
        let start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() as u64 + 1;
        let message = format!("byte 0x{:02x} is not UTF-8", error.as_bytes()[good]);
        DocumentError::at(origin, &text, Position { line, column }, message)
    })
}

/// What the system said, without Rust's `(os error 2)`.
fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    words.to_lowercase()
}
