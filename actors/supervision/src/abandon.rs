//! What is done about a thread that is blocked: its actors go on elsewhere, or the process ends.
//!
//! It must never wait for the thread, nor trust what its actors say from here on.

use crate::account::{Account, Verdict};
use crate::disk;
use crate::mailbox::Phase;
use crate::spec::{EXIT_CODE_SUPERVISION, Exit};
use crate::thread::{OnBlock, Pulse, Thread};
use crate::tree::{Event, Job, Tree, ZOMBIES_MAX};
use crate::vitals::Reason;
use std::sync::Arc;
use std::time::Instant;

/// A thread is blocked: its actors go on elsewhere, or the process ends.
pub(crate) fn leave_behind(tree: &Tree, thread: &Thread, pulse: &Arc<Pulse>, now: Instant, account: Option<Account>) {
    // Whatever stops the tree has deadlines of its own.
    if *tree.0.stopping.borrow() {
        return;
    }
    let children = &tree.0.children;
    let here = |child: &usize| children[*child].thread().is(thread) && children[*child].life().phase != Phase::Ended;
    let here: Vec<usize> = (0..children.len()).filter(here).collect();
    // What has been on the thread for longest is what blocks it. If nobody is inside, it is a task that no tree knows: it
    // counts for the first one, or the same would happen forever; but not if another tree has dealt with it.
    let longest = here.iter().copied().filter_map(|child| Some((children[child].moments().inside?, child))).min();
    let unknown = here.first().copied().filter(|_| Arc::ptr_eq(pulse, &thread.pulse()));
    let culprit = longest.map(|(_, child)| child).or(unknown);
    let text = why(tree, thread, pulse, culprit, account);
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
fn why(tree: &Tree, thread: &Thread, pulse: &Pulse, culprit: Option<usize>, account: Option<Account>) -> String {
    let Some(failed) = culprit.map(|culprit| &tree.0.children[culprit]) else {
        return format!("the thread {} was left behind", thread.name());
    };
    let doing =
        failed.look().handling.map_or_else(String::new, |handling| format!(" while it handled {}", handling.kind));
    let deadline = thread.block_deadline();
    let account = account.unwrap_or_default();
    let what = match account.verdict(deadline, thread.own_disk_deadline()) {
        Verdict::DiskSilent => format!("it waited {:.1?} for the disk{}", account.on_disk(), disk_of(pulse)),
        Verdict::Blocked | Verdict::Waits(_) => format!("it blocked its thread for {deadline:.1?}"),
    };
    let text = format!("actor {} failed: {what}{doing}", failed.spec().name);
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

/// Which file it is, if somebody said.
pub(crate) fn disk_of(pulse: &Pulse) -> String {
    disk::file(pulse.id()).map_or_else(String::new, |(_, file)| format!(" ({})", file.display()))
}
