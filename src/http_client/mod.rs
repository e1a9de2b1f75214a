//! Speaking HTTP as an `http_config` wants it: its settings, TLS, which addresses may be dialled, and a
//! client for lists, tokens and evidence. Scrapes, which are hot, speak for themselves.

mod client;
mod dial;
pub(crate) mod oauth2;
pub(crate) mod proxy;
pub(crate) mod raw;
mod reach;
mod resolve;
mod resolver;
pub mod settings;
mod shared;
pub mod tls;
mod transport;
pub(crate) mod verifiers;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use self::client::{HttpClient, Prepared, SendError};
pub use self::dial::DialPolicy;
pub(crate) use self::dial::RawDial;
pub(crate) use self::reach::{Denied, Reach};
pub(crate) use self::resolve::{http, tls_version};
pub use self::resolver::Resolver;
pub(crate) use self::shared::SharedClient;
pub(crate) use self::transport::{
    BodyError, NOT_IN_A_URL, below, body, is_segment, reason, segment,
};
