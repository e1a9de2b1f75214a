//! Discovery: what there is to scrape.

pub mod relabel;
pub mod target;
