//! History: what is written, what outlives a restart, and what no fault takes away.

mod restarts;
mod year;
