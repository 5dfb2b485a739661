//! The process' thread for supervision: one task for each tree, which looks at heartbeats and carries out what concerns
//! several actors.
//!
//! No actor runs here, so that none can block it. If a tree's task itself panics, the process ends.

use crate::child::Supervised;
use crate::mailbox::Phase;
use crate::spec::{EXIT_CODE_SUPERVISION, Exit};
use crate::thread::{OnBlock, Thread};
use crate::tree::{Event, Tree, ZOMBIES_MAX};
use crate::vitals::Reason;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::MissedTickBehavior;

/// How often actors and threads are asked for a heartbeat, unless a deadline wants it sooner.
const BEAT_MAX: Duration = Duration::from_millis(500);
const BEAT_MIN: Duration = Duration::from_millis(20);

type Started = (Tree, UnboundedReceiver<Event>);

/// Gives a tree to the thread for supervision, which is started with the first one.
pub(crate) fn keep(tree: Tree, events: UnboundedReceiver<Event>) {
    static THREAD: OnceLock<UnboundedSender<Started>> = OnceLock::new();
    let thread = THREAD.get_or_init(|| {
        let (sender, trees) = unbounded_channel();
        let thread = std::thread::Builder::new().name("supervision".to_owned());
        // Without it nothing is supervised: a process that cannot have one more thread must not begin.
        thread.spawn(move || run(trees)).expect("the system gives a process its threads at the start");
        sender
    });
    thread.send((tree, events)).unwrap_or_else(|_| unreachable!("the thread never ends"));
}

fn run(mut trees: UnboundedReceiver<Started>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without input and output needs nothing from the system");
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        while let Some((tree, events)) = trees.recv().await {
            let kept = tokio::task::spawn_local(watch_over(tree.clone(), events));
            tokio::task::spawn_local(async move {
                if let Err(error) = kept.await {
                    let reason = format!("supervision itself failed: {error}");
                    tree.exit_now(&Exit { code: EXIT_CODE_SUPERVISION, reason });
                }
            });
        }
    });
}

async fn watch_over(tree: Tree, mut events: UnboundedReceiver<Event>) {
    let mut watch = Watch::new(&tree);
    let mut ticks = tokio::time::interval(watch.tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            event = events.recv() => {
                // The tree holds a sender.
                let Some(event) = event else { return };
                tree.on_event(event).await;
                watch.was_busy();
            }
            _ = ticks.tick() => watch.look(&tree, Instant::now()).await,
        }
        let all_ended = || tree.0.children.iter().all(|child| child.life().phase == Phase::Ended);
        if *tree.0.over.borrow() || all_ended() {
            tree.0.over.send_replace(true);
            // What still comes is answered by nobody.
            return;
        }
    }
}

/// Finds the actors that hang and the threads that are blocked.
struct Watch {
    beat: Duration,
    tick: Duration,
    threads: Vec<Thread>,
    asked: Instant,
    looked: Instant,
    /// Silence counts from here on: before, this thread did not look, and perhaps nobody ran.
    since: Instant,
}

impl Watch {
    fn new(tree: &Tree) -> Watch {
        let mut threads: Vec<Thread> = Vec::new();
        for child in &tree.0.children {
            let thread = child.thread();
            if !threads.iter().any(|other| other.is(&thread)) {
                threads.push(thread);
            }
        }
        let hang = tree.0.children.iter().map(|child| child.spec().hang_deadline);
        let shortest = hang.chain(threads.iter().map(Thread::block_deadline)).min().unwrap_or(BEAT_MAX);
        let beat = (shortest / 4).clamp(BEAT_MIN, BEAT_MAX);
        let now = Instant::now();
        Watch { beat, tick: beat / 5, threads, asked: now, looked: now, since: now }
    }

    fn was_busy(&mut self) {
        let now = Instant::now();
        // Quick events must not put off the discovery of a stall.
        if now.saturating_duration_since(self.looked) > self.tick * 3 {
            (self.since, self.looked) = (now, now);
        }
    }

    async fn look(&mut self, tree: &Tree, now: Instant) {
        // The machine gave this thread no time, or the process was stopped: the actors had none either.
        if now.saturating_duration_since(self.looked) > self.tick * 3 + Duration::from_millis(100) {
            self.since = now;
        }
        self.looked = now;
        let blocked = self.threads.iter().find(|thread| self.is_blocked(tree, thread, now)).cloned();
        if let Some(thread) = blocked {
            leave_behind(tree, &thread, now).await;
            self.since = Instant::now();
        }
        for child in &tree.0.children {
            let (life, look) = (child.life(), child.look());
            let Some(beat) = look.beat.filter(|_| life.phase == Phase::Running) else { continue };
            let silent = now.saturating_duration_since(beat.max(self.since));
            if silent >= child.spec().hang_deadline && !self.is_silent(&child.thread(), now) {
                let text = format!("it handled nothing for {silent:.1?} while its thread ran");
                child.cut_off(Some((Reason::Hung, text)));
            }
        }
        if now.saturating_duration_since(self.asked) >= self.beat {
            self.asked = now;
            self.threads.iter().for_each(|thread| thread.pulse().ask());
            tree.0.children.iter().for_each(|child| child.nudge());
        }
    }

    /// Whether the thread has missed two heartbeats: then its actors' silence is its own.
    fn is_silent(&self, thread: &Thread, now: Instant) -> bool {
        now.saturating_duration_since(thread.pulse().last().max(self.since)) >= self.beat * 2
    }

    fn is_blocked(&self, tree: &Tree, thread: &Thread, now: Instant) -> bool {
        let silent = now.saturating_duration_since(thread.pulse().last().max(self.since));
        let here = tree.0.children.iter().filter(|child| child.thread().is(thread));
        let starting = here.filter(|child| child.look().starting_since.is_some());
        let patience = starting.map(|child| child.spec().start_deadline).max().unwrap_or_default();
        silent >= thread.block_deadline().max(patience)
    }
}

/// A thread is blocked: its actors go on elsewhere, or the process ends.
async fn leave_behind(tree: &Tree, thread: &Thread, now: Instant) {
    let on_it = |child: &&usize| tree.0.children[**child].thread().is(thread);
    let all: Vec<usize> = (0..tree.0.children.len()).collect();
    let here: Vec<usize> = all.iter().filter(on_it).copied().collect();
    let inside = |child: &Arc<dyn Supervised>| {
        let look = child.look();
        [look.polled_since, look.starting_since].into_iter().flatten().min()
    };
    // What has been on the thread for longest is what blocks it.
    let culprit = here.iter().copied().filter_map(|child| Some((inside(&tree.0.children[child])?, child))).min();
    let Some(culprit) = culprit.map(|(_, child)| child).or(here.first().copied()) else { return };
    let failed = &tree.0.children[culprit];
    let doing =
        failed.look().handling.map_or_else(String::new, |handling| format!(" while it handled {}", handling.kind));
    let text = format!("it blocked its thread for {:.1?}{doing}", thread.block_deadline());
    tracing::error!(actor = failed.spec().name, thread = thread.name(), "an actor failed: {text}");
    if thread.on_block() == OnBlock::ExitProcess {
        let reason = format!("actor {} failed: {text}; its thread cannot be replaced", failed.spec().name);
        failed.note(Reason::Blocked, text);
        return tree.exit_now(&Exit { code: EXIT_CODE_SUPERVISION, reason });
    }
    let exhausted = {
        let mut policy = tree.0.policy.lock();
        if policy.is_stopping() {
            return;
        }
        policy.hold(&here);
        policy.on_cut_off(culprit, now)
    };
    for &child in &here {
        let reason = if child == culprit { Reason::Blocked } else { Reason::WithSibling };
        tree.0.children[child].give_up();
        tree.0.children[child].note(reason, text.clone());
    }
    let old = thread.replace();
    let zombies = {
        let mut zombies = tree.0.zombies.lock();
        zombies.push(old);
        zombies.retain(|pulse| !pulse.ended());
        zombies.len()
    };
    if zombies > ZOMBIES_MAX {
        let reason = format!("actor {} failed: {text}; {zombies} blocked threads are left behind", failed.spec().name);
        return tree.exit(Exit { code: EXIT_CODE_SUPERVISION, reason }).await;
    }
    match exhausted {
        Some(supervisor) => tree.escalate(supervisor, culprit).await,
        None => tree.restart(&here, &here).await,
    }
}
