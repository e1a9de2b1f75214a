//! Bodies like those of real services: a runtime, a process, a build, and the service's own
//! families, repeated under other names up to the size wanted.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Bounds of every client library's default duration histogram.
const BOUNDS: [&str; 12] = [
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
];

const RUNTIME: [&str; 24] = [
    "go_goroutines",
    "go_threads",
    "go_memstats_alloc_bytes",
    "go_memstats_buck_hash_sys_bytes",
    "go_memstats_gc_sys_bytes",
    "go_memstats_heap_alloc_bytes",
    "go_memstats_heap_idle_bytes",
    "go_memstats_heap_inuse_bytes",
    "go_memstats_heap_objects",
    "go_memstats_heap_released_bytes",
    "go_memstats_heap_sys_bytes",
    "go_memstats_last_gc_time_seconds",
    "go_memstats_mcache_inuse_bytes",
    "go_memstats_mspan_inuse_bytes",
    "go_memstats_next_gc_bytes",
    "go_memstats_other_sys_bytes",
    "go_memstats_stack_inuse_bytes",
    "go_memstats_sys_bytes",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
    "process_virtual_memory_max_bytes",
];

/// A whole exposition of about `bytes`, of the service `service`. Bodies of several `scrape`s
/// differ in their values, not in their series.
pub(crate) fn body(service: &str, bytes: usize, scrape: u64) -> String {
    let mut out = String::with_capacity(bytes + 4096);
    let name = service.replace('-', "_");
    build(&mut out, &name);
    for (nth, family) in RUNTIME.iter().enumerate() {
        let value = match *family {
            "process_start_time_seconds" => 1.7e9,
            _ => value(nth as u64, scrape) as f64,
        };
        let _ = writeln!(
            out,
            "# HELP {family} What the runtime says of itself.\n# TYPE {family} gauge\n{family} {value:e}"
        );
    }
    let mut nth = 0;
    while out.len() < bytes {
        match nth % 4 {
            0 => histogram(&mut out, &name, nth, scrape, bytes),
            1 | 2 => counter(&mut out, &name, nth, scrape, bytes),
            _ => gauges(&mut out, &name, nth, scrape),
        }
        nth += 1;
    }
    out
}

/// As it goes over the wire when gzip is asked for.
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("a Vec takes every byte");
    encoder.finish().expect("a Vec takes every byte")
}

fn build(out: &mut String, name: &str) {
    let _ = writeln!(
        out,
        "# HELP {name}_build_info A metric with a constant '1' value labeled by version.\n\
         # TYPE {name}_build_info gauge\n\
         {name}_build_info{{branch=\"main\",goversion=\"go1.22.1\",revision=\"4bd1e0c\",version=\"1.14.2\"}} 1\n\
         # HELP go_info Information about the Go environment.\n\
         # TYPE go_info gauge\n\
         go_info{{version=\"go1.22.1\"}} 1"
    );
}

/// One route after another, while there is room.
fn histogram(out: &mut String, name: &str, nth: u64, scrape: u64, bytes: usize) {
    let family = format!("{name}_http_{nth}_request_duration_seconds");
    let _ = writeln!(
        out,
        "# HELP {family} Time from the first byte of the request to the last of the response.\n\
         # TYPE {family} histogram"
    );
    for route in 0..12 {
        let labels =
            format!("code=\"200\",handler=\"/api/v1/orders/{route}/items\",method=\"GET\"");
        for (at, le) in BOUNDS.iter().enumerate() {
            let count = value(nth + route, scrape) * (at as u64 + 1);
            let _ = writeln!(out, "{family}_bucket{{{labels},le=\"{le}\"}} {count}");
        }
        let count = value(nth + route, scrape) * BOUNDS.len() as u64;
        let _ = writeln!(out, "{family}_sum{{{labels}}} {count}.{:06}", route * 7919);
        let _ = writeln!(out, "{family}_count{{{labels}}} {count}");
        if out.len() > bytes {
            return;
        }
    }
}

fn counter(out: &mut String, name: &str, nth: u64, scrape: u64, bytes: usize) {
    let family = format!("{name}_calls_{nth}_total");
    let _ = writeln!(
        out,
        "# HELP {family} Calls that were answered, by method and outcome.\n# TYPE {family} counter"
    );
    for method in 0..10 {
        for code in ["OK", "NotFound", "Internal", "Unavailable"] {
            let _ = writeln!(
                out,
                "{family}{{grpc_code=\"{code}\",grpc_method=\"Method{method}\",grpc_service=\"orders.v1.Orders\"}} {}",
                value(nth + method, scrape)
            );
        }
        if out.len() > bytes {
            return;
        }
    }
}

fn gauges(out: &mut String, name: &str, nth: u64, scrape: u64) {
    for which in 0..8 {
        let family = format!("{name}_pool_{nth}_{which}_connections");
        let _ = writeln!(
            out,
            "# HELP {family} Connections of the pool.\n# TYPE {family} gauge\n{family} {}",
            value(nth + which, scrape)
        );
    }
}

/// Moves with every scrape, as counters do.
fn value(series: u64, scrape: u64) -> u64 {
    series * 7919 % 100_003 + scrape * 37 % 10_007
}
