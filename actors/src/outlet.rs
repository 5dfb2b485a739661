//! A one-way recipient: another actor, known by the message it takes and not by its type.
//!
//! A message that was not accepted is returned, and its sender decides what that means. It must never wait.

use crate::supervision::Handle;
use actix::{Actor, Context, Handler, Message};
use std::sync::Arc;

/// Delivers a message to its recipient, or returns it.
pub struct Outlet<M>(Arc<Take<M>>);

/// Gives back what it did not take.
type Take<M> = dyn Fn(M) -> Option<M> + Send + Sync;

impl<M: 'static> Outlet<M> {
    /// `take` gives back what was surely not delivered.
    pub fn new(take: impl Fn(M) -> Option<M> + Send + Sync + 'static) -> Outlet<M> {
        Outlet(Arc::new(take))
    }

    /// Into an actor's mailbox.
    pub fn to<A>(handle: &Handle<A>) -> Outlet<M>
    where
        A: Actor<Context = Context<A>> + Handler<M>,
        M: Message + Send,
        M::Result: Send,
    {
        let handle = handle.clone();
        Outlet::new(move |message| handle.send(message).err().map(|refused| refused.message))
    }

    /// Takes everything, and nobody hears of it.
    pub fn nowhere() -> Outlet<M> {
        Outlet::new(|_| None)
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
