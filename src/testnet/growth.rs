//! How memory, disk and open files of a network grow: looks at all of it, few enough to be kept for a run of any length, and
//! the growth by the hour and by the proof that follows from them.

use serde::Serialize;
use std::time::Duration;

/// Looks that are kept. When there are so many, every second one is let go, and they come half as often from then on.
const LOOKS_MAX: usize = 40;
/// Fewer say nothing: a quarter of them would be one.
const LOOKS_MIN: usize = 8;

/// All validators together, at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Footprint {
    /// Since the first look.
    pub seconds: f64,
    /// Workers included.
    pub memory_mib: f64,
    /// Of data and logs, as the file system counts them.
    pub disk_mib: f64,
    pub open_files: f64,
    /// Proofs that had ended.
    pub proofs: f64,
}

/// What a while or a number of proofs adds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Added {
    pub memory_mib: f64,
    pub disk_mib: f64,
    pub open_files: f64,
}

/// From the mean of the first quarter of the looks to that of the last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growth {
    pub per_hour: Added,
    /// None if no proof ended between them.
    pub per_thousand_proofs: Option<Added>,
    pub looks: Vec<Footprint>,
}

#[derive(Debug)]
pub struct History {
    interval: Duration,
    looks: Vec<Footprint>,
}

impl History {
    /// With so long between two looks at first.
    pub fn new(interval: Duration) -> History {
        History { interval, looks: Vec::new() }
    }

    /// Whether a look at this time would be kept. Those who look do so at regular times, which are never met exactly.
    pub fn wants(&self, seconds: f64) -> bool {
        self.looks.last().is_none_or(|last| seconds - last.seconds >= self.interval.as_secs_f64() * 0.95)
    }

    /// Keeps a look. Those at times when not every validator runs are better left out: less is used then.
    pub fn keep(&mut self, look: Footprint) {
        if !self.wants(look.seconds) {
            return;
        }
        self.looks.push(look);
        if self.looks.len() >= LOOKS_MAX {
            let mut number = 0;
            self.looks.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.interval *= 2;
        }
    }

    /// None of a run that was too short.
    pub fn growth(&self) -> Option<Growth> {
        let quarter = self.looks.len() / 4;
        if self.looks.len() < LOOKS_MIN {
            return None;
        }
        let (first, last) = (mean(&self.looks[..quarter]), mean(&self.looks[self.looks.len() - quarter..]));
        let by = |unit: f64| Added {
            memory_mib: round((last.memory_mib - first.memory_mib) / unit),
            disk_mib: round((last.disk_mib - first.disk_mib) / unit),
            open_files: round((last.open_files - first.open_files) / unit),
        };
        let proofs = last.proofs - first.proofs;
        Some(Growth {
            per_hour: by((last.seconds - first.seconds) / 3_600.0),
            per_thousand_proofs: (proofs > 0.0).then(|| by(proofs / 1_000.0)),
            looks: self.looks.iter().map(rounded).collect(),
        })
    }
}

fn mean(looks: &[Footprint]) -> Footprint {
    let of = |figure: fn(&Footprint) -> f64| looks.iter().map(figure).sum::<f64>() / looks.len() as f64;
    Footprint {
        seconds: of(|look| look.seconds),
        memory_mib: of(|look| look.memory_mib),
        disk_mib: of(|look| look.disk_mib),
        open_files: of(|look| look.open_files),
        proofs: of(|look| look.proofs),
    }
}

fn rounded(look: &Footprint) -> Footprint {
    Footprint {
        seconds: round(look.seconds),
        memory_mib: round(look.memory_mib),
        disk_mib: round(look.disk_mib),
        ..*look
    }
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network that takes 100 MiB and 10 more each hour, writes 36 MiB and opens a file in the same time, and ends a proof
    /// each two seconds.
    fn look(seconds: f64) -> Footprint {
        let hours = seconds / 3_600.0;
        Footprint {
            seconds,
            memory_mib: 100.0 + 10.0 * hours,
            disk_mib: 36.0 * hours,
            open_files: 500.0 + hours,
            proofs: seconds / 2.0,
        }
    }

    fn history(seconds: u32) -> History {
        let mut history = History::new(Duration::from_secs(10));
        (0..=seconds).step_by(10).for_each(|second| history.keep(look(f64::from(second))));
        history
    }

    #[test]
    fn growth_is_that_of_the_run_however_long_it_was() {
        for seconds in [70, 600, 3_600, 86_400] {
            let history = history(seconds);
            assert!(history.looks.len() < LOOKS_MAX, "{seconds} s");
            let growth = history.growth().unwrap_or_else(|| panic!("{seconds} s"));
            assert_eq!(growth.per_hour, Added { memory_mib: 10.0, disk_mib: 36.0, open_files: 1.0 }, "{seconds} s");
            let by_proofs = growth.per_thousand_proofs.unwrap();
            // A thousand proofs take 2,000 s.
            assert!((by_proofs.disk_mib - 20.0).abs() < 1e-9, "{by_proofs:?}");
            // The looks that are kept reach from the begin to the end, or nearly.
            assert!(growth.looks[0].seconds == 0.0, "{seconds} s");
            assert!(growth.looks.last().unwrap().seconds >= 0.95 * f64::from(seconds), "{seconds} s");
        }
    }

    #[test]
    fn a_short_run_and_one_without_proofs_say_less() {
        assert_eq!(history(60).growth(), None);
        let mut idle = History::new(Duration::from_secs(1));
        (0..20).for_each(|second| idle.keep(Footprint { proofs: 3.0, ..look(f64::from(second)) }));
        assert_eq!(idle.growth().unwrap().per_thousand_proofs, None);
    }
}
