//! A validator's log: plain lines on standard error, coloured only for a terminal.

use crate::text::utc;
use std::io::IsTerminal;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// The time as every other screen writes it.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        writer.write_str(&utc(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Starts the log at level info, or as `RUST_LOG` says; with that set, lines name their module.
pub fn start() {
    let chosen = EnvFilter::try_from_default_env();
    let modules = chosen.is_ok();
    let filter = chosen.unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(Utc)
        .with_target(modules)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second subscriber in one process would be a fault of a test.
    _ = log.try_init();
}
