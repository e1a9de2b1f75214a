//! Discovery by Consul, Nomad, Docker and DNS beside the real Prometheus: in `./tests/run real` as it finds targets, and
//! always as it found them.
//!
//! Docker's engine, Consul, Nomad and EC2 are servers of the tests' own: none of theirs is to be had where the tests run.
//! They are held to the real Prometheus, which uses the official clients.

mod aws;
mod consul;
mod dns;
mod docker;
mod ec2;
mod equality;
mod faults;
mod nomad;
mod real;
mod server;
mod world;
