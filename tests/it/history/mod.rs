//! History: what is written, what outlives a restart, and what no fault takes away.

mod clock;
mod commands;
mod daemon;
mod edges;
mod files;
mod kill;
mod kill_states;
mod kill_writer;
mod restarts;
mod year;
