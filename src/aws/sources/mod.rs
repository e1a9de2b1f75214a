//! Where credentials are had, and whom they are asked of.

mod asking;
mod chain;
mod container;
mod instance;
mod profiled;
mod source;
mod sts;

pub(super) use asking::Asking;
pub(super) use chain::{profile_name, source};
pub(super) use instance::InstanceMetadata;
pub(super) use source::Source;
