//! Asking AWS as its own tools would: with the credentials, the region and the endpoints that they would use, in
//! requests signed with Signature Version 4.
//!
//! Why it is our own: `docs/decisions/aws-client.md`.

mod access;
mod client;
mod credentials;
mod endpoint;
mod environment;
mod failure;
mod profile;
mod query;
mod signature;
mod sources;
#[cfg(test)]
mod tests;

pub use self::access::{Access, Role};
pub(crate) use self::client::{Aws, Visit};
pub(crate) use self::endpoint::{Service, check_region, endpoint};
