//! The threads that wait: submitting proofs, following blocks, polling statuses, finding refusals.
//!
//! Each asks the nodes what any operator could ask, moves to the next node where one does not answer, and ends soon
//! after it is told to stop.

use super::events::{Event, Pending};
use super::site::Site;
use super::{Plan, asking, blocks, looks, refusals, submitting};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// The running threads.
pub struct Watch {
    stop: Arc<AtomicBool>,
    submit_no_more: Arc<AtomicBool>,
}

impl Watch {
    pub fn start(plan: &Plan, site: &Site, pending: Pending) -> (Watch, Receiver<Event>) {
        let (events, inbox) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let submit_no_more = Arc::new(AtomicBool::new(false));
        submitting::start(plan, site, vec![stop.clone(), submit_no_more.clone()], events.clone());
        let (nodes, over, sender) = (asking::clients(site), stop.clone(), events.clone());
        std::thread::spawn(move || blocks::follow(&nodes, &over, &sender));
        let (nodes, over, sender) = (asking::clients(site), stop.clone(), events.clone());
        std::thread::spawn(move || looks::poll(nodes, &over, &sender));
        let (nodes, over, sender) = (asking::clients(site), stop.clone(), events.clone());
        std::thread::spawn(move || refusals::find(&nodes, &pending, &over, &sender));
        (Watch { stop, submit_no_more }, inbox)
    }

    pub fn submit_no_more(&self) {
        self.submit_no_more.store(true, Ordering::Relaxed);
    }

    /// The threads end by themselves after what they are just waiting for.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
