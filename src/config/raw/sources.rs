//! Sources of evidence as written.

use super::super::value::{Interval, ShownUrl};
use super::super::yaml::At;
use super::http::with_http_keys;
use crate::sources::SourceKind;

with_http_keys! {
    /// An entry of `sources`.
    struct RawSource {
        name: Option<At<String>>,
        kind: Option<At<SourceKind>>,
        url: Option<At<ShownUrl>>,
        environments: Option<Vec<String>>,
        interval: Option<Interval>,
        timeout: Option<Interval>,
    }
}
