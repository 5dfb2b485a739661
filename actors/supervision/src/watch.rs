//! Finds the actors that hang and the threads that are blocked.
//!
//! It looks at what actors and threads leave behind, and never waits for one.

use crate::mailbox::Phase;
use crate::spec::{EXIT_CODE_SUPERVISION, Exit};
use crate::supervised::Supervised;
use crate::thread::{OnBlock, Pulse, Thread};
use crate::tree::{Event, Job, Tree, ZOMBIES_MAX};
use crate::vitals::Reason;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often actors and threads are asked for a heartbeat: twenty times within the shortest deadline, within these bounds.
const BEAT_MIN: Duration = Duration::from_millis(10);
const BEAT_MAX: Duration = Duration::from_millis(100);

/// Between two looks, at least.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// By this much this thread may be late and still believe what it sees.
const LATE_MAX: Duration = Duration::from_millis(100);

pub(crate) struct Watch {
    beat: Duration,
    threads: Vec<(Thread, Arc<Pulse>)>,
    looked: Instant,
    /// Silence counts from here on: before, this thread did not look, and perhaps nobody ran.
    since: Instant,
}

impl Watch {
    pub(crate) fn new(tree: &Tree) -> Watch {
        let mut threads: Vec<(Thread, Arc<Pulse>)> = Vec::new();
        for child in &tree.0.children {
            let thread = child.thread();
            if !threads.iter().any(|(other, _)| other.is(&thread)) {
                let pulse = thread.pulse();
                threads.push((thread, pulse));
            }
        }
        let hang = tree.0.children.iter().map(|child| child.spec().hang_deadline);
        let block = threads.iter().map(|(thread, _)| thread.block_deadline());
        let beat = (hang.chain(block).min().unwrap_or(BEAT_MAX) / 20).clamp(BEAT_MIN, BEAT_MAX);
        let now = Instant::now();
        Watch { beat, threads, looked: now, since: now }
    }

    pub(crate) fn all_ended(&self, tree: &Tree) -> bool {
        tree.0.children.iter().all(|child| child.life().phase == Phase::Ended)
    }

    /// Says how soon to look again: with the next heartbeat, or when somebody's deadline is over.
    pub(crate) fn look(&mut self, tree: &Tree, now: Instant) -> Duration {
        // The machine gave this thread no time, or the process was stopped: the actors had none either.
        if now.saturating_duration_since(self.looked) > self.beat + LATE_MAX {
            self.since = now;
        }
        self.looked = now;
        let mut pause = self.beat;
        let mut until = |left: Duration| pause = pause.min(left.max(PAUSE_MIN));
        for (thread, pulse) in &mut self.threads {
            let theirs = thread.pulse();
            // Another tree that has actors there may have left it behind already.
            let replaced = !Arc::ptr_eq(&theirs, pulse);
            let left = until_blocked(tree, thread, pulse, now, self.since);
            if replaced || left.is_zero() {
                leave_behind(tree, thread, pulse, now);
                *pulse = thread.pulse();
            } else {
                until(left);
            }
        }
        for child in &tree.0.children {
            let (life, look) = (child.life(), child.look());
            let Some(beat) = look.beat.filter(|_| life.phase == Phase::Running) else { continue };
            let silent = now.saturating_duration_since(beat.max(self.since));
            let left = child.spec().hang_deadline.saturating_sub(silent);
            if !left.is_zero() {
                until(left);
            } else if !self.is_silent(&child.thread(), now) {
                let text = format!("it handled nothing for {silent:.1?} while its thread ran");
                child.cut_off(life.incarnation, Some((Reason::Hung, text)));
            }
        }
        self.threads.iter().for_each(|(_, pulse)| pulse.ask());
        tree.0.children.iter().for_each(|child| child.nudge());
        pause
    }

    /// Whether the thread has missed heartbeats: then its actors' silence is its own.
    fn is_silent(&self, thread: &Thread, now: Instant) -> bool {
        now.saturating_duration_since(thread.pulse().last().max(self.since)) >= self.beat * 3
    }
}

fn inside(child: &Arc<dyn Supervised>) -> Option<Instant> {
    let look = child.look();
    [look.polled_since, look.starting_since].into_iter().flatten().min()
}

/// Nothing, if the thread is blocked; else how long it will be until it is, if it stays as it is.
fn until_blocked(tree: &Tree, thread: &Thread, pulse: &Pulse, now: Instant, since: Instant) -> Duration {
    let silent = now.saturating_duration_since(pulse.last().max(since));
    let left = thread.block_deadline().saturating_sub(silent);
    if !left.is_zero() {
        return left;
    }
    let here = || tree.0.children.iter().filter(|child| child.thread().is(thread));
    let starting = here().filter(|child| child.look().starting_since.is_some());
    let patience = starting.map(|child| child.spec().start_deadline).max().unwrap_or_default();
    let deadline = thread.block_deadline().max(patience);
    // The last heartbeat was before the block: who is inside says when it began.
    let began = here().filter_map(inside).min().unwrap_or(since).max(since);
    deadline.saturating_sub(silent.min(now.saturating_duration_since(began)))
}

/// A thread is blocked: its actors go on elsewhere, or the process ends.
fn leave_behind(tree: &Tree, thread: &Thread, pulse: &Arc<Pulse>, now: Instant) {
    // Whatever stops the tree has deadlines of its own.
    if *tree.0.stopping.borrow() {
        return;
    }
    let children = &tree.0.children;
    let here = |child: &usize| children[*child].thread().is(thread) && children[*child].life().phase != Phase::Ended;
    let here: Vec<usize> = (0..children.len()).filter(here).collect();
    // What has been on the thread for longest is what blocks it. If nobody is inside, it is a task that no tree knows: it
    // counts for the first one, or the same would happen for ever; but not if another tree has dealt with it.
    let longest = here.iter().copied().filter_map(|child| Some((inside(&children[child])?, child))).min();
    let unknown = here.first().copied().filter(|_| Arc::ptr_eq(pulse, &thread.pulse()));
    let culprit = longest.map(|(_, child)| child).or(unknown);
    let text = why(tree, thread, culprit);
    if thread.on_block() == OnBlock::ExitProcess {
        let reason = format!("{text}; its thread cannot be replaced");
        if let Some(culprit) = culprit {
            children[culprit].note(Reason::Blocked, text);
        }
        return tree.exit_now(&Exit { code: EXIT_CODE_SUPERVISION, reason });
    }
    let job = give_up(tree, &here, culprit, now);
    for &child in &here {
        let reason = if Some(child) == culprit { Reason::Blocked } else { Reason::WithSibling };
        children[child].note(reason, text.clone());
    }
    let zombies = {
        let mut zombies = tree.0.zombies.lock();
        if thread.replace(pulse) {
            zombies.push(Arc::clone(pulse));
        }
        zombies.retain(|pulse| !pulse.ended());
        zombies.len()
    };
    if zombies > ZOMBIES_MAX {
        let reason = format!("{text}; {zombies} blocked threads are left behind");
        return tree.fatal(Exit { code: EXIT_CODE_SUPERVISION, reason });
    }
    tree.tell(Event::Job(job));
}

/// Says it in the log too.
fn why(tree: &Tree, thread: &Thread, culprit: Option<usize>) -> String {
    let deadline = thread.block_deadline();
    let Some(failed) = culprit.map(|culprit| &tree.0.children[culprit]) else {
        return format!("the thread {} was left behind", thread.name());
    };
    let doing =
        failed.look().handling.map_or_else(String::new, |handling| format!(" while it handled {}", handling.kind));
    let text = format!("actor {} failed: it blocked its thread for {deadline:.1?}{doing}", failed.spec().name);
    tracing::error!(thread = thread.name(), "{text}");
    text
}

/// Fences what runs on a blocked thread, and says what restarts instead: their groups too.
fn give_up(tree: &Tree, here: &[usize], culprit: Option<usize>, now: Instant) -> Job {
    let mut policy = tree.0.policy.lock();
    let (held, free): (Vec<usize>, Vec<usize>) = here.iter().partition(|&&child| policy.is_held(child));
    held.iter().for_each(|&child| policy.fail_while_held(child));
    let mut affected = policy.affected_by(&free);
    affected.retain(|&child| !policy.is_held(child));
    let ticket = policy.hold(&affected);
    let counts = culprit.filter(|culprit| free.contains(culprit));
    let exhausted = counts.and_then(|culprit| Some((policy.count_failure(culprit, now)?, culprit)));
    // Within the lock, so that what an incarnation says of its end from here on is not heard.
    here.iter().for_each(|&child| tree.0.children[child].give_up());
    match exhausted {
        Some((supervisor, child)) => Job::Escalate { supervisor, child, children: affected, ticket },
        None => Job::RestartAll { children: affected, ticket },
    }
}
