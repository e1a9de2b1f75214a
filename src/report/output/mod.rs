//! A report in each format.

mod csv;
mod digest;
mod html;
mod markdown;
mod markup;
mod svg;
mod text;

pub use self::csv::{Table, csv};
pub use self::digest::digest;
pub use self::html::{STYLE, html};
pub use self::markdown::markdown;
pub use self::markup::Markup;
use super::model::Report;

/// The report as JSON, as the API answers it.
pub fn json(report: &Report) -> String {
    // Text, numbers and lists: nothing that cannot be written.
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}
