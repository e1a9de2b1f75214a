//! The thin binary: arguments, dispatch, exit code.

fn main() {}
