//! The newest figures of a part, for others to read without asking its actor. It outlives the actor's incarnations.

use parking_lot::Mutex;

/// A small value that one part sets and others copy; empty before the first. Its lock is held for a copy's time.
#[derive(Debug)]
pub struct Published<T>(Mutex<Option<T>>);

impl<T: Clone> Published<T> {
    pub fn set(&self, value: T) {
        *self.0.lock() = Some(value);
    }

    pub fn get(&self) -> Option<T> {
        self.0.lock().clone()
    }
}

impl<T> Default for Published<T> {
    fn default() -> Self {
        Published(Mutex::new(None))
    }
}
