//! Configuration: raw (what was written) becomes [`Config`] (ready to use), once.

pub mod http;
pub mod job;
pub mod secret;
pub mod tls;
