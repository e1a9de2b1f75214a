//! A quarter, whatever it was made from.

use jiff::civil::Date;

/// A quarter of a fiscal year. Ordered by its first day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter {
    /// Its first day.
    pub first: Date,
    /// Its last day, which belongs to it.
    pub last: Date,
    /// As it is written, `FY27-Q3`.
    pub name: String,
}

impl Quarter {
    /// Whether it has this day.
    pub fn contains(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// As messages show it: `` `FY27-Q3` (1 Aug 2026 - 31 Oct 2026) ``.
    pub(super) fn quoted(&self) -> String {
        format!("`{}` ({})", self.name, days(self.first, self.last))
    }
}

/// Days as people read them: `1 Aug 2026 - 31 Oct 2026`.
pub(super) fn days(first: Date, last: Date) -> String {
    let shown = |day: Date| day.strftime("%-d %b %Y");
    format!("{} - {}", shown(first), shown(last))
}
