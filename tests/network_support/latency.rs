//! How long proofs take to become final while something else goes on.

use super::proofs::Submitter;
use super::{Client, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Submits one proof after the other, each when the one before is final.
pub struct Finality {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Finality {
    pub fn on(client: &Client, submitter: &Submitter) -> Finality {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, client, submitter) = (stop.clone(), client.clone(), submitter.clone());
        let thread = std::thread::spawn(move || {
            let mut times = Vec::new();
            while !told.load(Ordering::Relaxed) {
                let (body, id) = submitter.make();
                let begun = Instant::now();
                // A connection that was idle may be closed by the node just when it is used again.
                let (status, answer) = until("it is taken", || client.post("/v1/proofs", &body));
                assert!(matches!(status, 200 | 202), "{answer}");
                let view = until("it ends", || client.try_get(&format!("/v1/proofs/{id}?wait=60")));
                assert_eq!(view["state"], "final", "{view}");
                times.push(begun.elapsed());
            }
            times
        });
        Finality { stop, thread }
    }

    /// What each took, ascending.
    ///
    /// # Panics
    /// If one did not become final.
    pub fn finish(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = self.thread.join().unwrap();
        times.sort();
        times
    }
}

/// Half of them and the longest, for people.
pub fn summary(sorted: &[Duration]) -> String {
    let Some(longest) = sorted.last() else { return "no proof became final".into() };
    let ms = |time: &Duration| time.as_secs_f64() * 1e3;
    let median = &sorted[sorted.len() / 2];
    format!("{} proofs final, half within {:.1} ms, the longest {:.1} ms", sorted.len(), ms(median), ms(longest))
}
