//! How long the sessions' thread is kept by one step of starting, dialling or shaking hands: meanwhile no session of it is
//! served, so none may take long, however many peers there are.
//!
//! A step is what a task does between two waits. It is measured in processor time of the thread: on a machine that has none
//! to spare, what counts is what the step did, and not for how long it was kept from doing it.

use super::table::Network;
use crate::tap::network::{SessionStep, Traffic};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Of a session, so many steps at its begin belong to its start.
const FIRST_STEPS: usize = 16;

impl<M: super::PeerMessage> Network<M> {
    /// Does this, and notes the longest of its steps.
    pub async fn measured<T>(&self, step: SessionStep, work: impl Future<Output = T>) -> T {
        measured(&self.counted, step, usize::MAX, work).await
    }

    /// The same for its first steps alone: a session has many, and its start a few.
    pub async fn measured_at_first<T>(&self, step: SessionStep, work: impl Future<Output = T>) -> T {
        measured(&self.counted, step, FIRST_STEPS, work).await
    }
}

async fn measured<T>(counted: &Traffic, step: SessionStep, mut steps: usize, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    std::future::poll_fn(move |context| {
        if steps == 0 {
            return work.as_mut().poll(context);
        }
        steps = steps.saturating_sub(1);
        let began = processor_time();
        let polled = work.as_mut().poll(context);
        if let Some((began, ended)) = began.zip(processor_time()) {
            counted.step(step, ended.saturating_sub(began));
        }
        match polled {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What this thread has had of a processor. None where the system does not tell.
fn processor_time() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the structure.
    let told = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } == 0;
    let seconds = u64::try_from(time.tv_sec).ok()?;
    told.then(|| Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::recorder;

    /// Works until this thread had so much processor time.
    fn work(span: Duration) {
        let began = processor_time().unwrap();
        while processor_time().unwrap() - began < span {}
    }

    #[test]
    fn the_longest_step_is_on_the_page_and_waits_are_no_steps() {
        let recorder = recorder().unwrap().build_recorder();
        let longest = |step: &str| -> f64 {
            let page = recorder.handle().render();
            let name = format!("pop_network_step_max_seconds{{step=\"{step}\"}} ");
            page.lines().find_map(|line| line.strip_prefix(&name)).expect("it is there").parse().unwrap()
        };
        ::metrics::with_local_recorder(&recorder, || {
            let counted = Traffic::default();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(measured(&counted, SessionStep::Dial, usize::MAX, async {
                work(Duration::from_millis(3));
                tokio::time::sleep(Duration::from_millis(30)).await;
                work(Duration::from_millis(5));
            }));
            // After the first step it is a session like any other.
            runtime.block_on(measured(&counted, SessionStep::Open, 1, async {
                tokio::task::yield_now().await;
                work(Duration::from_millis(5));
            }));
        });
        let dial = longest("dial");
        assert!((0.005..0.03).contains(&dial), "{dial}");
        assert!(longest("open") < 0.005, "{}", longest("open"));
    }
}
