//! A thread for TLS handshakes: the keys and signatures of one take half a millisecond, and at a start there are as many as
//! peers. On the sessions' thread they would stand before the messages of those that are connected already.
//!
//! A handshake's socket stays with the sessions' runtime, which goes on with it when the handshake is done; only what is
//! calculated happens here.

use std::io;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// The thread; it ends when this is dropped.
pub(super) struct Aside {
    runtime: Handle,
    _end: oneshot::Sender<()>,
}

/// Ends what was begun when nobody waits for it any more.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Aside {
    /// # Errors
    /// If the system has no thread left.
    pub(super) fn start() -> io::Result<Aside> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let (end, ended) = oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        thread::Builder::new().name("handshakes".into()).spawn(move || _ = runtime.block_on(ended))?;
        Ok(Aside { runtime: handle, _end: end })
    }

    /// Does a handshake on that thread. A panic in it is one here.
    ///
    /// # Errors
    /// The handshake's own, or that the thread has ended.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        handshake: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let task = self.runtime.spawn(handshake);
        let _abort = Abort(task.abort_handle());
        match task.await {
            Ok(outcome) => outcome,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[actix::test]
    async fn what_is_done_aside_is_done_on_its_thread_and_ends_with_who_waits() {
        let aside = Aside::start().unwrap();
        let name = aside.run(async { Ok(thread::current().name().map(str::to_owned)) }).await.unwrap();
        assert_eq!(name.as_deref(), Some("handshakes"));
        assert_eq!(
            aside.run(async { io::Result::<()>::Err(io::ErrorKind::Other.into()) }).await.unwrap_err().kind(),
            io::ErrorKind::Other
        );
        // Nobody waits: what it holds is let go.
        let (held, begun) = (Arc::new(()), Arc::new(tokio::sync::Notify::new()));
        let (holds, begins) = (held.clone(), begun.clone());
        let forever = aside.run(async move {
            let _holds = holds;
            begins.notify_one();
            std::future::pending::<io::Result<()>>().await
        });
        tokio::select! {
            _ = forever => unreachable!("it never ends"),
            () = begun.notified() => {}
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while Arc::strong_count(&held) > 1 {
            assert!(std::time::Instant::now() < deadline, "it is still there");
            tokio::task::yield_now().await;
        }
    }
}
