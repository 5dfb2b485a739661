//! Two ways to leave processes a small part of a processor; each says why, where it cannot.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Why this machine does not let it be done, for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(String);

/// A process that uses all the processor time that it can get; it ends with the test.
pub struct Hog(pub Child);

impl Hog {
    pub fn start() -> Hog {
        Hog(Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("a shell"))
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Puts processes on the processor of a hog, with a weight of a tenth of its.
///
/// # Errors
/// Why that cannot be done.
pub fn beside(hog: &Hog, processes: &[u32]) -> Result<(), Unavailable> {
    let run = |command: &[&str]| match Command::new(command[0]).args(&command[1..]).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(Unavailable(format!("{}: {}", command[0], String::from_utf8_lossy(&output.stderr)))),
        Err(error) => Err(Unavailable(format!("{}: {error}", command[0]))),
    };
    run(&["taskset", "-p", "1", &hog.0.id().to_string()])?;
    for process in processes {
        let process = process.to_string();
        // Each thread has its own.
        let threads = fs::read_dir(format!("/proc/{process}/task")).map_err(|error| Unavailable(error.to_string()))?;
        for thread in threads.flatten() {
            run(&["renice", "-n", "10", "-p", &thread.file_name().to_string_lossy()])?;
        }
        run(&["taskset", "-a", "-p", "1", &process])?;
    }
    Ok(())
}

/// Where no control groups of version 2 are mounted, their folder takes any file of any name, and limits nothing.
fn write_there(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    fs::OpenOptions::new().write(true).open(file)?.write_all(text.as_bytes())
}

/// A group of processes with a tenth of one processor, until it is dropped.
pub struct Quota(PathBuf);

impl Quota {
    /// A tenth of each period, 0.1 to 1 s: what is not used of it is lost, and what is used up is waited for until the next.
    ///
    /// # Errors
    /// Why this process may not make one.
    pub fn a_tenth(period: Duration) -> Result<Quota, Unavailable> {
        let (part, whole) = ((period / 10).as_micros().to_string(), period.as_micros().to_string());
        let name = format!("supervision-test-{}", std::process::id());
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let of = |controller: &str| {
            let line = own.lines().find(|line| line.split(':').nth(1) == Some(controller))?;
            line.split(':').nth(2).map(|path| path.trim_start_matches('/').to_owned())
        };
        let second = of("").map(|path| {
            let path = PathBuf::from("/sys/fs/cgroup").join(path).join(&name);
            (path, vec![("cpu.max", format!("{part} {whole}"))])
        });
        let first = ["cpu", "cpu,cpuacct"].into_iter().filter_map(|controller| {
            let path = PathBuf::from("/sys/fs/cgroup").join(controller).join(of(controller)?).join(&name);
            Some((path, vec![("cpu.cfs_period_us", whole.clone()), ("cpu.cfs_quota_us", part.clone())]))
        });
        let mut why = "there are no control groups".to_owned();
        for (path, limits) in second.into_iter().chain(first) {
            if let Err(error) = fs::create_dir(&path) {
                why = format!("{}: {error}", path.display());
                continue;
            }
            let quota = Quota(path.clone());
            let write = |(file, limit): &(&str, String)| {
                write_there(&path.join(file), limit).map_err(|error| format!("{}: {error}", path.join(file).display()))
            };
            match limits.iter().try_for_each(write) {
                Ok(()) => return Ok(quota),
                Err(error) => why = error,
            }
        }
        Err(Unavailable(why))
    }

    pub fn add(&self, processes: &[u32]) {
        for process in processes {
            // One that has ended meanwhile needs none.
            let _ = fs::write(self.0.join("cgroup.procs"), process.to_string());
        }
    }
}

impl Quota {
    /// Lets its processes have what they can get.
    pub fn lift(&self) {
        for (file, limit) in [("cpu.max", "max"), ("cpu.cfs_quota_us", "-1")] {
            // One of them is there.
            let _ = write_there(&self.0.join(file), limit);
        }
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // It is empty once its processes are gone.
        let until = Instant::now() + Duration::from_secs(10);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < until {
            std::thread::yield_now();
        }
    }
}
