//! Which thread reads what next: files in their order, and the queries of logs, which all threads share.
//!
//! Must never: let a thread end while another one still opens a log whose queries it could take.

use crate::logs::LogFile;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Files that a thread takes at once: small ones cost less than the turn that it waits for.
const FILES_MAX: usize = 32;
/// It takes this part of what is left at most, so that all threads end together.
const SHARE: usize = 16;

/// A log whose queries are read.
pub struct OpenLog {
    /// The number of its file.
    pub number: usize,
    pub file: LogFile,
}

/// What a thread is to do.
pub enum Task {
    /// Read the files of these numbers. The thread says when it has.
    Files(Range<usize>),
    /// Read this query, counted from 0.
    Query(Arc<OpenLog>, usize),
}

/// What is left to do.
pub struct Work {
    files: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next_file: usize,
    /// Tasks whose files a thread reads just now.
    opening: usize,
    logs: VecDeque<(Arc<OpenLog>, usize)>,
    ended: bool,
}

impl Work {
    pub fn new(files: usize) -> Work {
        Work { files, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The next thing to do, or none if there is nothing left. Queries go first: their logs are in memory. `before_waiting` is
    /// called where another thread must open a file first.
    pub fn next(&self, mut before_waiting: impl FnMut()) -> Option<Task> {
        let mut state = self.state();
        loop {
            if state.ended {
                return None;
            }
            if let Some((log, index)) = state.logs.front_mut() {
                let task = Task::Query(Arc::clone(log), *index);
                *index += 1;
                if *index == log.file.len() {
                    state.logs.pop_front();
                }
                return Some(task);
            }
            if state.next_file < self.files {
                let first = state.next_file;
                state.next_file += ((self.files - first) / SHARE).clamp(1, FILES_MAX);
                state.opening += 1;
                return Some(Task::Files(first..state.next_file));
            }
            if state.opening == 0 {
                return None;
            }
            drop(state);
            before_waiting();
            state = self.state();
            if state.opening == 0 || state.ended || !state.logs.is_empty() {
                continue;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A log was read; its queries are for all.
    pub fn share(&self, log: Arc<OpenLog>) {
        if log.file.len() > 0 {
            self.state().logs.push_back((log, 0));
            self.changed.notify_all();
        }
    }

    /// The files of a task were read.
    pub fn opened(&self) {
        let mut state = self.state();
        state.opening = state.opening.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Nothing is to be done any more.
    pub fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// No step under the lock can leave it half done, so a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
