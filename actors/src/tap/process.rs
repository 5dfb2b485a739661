//! The process: how the one before it ended, its database, its API.

use crate::metrics::*;
use crate::storage::last_exit::LastRun;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// How the process before this one ended, if there was one.
pub fn last_exit(last: Option<&LastRun>) {
    let code = last.map_or(-2, |last| last.code().map_or(-1, i32::from));
    gauge!(LAST_EXIT_CODE).set(f64::from(code));
}

/// A transaction of the database is on the disk.
pub(crate) fn database_synced(took: Duration) {
    histogram!(STORAGE_SYNC, "file" => "database").record(took.as_secs_f64());
}

/// A request was answered with this status, less the time in which it waited for its client.
pub fn api_request(status: u16, took: Duration) {
    let status = match status {
        429 => "429",
        400..=499 => "4xx",
        500.. => "5xx",
        300..=399 => "3xx",
        0..=299 => "2xx",
    };
    counter!(API_REQUESTS, "status" => status).increment(1);
    histogram!(API_REQUEST).record(took.as_secs_f64());
}
