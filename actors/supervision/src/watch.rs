//! Finds the actors that hang and the threads that are blocked.
//!
//! It looks at what actors and threads leave behind, and never waits for one. What of a silence counts is decided in
//! [`account`](crate::account), here is who is silent, and what is then done about a thread is in [`abandon`](crate::abandon).

use crate::abandon::{disk_of, leave_behind};
use crate::account::{Account, Change, Condition, Did, Others, Span, Starvation, Verdict, WaitsFor};
use crate::disk;
use crate::mailbox::Phase;
use crate::scheduling::{Counters, Crowd, Source};
use crate::slots::Slots;
use crate::thread::{Pulse, Thread};
use crate::tree::Tree;
use crate::vitals::Reason;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks: an eighth of the shortest deadline, within these bounds. Each look wakes a thread, and each actor that has not shown
/// itself since the look before wakes another: with a hundred validators on a machine that is what an idle one costs.
const INTERVAL_MIN: Duration = Duration::from_millis(10);
const INTERVAL_MAX: Duration = Duration::from_millis(250);

/// So much later than it was set a timer is as a rule.
const TIMER_GRAIN: Duration = Duration::from_millis(2);

pub(crate) struct Watch {
    interval: Duration,
    slots: Slots,
    threads: Vec<Watched>,
    /// By child.
    hangs: Vec<Option<Hang>>,
    looked: Instant,
    span: Span,
    /// How long after the last look this one was to come.
    pause: Duration,
    looks: u64,
    crowd: Crowd,
}

struct Watched {
    thread: Thread,
    pulse: Arc<Pulse>,
    children: Vec<usize>,
    before: Option<Counters>,
    /// What it did since the last look, and since the one before that.
    did: Option<Did>,
    did_earlier: Option<Did>,
    silence: Option<Silence>,
    /// Whether it has answered since the look before this one, at which it was asked.
    has_answered: bool,
    starvation: Starvation,
}

/// A thread was asked for a heartbeat and has not answered.
struct Silence {
    asked: Instant,
    /// Since when the actor that has the thread has it; another one is progress.
    inside: Option<Instant>,
    account: Account,
    is_logged: bool,
}

/// An actor was asked to look into its mailbox and has not.
struct Hang {
    asked: Instant,
    incarnation: u64,
    account: Account,
}

/// One look: what it is compared with, and what is read at most once.
struct Look<'a> {
    tree: &'a Tree,
    now: Instant,
    before: Instant,
    span: Span,
    /// The span before that.
    earlier: Span,
    number: u64,
    crowd: &'a mut Crowd,
    others: Option<Option<Others>>,
}

impl Look<'_> {
    /// Read only for a silent one that sleeps: it takes two files a thread.
    fn others(&mut self) -> Option<Others> {
        *self.others.get_or_insert_with(|| {
            let others = self.crowd.since_the_last_look(self.number, self.span.took);
            let on_disk = disk::file(None).is_some();
            if on_disk { Some(Others { on_disk, ..others.unwrap_or_default() }) } else { others }
        })
    }

    /// What of this span and the one before it came after a moment: an actor is asked when it was not seen for a whole one.
    fn since_earlier(&self, moment: Instant) -> Span {
        let took = self.now.saturating_duration_since(moment).min(self.span.took + self.earlier.took);
        Span { took, late: self.span.late + self.earlier.late }
    }

    /// What of the span came after a moment.
    fn since(&self, moment: Instant) -> Span {
        let took = self.now.saturating_duration_since(moment).min(self.span.took);
        Span { took, late: self.span.late }
    }
}

impl Watch {
    pub(crate) fn new(tree: &Tree, slots: Slots) -> Watch {
        let children = &tree.0.children;
        let watched = |thread: Thread| Watched {
            pulse: thread.pulse(),
            children: (0..children.len()).filter(|child| children[*child].thread().is(&thread)).collect(),
            thread,
            before: None,
            did: None,
            did_earlier: None,
            silence: None,
            has_answered: false,
            starvation: Starvation::default(),
        };
        let threads: Vec<Watched> = tree.threads().into_iter().map(watched).collect();
        let hang = children.iter().map(|child| child.spec().hang_deadline);
        let block = threads.iter().map(|watched| watched.thread.block_deadline());
        let shortest = hang.chain(block).min().unwrap_or(INTERVAL_MAX * 8);
        let interval = (shortest / 8).clamp(INTERVAL_MIN, INTERVAL_MAX);
        let hangs = children.iter().map(|_| None).collect();
        let (looked, pause) = (Instant::now(), Duration::ZERO);
        let span = Span { took: Duration::ZERO, late: Duration::ZERO };
        Watch { interval, slots, threads, hangs, looked, span, pause, looks: 0, crowd: Crowd::default() }
    }

    pub(crate) fn all_ended(&self, tree: &Tree) -> bool {
        tree.0.children.iter().all(|child| child.life().phase == Phase::Ended)
    }

    /// Says how soon to look again: after the interval, or when somebody's deadline is over.
    pub(crate) fn look(&mut self, tree: &Tree, now: Instant) -> Duration {
        let before = std::mem::replace(&mut self.looked, now);
        let took = now.saturating_duration_since(before);
        self.looks += 1;
        let span = Span { took, late: took.saturating_sub(self.pause + TIMER_GRAIN) };
        let earlier = std::mem::replace(&mut self.span, span);
        let (number, crowd) = (self.looks, &mut self.crowd);
        let look = &mut Look { tree, now, before, span, earlier, number, crowd, others: None };
        let mut pause = self.interval;
        // Not too soon: what does not go on does not come nearer to its deadline either.
        let soonest = self.interval / 10;
        for watched in &mut self.threads {
            match watched.look(look) {
                Some(Verdict::Waits(left)) => pause = pause.min(left.max(soonest)),
                Some(Verdict::Blocked | Verdict::DiskSilent) | None => {}
            }
            for &child in &watched.children {
                if let Some(left) = watched.look_at_child(look, child, &mut self.hangs[child]) {
                    pause = pause.min(left.max(soonest));
                }
            }
            watched.ask(look, &self.hangs);
        }
        self.pause = if pause < self.interval { pause } else { self.slots.near(now, pause) };
        self.pause
    }
}

impl Watched {
    /// What follows from the thread's silence, if it is silent; what is to be done is done.
    fn look(&mut self, look: &mut Look) -> Option<Verdict> {
        // Another tree that has actors there may have left it behind already.
        if !Arc::ptr_eq(&self.thread.pulse(), &self.pulse) {
            leave_behind(look.tree, &self.thread, &self.pulse, look.now, None);
            self.start_over();
        }
        let last = self.pulse.last();
        self.has_answered = self.silence.take_if(|silence| last >= silence.asked).is_some();
        let inside = self.inside(look.tree);
        let (now, before) = (self.pulse.source().and_then(Source::counters), self.before);
        self.before = now;
        let condition = if self.silence.is_some() { self.condition() } else { Condition::Asleep };
        let did = now.zip(before).map(|(now, before)| now.since(before, condition));
        self.did_earlier = std::mem::replace(&mut self.did, did);
        let span = look.span;
        let verdict = self.silence.as_mut().map(|silence| {
            if silence.inside == inside {
                let others =
                    if matches!(condition, Condition::Asleep | Condition::OnDisk) { look.others() } else { None };
                silence.account.add(span, did, others);
            } else {
                *silence = Silence { inside, account: head(look, inside, did), ..*silence };
            }
            silence.account.verdict(deadline(look.tree, &self.thread, &self.children), self.thread.own_disk_deadline())
        });
        self.note_starvation(look, did);
        if matches!(verdict, Some(Verdict::Blocked | Verdict::DiskSilent)) {
            let account = self.silence.as_ref().map(|silence| silence.account);
            leave_behind(look.tree, &self.thread, &self.pulse, look.now, account);
            if !Arc::ptr_eq(&self.thread.pulse(), &self.pulse) {
                self.start_over();
            }
        }
        verdict
    }

    fn start_over(&mut self) {
        (self.pulse, self.before, self.silence, self.has_answered) = (self.thread.pulse(), None, None, false);
    }

    /// Since when who has the thread has it.
    fn inside(&self, tree: &Tree) -> Option<Instant> {
        self.children.iter().filter_map(|child| tree.0.children[*child].moments().inside).min()
    }

    /// Costs a file: read only of a thread that is silent.
    fn condition(&self) -> Condition {
        let waits_for_disk = || disk::file(self.pulse.id()).is_some_and(|(is_its_own, _)| is_its_own);
        match self.pulse.source().map(Source::condition) {
            Some(Some(Condition::Asleep)) | None if waits_for_disk() => Condition::OnDisk,
            Some(condition) => condition.unwrap_or(Condition::Stopped),
            None => Condition::Asleep,
        }
    }

    fn note_starvation(&mut self, look: &Look, did: Option<Did>) {
        let deadline = self.thread.block_deadline();
        let name = self.thread.name();
        if let Some(Change { is_starved, waited, of }) = self.starvation.add(look.span.took, did) {
            if is_starved {
                tracing::warn!(thread = name, "starved: it waited {waited:.1?} of the last {of:.1?} for a processor");
            } else {
                tracing::info!(thread = name, "no longer starved");
            }
        }
        let silence = self.silence.as_mut();
        let waits_for = silence.as_ref().and_then(|silence| silence.account.waits_for(deadline / 2));
        if let Some(silence) = silence.filter(|silence| !silence.is_logged)
            && let Some(waits_for) = silence.account.waits_for(deadline)
        {
            silence.is_logged = true;
            match waits_for {
                WaitsFor::Processor => {
                    let waited = silence.account.starved();
                    tracing::warn!(
                        thread = name,
                        "it has had no processor for {waited:.1?}: it is starved, not blocked"
                    );
                }
                WaitsFor::Disk => {
                    let (waited, file) = (silence.account.on_disk(), disk_of(&self.pulse));
                    tracing::warn!(thread = name, "it has waited {waited:.1?} for the disk{file}");
                }
            }
        }
        let starved = || self.starvation.is_starved().then_some(WaitsFor::Processor);
        self.thread.on_seen(self.before, waits_for.or_else(starved), look.now);
    }

    /// What the thread did as far as it concerns an actor that waits for a future: what it ran for others is of no concern.
    fn asleep(&self) -> Option<Did> {
        self.did.map(|did| Did { ran: Duration::ZERO, condition: Condition::Asleep, ..did })
    }

    fn asleep_for_two_spans(&self) -> Option<Did> {
        let (did, earlier) = (self.asleep()?, self.did_earlier?);
        Some(Did { waited: did.waited + earlier.waited, ..did })
    }

    /// How long it will be until the actor is taken for hung, if it stays silent while its thread runs.
    fn look_at_child(&self, look: &mut Look, id: usize, hang: &mut Option<Hang>) -> Option<Duration> {
        let child = &look.tree.0.children[id];
        let (life, moments) = (child.life(), child.moments());
        let beat = moments.beat.filter(|_| life.phase == Phase::Running);
        hang.take_if(|hang| beat.is_none_or(|beat| beat >= hang.asked) || hang.incarnation != life.incarnation);
        let beat = beat?;
        if hang.is_some() || beat < look.before {
            // Each time: one that came while it handled a message left no trace.
            child.nudge();
        }
        let Some(hang) = hang else {
            if beat < look.before {
                let mut account = Account::default();
                if self.silence.is_none() {
                    account.add(look.since_earlier(beat), self.asleep_for_two_spans(), None);
                }
                *hang = Some(Hang { asked: look.now, incarnation: life.incarnation, account });
            }
            return None;
        };
        // Else its silence is its thread's.
        if self.has_answered {
            let others = look.others();
            hang.account.add(look.span, self.asleep(), others);
        }
        let text = match hang.account.verdict(child.spec().hang_deadline, self.thread.own_disk_deadline()) {
            Verdict::Waits(left) => return Some(left),
            Verdict::Blocked => {
                format!("it handled nothing for {:.1?} while its thread ran", hang.account.blocked())
            }
            Verdict::DiskSilent => {
                format!(
                    "it handled nothing for {:.1?}: the disk did not answer{}",
                    hang.account.on_disk(),
                    disk_of(&self.pulse)
                )
            }
        };
        child.cut_off(hang.incarnation, Some((Reason::Hung, text)));
        None
    }

    /// Asks for a heartbeat, where none was seen or one is to be seen.
    fn ask(&mut self, look: &Look, hangs: &[Option<Hang>]) {
        if self.silence.is_some() {
            return;
        }
        let inside = self.inside(look.tree);
        let beats = self.children.iter().filter_map(|child| look.tree.0.children[*child].moments().beat);
        let has_shown_itself = beats.chain([self.pulse.last()]).any(|beat| beat >= look.before);
        if inside.is_some() || !has_shown_itself || self.children.iter().any(|child| hangs[*child].is_some()) {
            self.pulse.ask();
            let condition = if inside.is_some() { self.condition() } else { Condition::Asleep };
            let account = head(look, inside, self.did.map(|did| Did { condition, ..did }));
            self.silence = Some(Silence { asked: look.now, inside, account, is_logged: false });
        }
    }
}

/// What of this span counts for who has had the thread since a moment within it.
fn head(look: &Look, inside: Option<Instant>, did: Option<Did>) -> Account {
    let mut account = Account::default();
    if let Some(inside) = inside {
        account.add(look.since(inside), did, None);
    }
    account
}

/// How long a silence of this thread may be: a start may take longer.
fn deadline(tree: &Tree, thread: &Thread, children: &[usize]) -> Duration {
    let starting = children.iter().map(|child| &tree.0.children[*child]).filter(|child| child.moments().is_starting);
    starting.map(|child| child.spec().start_deadline).fold(thread.block_deadline(), Duration::max)
}
