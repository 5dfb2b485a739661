//! What each file of `pop submit-proof` came to, in the order of the files, and their sum.
//!
//! Must never: count a file twice, or none.

use super::waiting::{Waiting, explained};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::obligation::ClaimSource;
use crate::proof_view;
use crate::say;
use crate::text::{plain, short_id};
use protocol::types::Hash;
use protocol::verdict::Claim;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A proof that the node has.
pub struct Taken {
    pub id: Hash,
    pub claim: Claim,
    pub source: ClaimSource,
    /// It was there already.
    pub known: bool,
    /// Where it was when it was submitted.
    pub state: String,
}

/// One file.
pub struct Entry {
    name: String,
    taken: Result<Taken, Failure>,
    /// Where the proof is, once that was asked.
    view: Option<Value>,
}

/// What a file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Final,
    Refused,
    NotTaken,
    /// Nobody waited for its end.
    Submitted,
    Known,
    /// Its end was not awaited for long enough.
    Pending,
}

impl Kind {
    const ALL: [Kind; 6] = [Kind::Final, Kind::Submitted, Kind::Known, Kind::Refused, Kind::Pending, Kind::NotTaken];

    fn word(self) -> &'static str {
        match self {
            Kind::Final => "final",
            Kind::Refused => "refused",
            Kind::NotTaken => "not taken",
            Kind::Submitted => "submitted",
            Kind::Known => "already known",
            Kind::Pending => "still pending",
        }
    }

    fn exit(self) -> Exit {
        match self {
            Kind::Final | Kind::Submitted | Kind::Known => Exit::Fine,
            Kind::Refused => Exit::Refuted,
            Kind::NotTaken => Exit::Input,
            Kind::Pending => Exit::NoVerdict,
        }
    }
}

impl Entry {
    pub fn taken(name: String, taken: Taken) -> Entry {
        Entry { name, taken: Ok(taken), view: None }
    }

    pub fn not_taken(name: String, failure: Failure) -> Entry {
        Entry { name, taken: Err(failure), view: None }
    }

    fn kind(&self, waits: bool) -> Kind {
        match (&self.taken, &self.view) {
            (Err(_), _) => Kind::NotTaken,
            (Ok(_), Some(view)) if view["state"] == "final" => Kind::Final,
            (Ok(_), Some(view)) if view["state"] == "refused" => Kind::Refused,
            (Ok(_), _) if waits => Kind::Pending,
            (Ok(taken), _) if taken.known => Kind::Known,
            (Ok(_), _) => Kind::Submitted,
        }
    }

    fn document(&self) -> Value {
        match &self.taken {
            Ok(Taken { id, claim, source, known, state }) => json!({
                "file": self.name, "claim": claim, "claimed": source.word(), "proof": id, "known": known,
                "state": self.view.as_ref().map_or(state.as_str(), |view| view["state"].as_str().unwrap_or("unknown")),
                "result": self.view,
            }),
            Err(failure) => json!({"file": self.name, "error": failure.message}),
        }
    }
}

pub struct Results {
    json: bool,
    waits: bool,
    total: usize,
    begun: Instant,
    entries: Vec<Entry>,
}

impl Results {
    /// Of so many files.
    pub fn new(json: bool, waits: bool, total: usize) -> Results {
        Results { json, waits, total, begun: Instant::now(), entries: Vec::new() }
    }

    /// Files that are still to be submitted.
    pub fn missing(&self) -> usize {
        self.total - self.entries.len()
    }

    /// Proofs that were taken and whose end is not known yet.
    pub fn in_network(&self) -> usize {
        self.entries.iter().filter(|entry| entry.taken.is_ok() && entry.view.is_none()).count()
    }

    /// Takes in what was submitted. Who does not wait is told at once; of a proof that is refused already, also why.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn add(&mut self, mut entry: Entry, client: &Client, waiting: &mut Waiting) -> Result<(), Failure> {
        if !self.waits && entry.taken.as_ref().is_ok_and(|taken| taken.state == "refused") {
            let id = entry.taken.as_ref().map(|taken| taken.id).unwrap_or(Hash::ZERO);
            entry.view = Some(waiting.patiently(|| explained(client, &id))?);
        }
        if !self.json && (!self.waits || self.total == 1) {
            tell_taken(&entry);
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Waits for what has not ended, and tells each in the order of the files.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn await_all(&mut self, client: &Client, waiting: &mut Waiting) -> Result<(), Failure> {
        let Some(timeout) = waiting.timeout else { return Ok(()) };
        for place in 0..self.entries.len() {
            if let Ok(Taken { id, .. }) = &self.entries[place].taken {
                let ids = |entry: &Entry| entry.taken.as_ref().ok().map(|taken| taken.id);
                let others: Vec<Hash> = self.entries[place..].iter().filter_map(ids).collect();
                let view = waiting.await_end(client, id, &others)?;
                let is_refused = view["state"] == "refused";
                // Without a counterexample the rest is worth having all the same.
                let explained = if is_refused { explained(client, id).ok() } else { None };
                self.entries[place].view = Some(explained.filter(|view| view["state"] == "refused").unwrap_or(view));
            }
            waiting.clear();
            if !self.json {
                tell_ended(&self.entries[place], timeout, self.total == 1);
            }
            waiting.draw(0, self.in_network());
        }
        Ok(())
    }

    /// Prints the sum, or the document. What comes back is what the command ends with, unless it failed.
    pub fn conclude(&self, client: &Client, chain: &Hash, failure: Option<&Failure>) -> Exit {
        let kinds: Vec<Kind> = self.entries.iter().map(|entry| entry.kind(self.waits)).collect();
        let exit = kinds.iter().fold(Exit::Fine, |exit, kind| exit.worse(kind.exit()));
        let took = self.begun.elapsed();
        if self.json {
            let (name, address) = client.place();
            let count = |kind: Kind| kinds.iter().filter(|found| **found == kind).count();
            let counts: serde_json::Map<String, Value> =
                Kind::ALL.iter().map(|kind| (kind.word().replace(' ', "_"), count(*kind).into())).collect();
            say!(
                "{:#}",
                json!({
                    "node": {"name": name, "address": address}, "chain_id": chain, "counts": counts,
                    "proofs": self.entries.iter().map(Entry::document).collect::<Vec<_>>(),
                    "elapsed_ms": took.as_secs_f64() * 1e3,
                    "exit": failure.map_or(exit, |failure| failure.exit) as u8,
                    "failure": failure.map(|failure| &failure.message),
                })
            );
        } else if self.total > 1 {
            let unfinished = failure.map(|_| self.total - kinds.len()).filter(|count| *count > 0);
            say!("{}", sum(&kinds, unfinished, took));
        }
        exit
    }
}

/// `32 final, 8 refused in 3.2 s (exit 5: 8 refused)`.
fn sum(kinds: &[Kind], not_submitted: Option<usize>, took: Duration) -> String {
    let counted = |wanted: &dyn Fn(Kind) -> bool| -> Vec<String> {
        let some = Kind::ALL.into_iter().filter(|kind| wanted(*kind));
        let some = some.map(|kind| (kinds.iter().filter(|found| **found == kind).count(), kind));
        some.filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {}", kind.word())).collect()
    };
    let mut parts = counted(&|_| true);
    parts.extend(not_submitted.map(|count| format!("{count} not submitted")));
    let exit = kinds.iter().fold(Exit::Fine, |exit, kind| exit.worse(kind.exit()));
    let because = counted(&|kind| exit != Exit::Fine && kind.exit() == exit).join(", ");
    let because = match exit {
        Exit::Fine => String::new(),
        // The error that follows says with which code.
        _ if not_submitted.is_some() => String::new(),
        exit => format!(" (exit {}: {because})", exit as u8),
    };
    format!("{} in {:.1} s{because}", parts.join(", "), took.as_secs_f64())
}

fn tell_taken(entry: &Entry) {
    let name = plain(&entry.name);
    match (&entry.taken, &entry.view) {
        (Ok(_), Some(view)) => say!("{}", proof_view::line(&entry.name, view)),
        (Ok(Taken { id, claim, source, known, .. }), None) => {
            let how = if *known { "already known:" } else { "submitted as" };
            let id = id.to_string();
            say!("{name}: {how} {} (claims {claim}, {})", short_id(&id), source.word());
        }
        (Err(failure), _) => eprintln!("error: {name}: {}", failure.message),
    }
}

/// `is_told` if a line says already that it was taken, or not.
fn tell_ended(entry: &Entry, timeout: Duration, is_told: bool) {
    match (&entry.taken, &entry.view) {
        (Ok(_), Some(view)) if view["ended"] == true => say!("{}", proof_view::line(&entry.name, view)),
        (Ok(_), Some(view)) => say!("{}: {}", plain(&entry.name), proof_view::still(view, timeout)),
        (Err(_), _) if !is_told => tell_taken(entry),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_says_how_many_came_to_what_and_why_it_ends_so() {
        let took = Duration::from_millis(3_240);
        let kinds = [vec![Kind::Final; 32], vec![Kind::Refused; 8]].concat();
        assert_eq!(sum(&kinds, None, took), "32 final, 8 refused in 3.2 s (exit 5: 8 refused)");
        assert_eq!(sum(&[Kind::Final; 2], None, took), "2 final in 3.2 s");
        let kinds = [Kind::Refused, Kind::NotTaken, Kind::Pending, Kind::NotTaken];
        let told = "1 refused, 1 still pending, 2 not taken in 3.2 s (exit 2: 2 not taken)";
        assert_eq!(sum(&kinds, None, took), told);
        assert_eq!(
            sum(&[Kind::Submitted, Kind::Known], Some(3), took),
            "1 submitted, 1 already known, 3 not submitted in 3.2 s"
        );
    }
}
