//! A sample with where it stands.

use super::fault::{Faults, Line, Severity};
use super::sample::Tail;
use super::series::Series;

/// One sample, lexed.
#[derive(Clone, Copy)]
pub(super) struct Observed<'a> {
    pub(super) line: Line<'a>,
    pub(super) series: &'a Series,
    pub(super) exemplar: &'a Series,
    pub(super) tail: &'a Tail,
}

impl<'a> Observed<'a> {
    /// The sample's name, as written.
    #[inline(always)]
    pub(super) fn name(&self) -> &'a [u8] {
        self.series.name.of(self.line.bytes)
    }

    /// Tells that the specification forbids what stands at `at`.
    #[cold]
    pub(super) fn violation(
        &self,
        faults: &mut Faults,
        at: usize,
        message: impl FnOnce() -> String,
    ) {
        faults.push(Severity::Violation, self.line.place(at), message);
    }

    pub(super) fn name_at(&self) -> usize {
        self.series.name.start as usize
    }
}
