//! Quarters of a fiscal year: their names, their days, and the moments at which they begin and end in a time zone.
//! What time it is, is told by who asks.

mod error;
mod fiscal;
mod months;
mod period;
mod quarter;
mod settings;
mod zone;

#[cfg(test)]
mod tests;

pub use self::error::CalendarError;
pub use self::fiscal::FiscalCalendar;
pub use self::months::NamedBy;
pub use self::period::{Period, Week};
pub use self::quarter::Quarter;
pub(crate) use self::settings::RawFiscalYear;
pub use self::zone::{Span, tzdb_version};
