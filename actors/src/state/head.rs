//! The head of the final chain, as the database has it; who starts, starts from it.

use super::database::{Below, Database, DatabaseError, Head, StoredBlock};
use super::messages::Standing;
use crate::supervision::StartError;
use protocol::consensus::recovery::Base;
use protocol::genesis::Genesis;
use protocol::ledger::Branch;
use protocol::types::Sequence;
use std::sync::Arc;

/// The head with its block, or the genesis; its ledger has the root that its header names.
pub(super) fn checked_head(
    database: &Database,
    genesis: &Genesis,
) -> Result<(Standing, Option<StoredBlock>), DatabaseError> {
    let Some((Head { sequence, id, ledger }, stored)) = database.last()? else {
        let block = genesis.genesis_block_hash();
        return Ok((Standing { sequence: Sequence(0), block, ledger: genesis.ledger() }, None));
    };
    let damaged = |what: String| DatabaseError::Damaged { what };
    if stored.id != id || stored.block.id() != id {
        return Err(damaged(format!("the last block is {}, not {id}", stored.block.id())));
    }
    let root = ledger.root();
    if root != stored.block.header.state {
        let named = stored.block.header.state;
        return Err(damaged(format!("the ledger's root is {root}, block {sequence} names {named}")));
    }
    Ok((Standing { sequence, block: id, ledger }, Some(stored)))
}

/// Where consensus begins: the last final block with its certificates, or the genesis.
///
/// # Errors
/// If the database cannot be read or contradicts itself.
pub(super) fn base(database: &Database, genesis: &Genesis) -> Result<Base, DatabaseError> {
    let (Standing { sequence: _, block: id, ledger }, stored) = checked_head(database, genesis)?;
    let (prepare, commit) = stored.map_or((None, None), |stored| (stored.prepare, stored.commit));
    Ok(Base { id, ledger, commit, prepare })
}

/// Reads where consensus begins, with a way to ask about what lies below it; each time that consensus starts.
pub fn history(
    genesis: Arc<Genesis>,
    database: Arc<Database>,
) -> impl Fn() -> Result<(Base, Box<dyn Branch + Send>), StartError> + Send + Sync {
    move || {
        let base = base(&database, &genesis).map_err(|error| StartError::fatal(error.exit_code(), error))?;
        let below = Below::new(database.clone(), base.ledger.sequence());
        Ok((base, Box::new(below) as Box<dyn Branch + Send>))
    }
}
