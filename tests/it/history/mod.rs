//! History: what is written, what outlives a restart, and what no fault takes away.

mod edges;
mod restarts;
mod year;
