//! demo
use super::Exit;
#[derive(Debug, clap::Args)]
pub(super) struct Args {}
pub(super) fn main(_: Args) -> Exit {
    Exit::Ok
}
