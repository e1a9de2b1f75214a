//! Discovery: what there is to scrape.

pub mod target;
