//! ServiceMonitors and PodMonitors: objects by which teams say what Prometheus is to scrape. Pure.
//!
//! What prometheus-operator makes relabelling rules of is done here by itself, with the same result; what a monitor's
//! own relabelling says comes last, as there.

mod definition;
mod objects;
mod select;
mod unsupported;

pub(super) use self::definition::Monitor;
pub(super) use self::objects::{RawPodMonitor, RawServiceMonitor};
pub(super) use self::select::{Selected, URLS_MAX, select};
pub(super) use self::unsupported::notes;
