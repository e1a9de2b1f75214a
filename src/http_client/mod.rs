//! Speaking HTTP as an `http_config` wants it: its settings, TLS, which addresses may be dialled, and a
//! client for lists, tokens and evidence. Scrapes, which are hot, speak for themselves.

mod client;
mod dial;
pub(crate) mod raw;
mod resolve;
pub mod settings;
pub mod tls;
pub(crate) mod verifiers;

pub(crate) use self::client::{Prepared, body, reason};
pub use self::dial::DialPolicy;
pub(crate) use self::dial::{Denied, RawDial};
pub(crate) use self::resolve::http;
