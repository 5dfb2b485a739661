//! A one-way recipient: another actor, known by the message it takes and not by its type.
//!
//! Wiring makes one from a [`crate::supervision::Handle`]; a message that was not accepted is returned, and its sender
//! decides what that means. It must never wait.

use std::sync::Arc;

/// Delivers a message to its recipient, or returns it.
pub struct Outlet<M>(Arc<Take<M>>);

/// Gives back what it did not take.
type Take<M> = dyn Fn(M) -> Option<M> + Send + Sync;

impl<M> Outlet<M> {
    /// `take` gives back what was surely not delivered.
    pub fn new(take: impl Fn(M) -> Option<M> + Send + Sync + 'static) -> Outlet<M> {
        Outlet(Arc::new(take))
    }

    /// # Errors
    /// The message, if it was surely not delivered.
    pub fn send(&self, message: M) -> Result<(), M> {
        (self.0)(message).map_or(Ok(()), Err)
    }
}

impl<M> Clone for Outlet<M> {
    fn clone(&self) -> Self {
        Outlet(Arc::clone(&self.0))
    }
}

impl<M> std::fmt::Debug for Outlet<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outlet")
    }
}
