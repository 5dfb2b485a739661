//! Many look-ups at once: which of these proofs and statements are final, and where.
//!
//! All of it is read within one transaction, so that the answers are of one moment, and each block once, however many of the
//! answers are in it. One block is in memory at a time. Must never: call final what no block in the database shows.

use super::database::{Database, DatabaseError, HeadRow, decode, require};
use super::messages::FinalFound;
use super::tables::{BLOCKS, META, PROOFS, STATEMENTS};
use protocol::block::Entry;
use protocol::types::{Hash, Sequence};
use redb::ReadTransaction;
use std::collections::BTreeMap;

/// What an answer is about, and the number of the question.
#[derive(Clone, Copy)]
enum Wanted {
    Proof(usize),
    Statement(usize),
}

impl Database {
    /// Cost: two rows for each that is final, and each of their blocks once.
    ///
    /// # Errors
    /// If the disk fails or holds nonsense.
    pub(super) fn look_up(&self, proofs: &[Hash], statements: &[Hash]) -> Result<FinalFound, DatabaseError> {
        let read = self.begin_read()?;
        let mut by_block: BTreeMap<u64, Vec<Wanted>> = BTreeMap::new();
        let (final_proofs, final_statements) = (read.open_table(PROOFS)?, read.open_table(STATEMENTS)?);
        for (number, proof) in proofs.iter().enumerate() {
            if let Some((sequence, _)) = final_proofs.get(proof.0)?.map(|row| row.value()) {
                by_block.entry(sequence).or_default().push(Wanted::Proof(number));
            }
        }
        for (number, statement) in statements.iter().enumerate() {
            if let Some(sequence) = final_statements.get(statement.0)?.map(|row| row.value()) {
                by_block.entry(sequence).or_default().push(Wanted::Statement(number));
            }
        }
        let mut found = FinalFound {
            head: head(&read)?,
            proofs: vec![None; proofs.len()],
            statements: vec![None; statements.len()],
        };
        for (sequence, wanted) in by_block {
            let entries = entries(&read, Sequence(sequence))?;
            // Of several proofs of one statement in a block the first is the one that was paid.
            let by_proof: BTreeMap<_, _> = entries.iter().map(|entry| (entry.proof, entry)).collect();
            let by_statement: BTreeMap<_, _> = entries.iter().rev().map(|entry| (entry.statement, entry)).collect();
            for one in wanted {
                let (place, entry, name) = match one {
                    Wanted::Proof(number) => {
                        (&mut found.proofs[number], by_proof.get(&proofs[number]), &proofs[number])
                    }
                    Wanted::Statement(number) => {
                        (&mut found.statements[number], by_statement.get(&statements[number]), &statements[number])
                    }
                };
                require(entry.is_some(), "the index entry of", name)?;
                *place = entry.map(|entry| (Sequence(sequence), **entry));
            }
        }
        Ok(found)
    }
}

fn head(read: &ReadTransaction) -> Result<Sequence, DatabaseError> {
    let Some(row) = read.open_table(META)?.get("head")?.map(|bytes| decode("the head", bytes.value())) else {
        return Ok(Sequence(0));
    };
    let HeadRow { sequence, .. } = row?;
    Ok(sequence)
}

/// What a block made final.
fn entries(read: &ReadTransaction, sequence: Sequence) -> Result<Vec<Entry>, DatabaseError> {
    let row = read.open_table(BLOCKS)?.get(sequence.0)?.map(|bytes| decode("a block", bytes.value()));
    let Some(row) = row else {
        return Err(DatabaseError::Damaged { what: format!("block {sequence}, which an index names, is missing") });
    };
    let row: super::database::BlockRow = row?;
    Ok(row.checked(sequence)?.body.proofs)
}
