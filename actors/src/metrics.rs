//! Every metric of the node: its name, its help and its unit, and the few functions that record them.
//!
//! Labels come from enums or from names in the code, never from what a peer or a submitter sends.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Messages that an actor has handled. Label: `actor`.
pub const ACTOR_MESSAGES: &str = "pop_actor_messages_total";
/// Messages that wait in an actor's mailbox. Label: `actor`.
pub const ACTOR_WAITING: &str = "pop_actor_messages_waiting";
/// Panics, failed starts and unasked stops of an actor. Label: `actor`.
pub const ACTOR_FAILURES: &str = "pop_actor_failures_total";

/// Tells the recorder what each metric means. Called once, after the recorder is installed.
pub fn describe() {
    describe_counter!(ACTOR_MESSAGES, Unit::Count, "messages that an actor has handled");
    describe_gauge!(ACTOR_WAITING, Unit::Count, "messages that wait in an actor's mailbox");
    describe_counter!(ACTOR_FAILURES, Unit::Count, "panics, failed starts and unasked stops of an actor");
}

pub(crate) fn actor_handled(actor: &'static str, messages: u64, waiting: usize) {
    counter!(ACTOR_MESSAGES, "actor" => actor).increment(messages);
    gauge!(ACTOR_WAITING, "actor" => actor).set(waiting as f64);
}

pub(crate) fn actor_failed(actor: &'static str) {
    counter!(ACTOR_FAILURES, "actor" => actor).increment(1);
}
