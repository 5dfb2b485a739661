//! What waits for a worker: one job, or several that one worker does in a row (a series).
//!
//! Must never: try a job of a series in another worker. Without what came before it is another job.

use super::pipe::encode_frame;
use super::pool::{ATTEMPTS_MAX, PoolError, Shared, VerifierPool, after};
use super::process::WorkerProcess;
use protocol::verdict::{Job, Report, VerifierParameters};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// A job's answer to come.
pub type Pending = oneshot::Receiver<Result<Report, PoolError>>;

/// The answers of a series to come, in the order of its jobs. It ends early where the worker cannot go on.
pub type PendingSeries = mpsc::UnboundedReceiver<Result<Report, PoolError>>;

pub(super) struct Task {
    pub limits: VerifierParameters,
    pub since: Instant,
    pub work: Work,
}

pub(super) enum Work {
    Single {
        frame: Vec<u8>,
        /// Only checks are counted.
        is_check: bool,
        reply: oneshot::Sender<Result<Report, PoolError>>,
    },
    Series {
        frames: Vec<Vec<u8>>,
        /// Holds no more than there are frames.
        replies: mpsc::UnboundedSender<Result<Report, PoolError>>,
    },
}

impl Task {
    pub fn is_wanted(&self) -> bool {
        match &self.work {
            Work::Single { reply, .. } => !reply.is_closed(),
            Work::Series { replies, .. } => !replies.is_closed(),
        }
    }
}

impl VerifierPool {
    /// Puts jobs into the queue that one worker does in a row, each under the limits of the first. There are fewer answers
    /// than jobs if one of them costs the worker, or [leaves nothing](verdict::Verdict::leaves_a_series_open) to go on with:
    /// the others surely were not checked. Dropping what comes back ends it.
    ///
    /// # Errors
    /// As [`VerifierPool::submit`].
    pub fn submit_series(&self, jobs: &[Job]) -> Result<PendingSeries, PoolError> {
        let frames: Result<Vec<Vec<u8>>, _> = jobs.iter().map(encode_frame).collect();
        let frames = frames.map_err(PoolError::Encode)?;
        let (replies, pending) = mpsc::unbounded_channel();
        if let Some(first) = jobs.first() {
            self.enqueue(first.limits, Work::Series { frames, replies })?;
        }
        Ok(pending)
    }
}

impl Shared {
    /// Runs the jobs of a series in one worker. What ends that says nothing about the jobs behind.
    pub(super) fn run_series(
        &self,
        worker: &mut Option<WorkerProcess>,
        frames: &[Vec<u8>],
        limits: &VerifierParameters,
        replies: &mpsc::UnboundedSender<Result<Report, PoolError>>,
    ) -> Result<(), PoolError> {
        let wanted = || !replies.is_closed() && !self.is_closed();
        let mut process = Some(self.worker(worker.take())?);
        for frame in frames {
            let Some(running) = process.take() else { break };
            match self.exchange(&mut process, running, frame, limits, &wanted) {
                Ok(report) => {
                    let goes_on = report.verdict.leaves_a_series_open();
                    if replies.send(Ok(report)).is_err() || !goes_on {
                        break;
                    }
                }
                // It is not tried again here: without what came before it is another job.
                Err(ending) => {
                    if let Some(report) = after(&ending, limits, ATTEMPTS_MAX)? {
                        let _ = replies.send(Ok(report));
                    }
                }
            }
            // What the queries before left behind counts against the next one's memory.
            let memory = process.as_ref().and_then(WorkerProcess::resident_bytes);
            if memory.is_some_and(|bytes| bytes > limits.hard.memory_bytes / 2) {
                break;
            }
        }
        *worker = process;
        Ok(())
    }
}
