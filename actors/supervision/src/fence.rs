//! Whether the incarnation that runs is still the one that counts.
//!
//! A thread that is stuck cannot be killed. The actors on it are given up and start elsewhere, and what the stuck thread
//! does when it comes back must count for nothing: its messages are refused by every [`Handle`](crate::Handle), and a store
//! asks the [`Fence`] inside its own lock before each durable write.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Belongs to one incarnation of one actor; cheap to clone.
#[derive(Debug, Clone)]
pub struct Fence {
    current: Arc<AtomicU64>,
    mine: u64,
}

thread_local! {
    static RUNNING: RefCell<Option<Fence>> = const { RefCell::new(None) };
}

impl Fence {
    pub(crate) fn new(current: &Arc<AtomicU64>, mine: u64) -> Fence {
        Fence { current: Arc::clone(current), mine }
    }

    /// The fence of the actor whose factory, handler, timer or future runs on this thread now.
    pub fn current() -> Option<Fence> {
        RUNNING.try_with(|running| running.borrow().clone()).ok().flatten()
    }

    /// Whether no other incarnation has taken its place.
    pub fn holds(&self) -> bool {
        self.current.load(Ordering::Acquire) == self.mine
    }
}

/// Whether what runs on this thread now is an incarnation that was given up. False outside of actors.
pub fn is_fenced() -> bool {
    RUNNING.try_with(|running| running.borrow().as_ref().is_some_and(|fence| !fence.holds())).unwrap_or(false)
}

/// Names the running incarnation until it is dropped.
pub(crate) struct Entered(Option<Fence>);

pub(crate) fn enter(fence: &Fence) -> Entered {
    let before = RUNNING.try_with(|running| running.replace(Some(fence.clone()))).ok().flatten();
    Entered(before)
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.0.take();
        let _ = RUNNING.try_with(|running| running.replace(before));
    }
}
