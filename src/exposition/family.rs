//! Which family a line belongs to.

use super::Format;
use super::event::MetricType;
use super::fault::{Faults, Line};
use super::metadata::Metadata;
use super::sample::Tail;
use super::series::Series;

/// One sample, lexed.
pub(super) struct Observed<'a> {
    pub(super) line: Line<'a>,
    pub(super) series: &'a Series,
    pub(super) exemplar: &'a Series,
    pub(super) tail: &'a Tail,
}

/// The families of a body.
#[derive(Debug)]
pub(super) struct Families {}

impl Families {
    pub(super) fn new(_: Format, _: foldhash::fast::RandomState) -> Self {
        Self {}
    }
    pub(super) fn reset(&mut self, _: Format) {}
    pub(super) fn metadata(&mut self, _: Line<'_>, _: &Metadata, _: &mut Faults) {}
    pub(super) fn sample(&mut self, _: &Observed<'_>, _: &mut Faults) -> MetricType {
        MetricType::Unknown
    }
    pub(super) fn finish(&mut self, _: &mut Faults) {}
}
