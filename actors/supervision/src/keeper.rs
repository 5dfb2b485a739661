//! The process' thread for supervision: three tasks for each tree. One takes what the tree is told and looks at heartbeats,
//! one does what concerns several actors, one starts them in order.
//!
//! No actor runs here, so that none can block it. If a tree's task itself panics, the process ends.

use crate::slots::Slots;
use crate::spec::{EXIT_CODE_SUPERVISION, Exit};
use crate::tree::{Event, Tree};
use crate::watch::Watch;
use crate::work;
use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

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
    let slots = Slots::of_a_runtime_made_now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without input and output needs nothing from the system");
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        while let Some((tree, events)) = trees.recv().await {
            keep_up(&tree, watch_over(tree.clone(), events, slots));
        }
    });
}

/// Runs a task of a tree; if it panics, nobody else does its work, and the process ends.
pub(crate) fn keep_up(tree: &Tree, task: impl Future<Output = ()> + 'static) {
    let (tree, task) = (tree.clone(), tokio::task::spawn_local(task));
    tokio::task::spawn_local(async move {
        if let Err(error) = task.await {
            let reason = format!("supervision itself failed: {error}");
            tree.exit_now(&Exit { code: EXIT_CODE_SUPERVISION, reason });
        }
    });
}

/// Never waits for an actor: a blocked thread must be found whatever else is under way.
async fn watch_over(tree: Tree, mut events: UnboundedReceiver<Event>, slots: Slots) {
    let (jobs, queue) = unbounded_channel();
    keep_up(&tree, work::work(tree.clone(), queue));
    keep_up(&tree, work::start_in_order(tree.clone()));
    let on_event = |event| match event {
        Event::RestartAfter { child, number, after } => work::restart_after(&tree, child, number, after),
        // Received until this ends, which is when nothing remains to be done.
        Event::Job(job) => drop(jobs.send(job)),
        #[cfg(test)]
        Event::Panic => panic!("planted: in the supervisor"),
    };
    let mut watch = Watch::new(&tree, slots);
    let mut look = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
    let mut over = tree.0.over.subscribe();
    loop {
        tokio::select! {
            biased;
            _ = over.wait_for(|over| *over) => break,
            Some(event) = events.recv() => on_event(event),
            () = &mut look => {
                let now = Instant::now();
                let pause = watch.look(&tree, now);
                look.as_mut().reset(tokio::time::Instant::from_std(now + pause));
                if watch.all_ended(&tree) {
                    break;
                }
            }
        }
    }
    // A child that can never start has told so before it ended.
    events.close();
    while let Ok(event) = events.try_recv() {
        on_event(event);
    }
    tree.0.stopping.send_replace(true);
    tree.0.over.send_replace(true);
}
