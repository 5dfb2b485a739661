//! The database's tables: their names, keys and rows.

use redb::TableDefinition;

/// Version of the tables; another one is refused.
pub(super) const VERSION: u64 = 2;

pub(super) type Key = [u8; 32];

/// Chain, version, and the last final block with its ledger.
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// By sequence, like the two tables of certificates.
pub(super) const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
pub(super) const PREPARES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("prepares");
pub(super) const COMMITS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("commits");
/// Of each final proof the sequence of its block and the place of its script: the one table whose keys come in no order,
/// and so with rows as short as can be.
pub(super) const PROOFS: TableDefinition<'_, Key, (u64, u64)> = TableDefinition::new("final_proofs");
/// The first sequence at which a statement became final.
pub(super) const STATEMENTS: TableDefinition<'_, Key, u64> = TableDefinition::new("final_statements");
/// The sequence of each block by its id, for a caller that has only that. It came later than the others: the rows of older blocks are
/// made when the database is opened.
pub(super) const BLOCK_IDS: TableDefinition<'_, Key, u64> = TableDefinition::new("block_ids");
/// Whole proofs by place.
pub(super) const SCRIPTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("scripts");
/// What the mempool must know of a pending proof, by the place of its script.
pub(super) const PENDING: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("pending");

/// In place of a script's place: it never came here.
pub(super) const NO_SCRIPT: u64 = u64::MAX;
