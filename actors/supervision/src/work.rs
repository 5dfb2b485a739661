//! What concerns several actors of a tree: the restart of a group, an escalation, the end.
//!
//! It waits for actors, each time with a deadline, and each restart in a task of its own, so that one that hangs delays no
//! other. It must never touch a child that another restart has taken over: a ticket says which one has it.

use crate::keeper::keep_up;
use crate::mailbox::Phase;
use crate::policy::Ticket;
use crate::restart::Intensity;
use crate::spec::{EXIT_CODE_SUPERVISION, Exit};
use crate::tree::{Job, Tree};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

/// Until the tree is over.
pub(crate) async fn work(tree: Tree, mut jobs: UnboundedReceiver<Job>) {
    while let Some(job) = jobs.recv().await {
        match job {
            Job::RestartAll { children, ticket } => {
                let of = tree.clone();
                keep_up(&tree, async move { of.restart(&children, ticket).await });
            }
            Job::Escalate { supervisor, child, children, ticket } => {
                let of = tree.clone();
                keep_up(&tree, async move {
                    // Unless another restart has taken it over: it counts with that one.
                    let is_held = of.0.policy.lock().is_held_by(child, ticket);
                    if is_held && !*of.0.stopping.borrow() {
                        of.escalate(supervisor, child).await;
                    }
                    // What is not below the supervisor's parent, and was on the same blocked thread.
                    of.restart(&children, ticket).await;
                });
            }
            Job::Exit(exit) => tree.exit(exit).await,
            Job::Stop => tree.end_all().await,
        }
    }
}

/// Starts what was not started yet, each once the one before it runs or has ended.
pub(crate) async fn start_in_order(tree: Tree) {
    for (id, child) in tree.0.children.iter().enumerate() {
        // The restart of a group starts what it holds.
        if !tree.is_held(id) {
            Arc::clone(child).start_after(0);
        }
        let mut life = child.watch();
        let settled = life.wait_for(|life| matches!(life.phase, Phase::Running | Phase::Ended));
        if tree.unless_stopping(settled).await.is_none() {
            return;
        }
    }
}

/// Starts a child again, alone, when its back-off is over.
pub(crate) fn restart_after(tree: &Tree, child: usize, number: u64, after: Duration) {
    keep_up(tree, {
        let tree = tree.clone();
        async move {
            let mut stopping = tree.0.stopping.subscribe();
            if tokio::time::timeout(after, stopping.wait_for(|stopping| *stopping)).await.is_ok() {
                return;
            }
            let is_free = {
                let policy = tree.0.policy.lock();
                !policy.is_held(child) && !policy.is_stopping()
            };
            // Whoever has held it, or ended it, has taken this number from it.
            if is_free {
                Arc::clone(&tree.0.children[child]).start_after(number);
            }
        }
    });
}

impl Tree {
    async fn unless_stopping<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        let mut stopping = self.0.stopping.subscribe();
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => None,
            done = wait => Some(done),
        }
    }

    async fn escalate(&self, supervisor: usize, child: usize) {
        let escalation = self.0.policy.lock().escalate(supervisor, Instant::now());
        let facts = self.0.supervisors[*escalation.gave_up.last().unwrap_or(&supervisor)];
        let failed = &self.0.children[child];
        let text = failed.look().last_failure.map_or_else(String::new, |failure| match failure.place {
            Some(place) => format!("{} ({place})", failure.text),
            None => failure.text,
        });
        let Intensity { restarts_max, window } = facts.intensity;
        let reason = format!(
            "actor {} failed: {text}; {} gave up: more than {restarts_max} failures in {window:?}",
            failed.spec().name,
            facts.name
        );
        tracing::error!("{reason}");
        match escalation.restart {
            Some((children, ticket)) => self.restart(&children, ticket).await,
            None => self.exit(Exit { code: EXIT_CODE_SUPERVISION, reason }).await,
        }
    }

    /// Stops what is held by this ticket in reverse order and starts it in order. A start that fails counts, and then all of
    /// it is done again.
    async fn restart(&self, children: &[usize], ticket: Ticket) {
        loop {
            for &child in children.iter().rev() {
                if self.0.policy.lock().is_held_by(child, ticket) {
                    self.stop_for_restart(child).await;
                }
            }
            let failed = self.start_held(children, ticket).await;
            let again = {
                let mut policy = self.0.policy.lock();
                if policy.is_stopping() {
                    return;
                }
                let Some(failed) = failed.or_else(|| policy.release(children, ticket)) else { return };
                let exhausted = policy.once_more(children, ticket, failed, Instant::now());
                exhausted.map(|supervisor| (supervisor, failed))
            };
            if let Some((supervisor, failed)) = again {
                // It takes over what is below the supervisor's parent; the loop goes on with the others.
                Box::pin(self.escalate(supervisor, failed)).await;
            }
        }
    }

    /// Gives the first one that does not start.
    async fn start_held(&self, children: &[usize], ticket: Ticket) -> Option<usize> {
        for &id in children {
            let child = &self.0.children[id];
            let comes_back = {
                let mut policy = self.0.policy.lock();
                if policy.is_stopping() {
                    return None;
                }
                if !policy.begin_start(id, ticket) {
                    continue;
                }
                policy.restarts_with_siblings(id)
            };
            if !comes_back {
                child.end();
            }
            // What has ended for good stays so: its handles have said it.
            if child.life().phase == Phase::Ended {
                continue;
            }
            Arc::clone(child).start();
            if !self.has_started(id).await && self.0.policy.lock().is_held_by(id, ticket) {
                return Some(id);
            }
        }
        None
    }

    async fn stop_for_restart(&self, child: usize) {
        let child = &self.0.children[child];
        // Not what another restart may start meanwhile.
        let number = *child.active().borrow();
        child.ask_to_stop();
        let mut active = child.active();
        let deadline = child.spec().shutdown;
        let stopped = tokio::time::timeout(deadline, active.wait_for(|active| *active == 0));
        if !matches!(self.unless_stopping(stopped).await, Some(Err(_))) {
            return;
        }
        child.cut_off(number, None);
        // What blocks its thread cannot be cut off: the next incarnation fences it.
        let cut = tokio::time::timeout(deadline, active.wait_for(|active| *active == 0));
        let _ = self.unless_stopping(cut).await;
    }

    /// Whether a child runs, or has ended for good. A start that takes too long blocks its thread, and the watch finds that: it knows
    /// what of the time the thread could have used.
    async fn has_started(&self, child: usize) -> bool {
        let child = &self.0.children[child];
        let (mut life, mut active) = (child.watch(), child.active());
        let settled = |phase| matches!(phase, Phase::Running | Phase::Ended);
        let running = async {
            tokio::select! {
                biased;
                _ = life.wait_for(|life| settled(life.phase)) => true,
                _ = active.wait_for(|active| *active == 0) => settled(child.life().phase),
            }
        };
        self.unless_stopping(running).await.unwrap_or(false)
    }

    /// Ends every child, last started first.
    async fn end_all(&self) {
        for child in self.0.children.iter().rev() {
            child.ask_to_end();
            let mut active = child.active();
            let deadline = child.spec().shutdown;
            if tokio::time::timeout(deadline, active.wait_for(|active| *active == 0)).await.is_err() {
                let number = *child.active().borrow();
                child.cut_off(number, None);
                if tokio::time::timeout(deadline, active.wait_for(|active| *active == 0)).await.is_err() {
                    tracing::error!(actor = child.spec().name, "it blocks its thread and is left behind");
                }
            }
            if child.life().phase != Phase::Ended {
                child.end();
            }
        }
        self.0.over.send_replace(true);
    }

    /// The process ends, once everything that runs has ended.
    async fn exit(&self, exit: Exit) {
        self.begin_stop();
        self.end_all().await;
        self.exit_now(&exit);
    }
}
