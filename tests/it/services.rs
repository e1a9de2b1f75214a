//! Services on loopback that tests break and fix, and the Prometheus that watches whoever watches them.

use std::path::Path;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::programs::{Program, free_address, until};

/// What a service exposes that keeps O-6 to O-9, if it times its requests. Its process is a day old, so
/// that what misses is not waited for.
pub(crate) fn exposition(name: &str, version: &str, times_requests: bool) -> String {
    let started = jiff::Timestamp::now().as_second() - 24 * 3600;
    let mut text = format!(
        "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {started}\n\
         # TYPE {name}_build_info gauge\n{name}_build_info{{version=\"{version}\"}} 1\n\
         # TYPE target_info gauge\ntarget_info{{service_name=\"{name}\",service_instance_id=\"a\"}} 1\n\
         # TYPE {name}_requests_total counter\n{name}_requests_total{{code=\"200\"}} 7\n"
    );
    if times_requests {
        text += &format!(
            "# TYPE {name}_request_duration_seconds summary\n\
             {name}_request_duration_seconds_sum{{method=\"GET\"}} 1\n\
             {name}_request_duration_seconds_count{{method=\"GET\"}} 7\n"
        );
    }
    text
}

/// Serves what `text` says at each scrape.
pub(crate) async fn serve(
    address: &str,
    text: impl Fn() -> String + Clone + Send + Sync + 'static,
) -> JoinHandle<()> {
    let listener = TcpListener::bind(address).await.unwrap();
    let answer = async move || ([("content-type", "text/plain; version=0.0.4")], text());
    let app = axum::Router::new().route("/metrics", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() })
}

/// A real Prometheus that is ready: the program and its URL. It looks at everything each second.
pub(crate) async fn prometheus(
    folder: &Path,
    configuration: &str,
    more: &[&str],
) -> (Program, String) {
    let global = "global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}\n";
    std::fs::write(
        folder.join("prometheus.yml"),
        format!("{global}{configuration}"),
    )
    .unwrap();
    let address = free_address();
    let listen = format!("--web.listen-address={address}");
    let own = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=tsdb",
        &listen,
    ];
    let program = Program::start("prometheus", &[&own[..], more].concat(), folder);
    let base = format!("http://{address}");
    until(&format!("{base}/-/ready"), |_| true).await;
    (program, base)
}

/// The job that scrapes the exporter, in a Prometheus configuration.
pub(crate) fn scraping(exporter: &str) -> String {
    format!(
        "scrape_configs: [{{job_name: manifesto-exporter, honor_labels: true, static_configs: [{{targets: ['{exporter}']}}]}}]\n"
    )
}
