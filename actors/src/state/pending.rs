//! Pending proofs and all scripts, each at the next free place: what arrives together is stored together, so that a
//! transaction touches few pages however many proofs it takes. The index of final proofs names the place of each that
//! became final.
//!
//! The pending proofs, without their scripts, are known in memory with the place of each: a restarted mempool reads
//! nothing. Only the writer changes them, and readers see what a transaction changes once it is durable. My attestation
//! on each is in memory alone, and is lost with it: like a verdict it can be computed again.

use super::database::{DatabaseError, decode, encode};
use super::tables::{Key, NO_SCRIPT, PENDING, PROOFS, SCRIPTS};
use crate::mempool::Change;
use crate::supervision::is_fenced;
use parking_lot::Mutex;
use protocol::mempool::{Candidate, Source};
use protocol::message::Word;
use protocol::proof::Proof;
use protocol::types::Hash;
use redb::{ReadTransaction, ReadableTable, Table, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Serialize, Deserialize)]
struct PendingRow {
    proof: Hash,
    statement: Hash,
    size: u64,
    source: Source,
}

/// The pending proofs, and where each lies. Bounded by the mempool.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    of: HashMap<Hash, u64>,
    at: BTreeMap<u64, (Candidate, Option<Word>)>,
    next: u64,
}

impl Places {
    /// # Errors
    /// If the disk fails or holds nonsense.
    pub(super) fn read(read: &ReadTransaction) -> Result<Places, DatabaseError> {
        let mut inner = Inner::default();
        for row in read.open_table(PENDING)?.iter()? {
            let (place, row) = row?;
            let PendingRow { proof, statement, size, source } = decode("a pending proof", row.value())?;
            inner.of.insert(proof, place.value());
            inner.at.insert(place.value(), (Candidate { proof, statement, size, source }, None));
            inner.next = place.value() + 1;
        }
        // A place is never taken twice, or a final proof would name another's script.
        if let Some((last, _)) = read.open_table(SCRIPTS)?.last()? {
            inner.next = inner.next.max(last.value() + 1);
        }
        Ok(Places(Mutex::new(inner)))
    }

    pub(super) fn get(&self, proof: &Hash) -> Option<u64> {
        self.0.lock().of.get(proof).copied()
    }

    /// Every pending proof, oldest first, with the attestation that was noted.
    pub(super) fn pending(&self) -> Vec<(Candidate, Option<Word>)> {
        self.0.lock().at.values().copied().collect()
    }

    pub(super) fn note(&self, proof: &Hash, word: Word) {
        let inner = &mut *self.0.lock();
        // What an incarnation says whose place was taken counts for nothing.
        if is_fenced() {
            return;
        }
        if let Some((_, noted)) = inner.of.get(proof).and_then(|place| inner.at.get_mut(place)) {
            *noted = Some(word);
        }
    }

    pub(super) fn begin(&self) -> Moves<'_> {
        Moves { places: self, put: HashMap::new(), gone: HashSet::new(), next: self.0.lock().next }
    }
}

/// What one transaction changes of the places. Dropping it changes nothing.
pub(super) struct Moves<'a> {
    places: &'a Places,
    put: HashMap<Hash, (u64, Candidate)>,
    gone: HashSet<Hash>,
    next: u64,
}

impl Moves<'_> {
    fn get(&self, proof: &Hash) -> Option<u64> {
        let put = self.put.get(proof).map(|(place, _)| *place);
        put.or_else(|| if self.gone.contains(proof) { None } else { self.places.get(proof) })
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// The proof is pending no longer.
    pub(super) fn take(&mut self, proof: &Hash) -> Option<u64> {
        let place = self.get(proof)?;
        self.put.remove(proof);
        self.gone.insert(*proof);
        Some(place)
    }

    /// The transaction is durable.
    pub(super) fn committed(self) {
        let Moves { places, put, gone, next } = self;
        let mut inner = places.0.lock();
        for proof in gone {
            if let Some(place) = inner.of.remove(&proof) {
                inner.at.remove(&place);
            }
        }
        for (proof, (place, candidate)) in put {
            inner.of.insert(proof, place);
            inner.at.insert(place, (candidate, None));
        }
        inner.next = next;
    }
}

pub(super) fn write_pending(
    write: &WriteTransaction,
    moves: &mut Moves<'_>,
    changes: &[Change],
) -> Result<(), DatabaseError> {
    let mut tables = Tables {
        finals: write.open_table(PROOFS)?,
        scripts: write.open_table(SCRIPTS)?,
        pending: write.open_table(PENDING)?,
    };
    changes.iter().try_for_each(|change| match change {
        Change::Put(candidate, proof) => tables.put(moves, candidate, proof),
        Change::Remove(proof) => tables.remove(moves, proof),
    })
}

/// The tables in which a transaction changes pending proofs.
struct Tables<'t> {
    finals: Table<'t, Key, (u64, u64)>,
    scripts: Table<'t, u64, &'static [u8]>,
    pending: Table<'t, u64, &'static [u8]>,
}

impl Tables<'_> {
    fn put(&mut self, moves: &mut Moves<'_>, candidate: &Candidate, proof: &Proof) -> Result<(), DatabaseError> {
        let Candidate { proof: id, statement, size, source } = *candidate;
        if moves.get(&id).is_some() {
            return Ok(());
        }
        let is_final = self.finals.get(id.0)?.map(|row| row.value());
        let place = match is_final {
            Some((_, held)) if held != NO_SCRIPT => return Ok(()),
            Some(_) | None => moves.next(),
        };
        self.scripts.insert(place, encode(proof)?.as_slice())?;
        match is_final {
            // It became final before its script came: it can be read for ever, and is not pending.
            Some((sequence, _)) => _ = self.finals.insert(id.0, (sequence, place))?,
            None => {
                let row = PendingRow { proof: id, statement, size, source };
                self.pending.insert(place, encode(&row)?.as_slice())?;
                moves.put.insert(id, (place, *candidate));
            }
        }
        Ok(())
    }

    /// What is final is not pending, and can be read for ever.
    fn remove(&mut self, moves: &mut Moves<'_>, proof: &Hash) -> Result<(), DatabaseError> {
        if let Some(place) = moves.take(proof) {
            self.pending.remove(place)?;
            self.scripts.remove(place)?;
        }
        Ok(())
    }
}
