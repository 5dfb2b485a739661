//! Ctrl-C and SIGTERM: from the first one on nothing new is begun.
//!
//! Must never: end the process. What is done is still told and kept.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals, caught from its making on: none is lost before somebody waits.
pub struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupt {
    /// # Errors
    /// If the system lets nobody catch them.
    pub fn new() -> std::io::Result<Interrupt> {
        Ok(Interrupt { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the first of them.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
