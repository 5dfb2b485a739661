//! The counters of a metric's words, looked up once and then counted without a look-up.
//!
//! Create them after the recorder is installed; a handle created before counts nowhere.

use super::declared;
use super::metric::Values;
use metrics::{Counter, counter};

/// A counter for each value of a metric's last label.
pub struct Counters(Vec<(&'static str, Counter)>);

impl Counters {
    /// Of a metric with one label.
    pub fn of(name: &'static str) -> Counters {
        Counters::with(name, Vec::new())
    }

    /// Of a metric with more labels, of which all but the last are given.
    pub fn with(name: &'static str, given: Vec<metrics::Label>) -> Counters {
        let label = declared(name).labels.last().expect("a metric with labels");
        let Values::Words(words) = label.values else { panic!("{name} is not counted by words") };
        let counter = |word: &&'static str| {
            let mut labels = given.clone();
            labels.push(metrics::Label::from_static_parts(label.name, word));
            (*word, counter!(name, labels))
        };
        Counters(words.iter().map(counter).collect())
    }

    /// Counts under a declared value; undeclared ones are not counted.
    pub fn add(&self, word: &str, count: u64) {
        // A few words: no look-up is faster.
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == word) {
            counter.increment(count);
        }
    }
}
