//! A process that gets a small part of a processor, by a quota on its group or by a neighbour of higher priority: nobody is taken for
//! blocked or hung who would go on, and who is blocked is found.
//!
//! The test runs itself again as that process: quotas and priorities are a process' own.
#![cfg(target_os = "linux")]

#[path = "support/starving.rs"]
mod starving;

use actix::{Actor, Context, Handler, Message};
use parking_lot::Mutex;
use starving::{Hog, Quota, beside};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use supervision::{Handle, OnBlock, Spec, Supervisor, Thread, WaitsFor, reserve};

const STARVED: &str = "SUPERVISION_STARVED";
/// How long a thread may be silent that could go on.
const DEADLINE: Duration = Duration::from_millis(500);
/// How long nobody may be found.
const CALM: Duration = Duration::from_secs(12);
const LONG: Duration = Duration::from_secs(240);

/// The test's own program as the process that is starved.
struct Starved {
    process: Child,
    go: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Starved {
    fn start() -> Starved {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "the_process_that_is_starved", "--nocapture"]).env(STARVED, "1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (go, said) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Starved { process, go, said }
    }

    /// Lets it begin, and fails if anything there fails.
    fn run(mut self, how: &str) {
        self.go.write_all(b"go\n").unwrap();
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
        eprintln!("{how}:\n{text}");
        assert!(self.process.wait().unwrap().success() && text.contains("all was found"), "{how}");
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn on_a_tenth_of_a_processor_nobody_is_found_but_who_is_blocked() {
    let quota = match Quota::a_tenth(Duration::from_millis(100)) {
        Ok(quota) => quota,
        Err(why) => return eprintln!("NOT RUN: a quota on processor time is not to be had here: {why}"),
    };
    let (starved, hog) = (Starved::start(), Hog::start());
    quota.add(&[starved.process.id(), hog.0.id()]);
    starved.run("a tenth of a processor, shared with another process");
    drop(hog);
}

#[test]
fn beside_a_process_of_higher_priority_nobody_is_found_but_who_is_blocked() {
    let (starved, hog) = (Starved::start(), Hog::start());
    if let Err(why) = beside(&hog, &[starved.process.id()]) {
        return eprintln!("NOT RUN: {why}");
    }
    starved.run("niceness 10 beside niceness 0, on one processor");
    drop(hog);
}

struct Worker;

impl Actor for Worker {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Run(Box<dyn FnOnce() + Send>);

impl Handler<Run> for Worker {
    type Result = ();
    fn handle(&mut self, run: Run, _: &mut Context<Self>) {
        (run.0)();
    }
}

/// Processor time of the calling thread.
fn own_processor_time() -> Duration {
    let line = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(line.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn the_process_that_is_starved() {
    if std::env::var_os(STARVED).is_none() {
        return;
    }
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    actix::System::new().block_on(async {
        let names = ["calm", "lock", "spin"];
        let (workers, children): (Vec<Handle<Worker>>, Vec<_>) = names
            .into_iter()
            .map(|name| {
                let thread = Thread::new(name, OnBlock::Replace).deadline(DEADLINE);
                let (worker, seat) = reserve::<Worker>(Spec::new(name).on_thread(thread).hang_deadline(DEADLINE));
                (worker, seat.fill(|| Ok(Worker)))
            })
            .unzip();
        let root = Supervisor::new("root");
        let exit = Arc::new(|exit: &supervision::Exit| panic!("the process would end: {exit:?}"));
        let tree = children.into_iter().fold(root, Supervisor::child).start(exit).unwrap();
        let [calm, lock, spin] = <[Handle<Worker>; 3]>::try_from(workers).ok().unwrap();

        let began = Instant::now();
        let mut was_starved = false;
        while began.elapsed() < CALM {
            // Little enough for each to be no block, and more than a starved thread has within the deadline.
            for worker in [&calm, &lock, &spin] {
                let work = || {
                    let until = own_processor_time() + Duration::from_millis(40);
                    while own_processor_time() < until {}
                };
                let _ = worker.ask(Run(Box::new(work)), LONG).await;
            }
            was_starved |= tree.report().threads.iter().any(|thread| thread.waits_for == Some(WaitsFor::Processor));
        }
        let restarts = [&calm, &lock, &spin].map(|worker| worker.report().restarts.total());
        let waited: Vec<_> = tree.report().threads.iter().map(|thread| thread.processor_wait).collect();
        println!("in {CALM:?} the threads waited {waited:.1?} for a processor, and {restarts:?} were restarted");
        assert_eq!(restarts, [0, 0, 0]);
        assert!(was_starved, "none was called starved");

        let began = Instant::now();
        let taken = Arc::new(Mutex::new(()));
        let (held, holder) = (Arc::clone(&taken), Arc::clone(&taken));
        let (give_back, kept) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let keeps = std::thread::spawn(move || {
            let _held = holder.lock();
            let _ = tell.send(());
            let _ = kept.recv();
        });
        told.recv().unwrap();
        lock.send(Run(Box::new(move || drop(held.lock())))).ok().unwrap();
        is_found(&lock).await;
        println!("who sleeps on a lock was found after {:.1?}", began.elapsed());
        assert!(began.elapsed() >= DEADLINE);
        drop(give_back);
        keeps.join().unwrap();

        let (began, used, over) = (Instant::now(), Arc::new(AtomicU64::new(0)), Arc::<AtomicU64>::default());
        let (seen, ends) = (Arc::clone(&used), Arc::clone(&over));
        let spins = move || {
            let before = own_processor_time();
            while ends.load(Ordering::Relaxed) == 0 {
                let so_far = own_processor_time() - before;
                seen.store(u64::try_from(so_far.as_millis()).unwrap(), Ordering::Relaxed);
            }
        };
        spin.send(Run(Box::new(spins))).ok().unwrap();
        is_found(&spin).await;
        let used = Duration::from_millis(used.load(Ordering::Relaxed));
        over.store(1, Ordering::Relaxed);
        println!("who spins was found after {:.1?}, in which it had {used:.1?} of processor time", began.elapsed());
        // The system counts a running thread's time by its ticks.
        assert!(used >= DEADLINE * 9 / 10, "not before it had its time");
        assert_eq!(calm.report().restarts.total(), 0, "{:?}", calm.report().last_failure);
        println!("all was found");
    });
}

async fn is_found(worker: &Handle<Worker>) {
    let until = Instant::now() + LONG;
    while worker.report().restarts.blocked == 0 {
        assert!(Instant::now() < until, "it is not found");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
