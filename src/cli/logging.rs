//! Structured logs on stderr, as text or JSON, each line with a `service` field: the exporter
//! complies with the manifesto's own rules on logs (O-1 to O-4).
//!
//! Levels: `error` for what an operator must act on, `warn` for what degrades and is handled,
//! `info` for changes of state, `debug` for single scrapes and connections.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

use super::log_queue::Queue;

/// `--log.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What an operator must act on.
    Error,
    /// What degrades and is handled.
    Warn,
    /// Changes of state.
    Info,
    /// Single scrapes and connections.
    Debug,
}

/// `--log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `time LEVEL message service=manifesto-exporter key=value`.
    Text,
    /// One JSON object a line.
    Json,
}

/// The `service` field of every line.
pub const SERVICE: &str = "manifesto-exporter";

/// How long the last lines may take to be written when the process ends.
const FLUSH_MAX: Duration = Duration::from_millis(500);

/// Where lines wait for stderr; unset where nothing is logged.
static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Logs to stderr from now on. Does nothing if logging was set up before.
pub fn init(level: LogLevel, format: LogFormat) {
    // Only tests set it up twice, and either will do.
    match Queue::start(std::io::stderr()) {
        Ok(queue) => {
            let lines = QUEUE.get_or_init(|| queue).clone();
            let subscriber = subscriber(level, format, move || lines.clone());
            drop(tracing::subscriber::set_global_default(subscriber));
        }
        // Without a thread for it, a line is written by whoever logs it.
        Err(_) => {
            let subscriber = subscriber(level, format, std::io::stderr);
            drop(tracing::subscriber::set_global_default(subscriber));
        }
    }
}

/// Writes what was logged last, before the process ends.
pub(super) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH_MAX);
    }
}

/// Logs to `writer`.
pub fn subscriber<W>(level: LogLevel, format: LogFormat, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // What libraries do in detail is not about the service.
    let ours = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_default(level.min(LevelFilter::WARN));
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(writer)
        .event_format(Lines { format })
        .finish()
        .with(ours)
}

/// Writes one event as one line.
struct Lines {
    format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let time = format!("{:.3}", jiff::Timestamp::now());
        let level = event.metadata().level().as_str();
        match self.format {
            LogFormat::Text => text(&mut writer, &time, level, &fields),
            LogFormat::Json => json(
                &mut writer,
                &time,
                level,
                event.metadata().target(),
                &fields,
            ),
        }
    }
}

fn text(writer: &mut Writer<'_>, time: &str, level: &str, fields: &Fields) -> fmt::Result {
    write!(
        writer,
        "{time} {level:5} {} service={SERVICE}",
        inert(&fields.message)
    )?;
    for (name, value) in &fields.others {
        let plain = match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let quoted = plain.is_empty() || plain.contains([' ', '"', '=']) || inert(&plain) != plain;
        if quoted {
            write!(writer, " {name}={plain:?}")?
        } else {
            write!(writer, " {name}={plain}")?
        }
    }
    writeln!(writer)
}

fn json(
    writer: &mut Writer<'_>,
    time: &str,
    level: &str,
    target: &str,
    fields: &Fields,
) -> fmt::Result {
    let mut line = serde_json::Map::new();
    line.insert("time".to_owned(), time.into());
    line.insert("level".to_owned(), level.to_ascii_lowercase().into());
    line.insert("service".to_owned(), SERVICE.into());
    line.insert("message".to_owned(), fields.message.clone().into());
    line.insert("module".to_owned(), target.into());
    for (name, value) in &fields.others {
        line.insert(name.clone(), value.clone());
    }
    writeln!(writer, "{}", serde_json::Value::Object(line))
}

/// A message may quote what a target sent: control characters must not reach a terminal. Line
/// feeds of multi-line errors (a snippet of the configuration) are ours and stay.
fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[derive(Default)]
struct Fields {
    message: String,
    others: BTreeMap<String, serde_json::Value>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: serde_json::Value) {
        match (field.name(), value) {
            ("message", serde_json::Value::String(message)) => self.message = message,
            (name, value) => {
                self.others.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = subscriber(LogLevel::Info, format, move || writer.clone());
        tracing::subscriber::with_default(subscriber, log);
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_name_the_service() {
        let line = logged(LogFormat::Json, || {
            tracing::warn!(target_count = 3, why = "slow \u{1b}[31m", "late")
        });
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "warn");
        assert_eq!(line["service"], "manifesto-exporter");
        assert_eq!(line["message"], "late");
        assert_eq!(line["target_count"], 3);
    }

    #[test]
    fn text_lines_name_the_service_and_are_inert() {
        let line = logged(LogFormat::Text, || {
            tracing::info!(
                why = "a \u{1b}[31mred\u{1b}[0m word",
                port = 8067,
                "read \u{7}it"
            );
            tracing::debug!("too quiet");
        });
        let (_, rest) = line.split_once(' ').unwrap();
        assert_eq!(
            rest,
            "INFO  read \\u{7}it service=manifesto-exporter port=8067 why=\"a \\u{1b}[31mred\\u{1b}[0m word\"\n"
        );
    }
}
