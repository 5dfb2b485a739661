//! Final history by the beginning of an id: blocks, proofs, statements.
//!
//! Must never: read more rows than were asked for.

use super::database::{BlockRow, Database, DatabaseError, decode};
use super::tables::{BLOCK_IDS, BLOCKS, PROOFS, STATEMENTS};
use protocol::block::Entry;
use protocol::prefix::HashPrefix;
use protocol::types::{Hash, Sequence};
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};

/// Blocks that are searched for the newest proofs: of an idle network most have none.
pub const BLOCKS_SEARCHED_MAX: usize = 1_000;

/// What begins so, each with the sequence of its block; each kind ascending, and bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FinalNames {
    pub blocks: Vec<(Hash, Sequence)>,
    pub proofs: Vec<(Hash, Sequence)>,
    /// With the first block that has each.
    pub statements: Vec<(Hash, Sequence)>,
}

impl Database {
    /// At most `count` of each kind.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn with_prefix(&self, prefix: &HashPrefix, count: usize) -> Result<FinalNames, DatabaseError> {
        let read = self.begin_read()?;
        let range = prefix.low().0..=prefix.high().0;
        let by_id = |table: TableDefinition<'_, [u8; 32], u64>| -> Result<Vec<(Hash, Sequence)>, DatabaseError> {
            let row = |row: Result<
                (redb::AccessGuard<'_, [u8; 32]>, redb::AccessGuard<'_, u64>),
                redb::StorageError,
            >| { row.map(|(id, sequence)| (Hash(id.value()), Sequence(sequence.value()))) };
            Ok(read.open_table(table)?.range(range.clone())?.take(count).map(row).collect::<Result<_, _>>()?)
        };
        let mut proofs = Vec::new();
        for row in read.open_table(PROOFS)?.range(range.clone())?.take(count) {
            let (id, place) = row?;
            proofs.push((Hash(id.value()), Sequence(place.value().0)));
        }
        Ok(FinalNames { blocks: by_id(BLOCK_IDS)?, proofs, statements: by_id(STATEMENTS)? })
    }

    /// The newest proofs above a sequence, newest first, with the last block that was looked at. One block is in memory at a
    /// time.
    ///
    /// # Errors
    /// If the disk fails or holds nonsense.
    pub(super) fn newest_final(
        &self,
        above: Sequence,
        count: usize,
    ) -> Result<(Sequence, Vec<(Sequence, Entry)>), DatabaseError> {
        let read = self.begin_read()?;
        let (mut last, mut found) = (above, Vec::new());
        for row in read.open_table(BLOCKS)?.range(above.0.saturating_add(1)..)?.rev().take(BLOCKS_SEARCHED_MAX) {
            let (sequence, bytes) = row?;
            let sequence = Sequence(sequence.value());
            last = last.max(sequence);
            let row: BlockRow = decode("a block", bytes.value())?;
            let proofs = row.checked(sequence)?.body.proofs;
            found.extend(proofs.into_iter().rev().map(|entry| (sequence, entry)).take(count - found.len()));
            if found.len() == count {
                break;
            }
        }
        Ok((last, found))
    }
}

/// Makes the rows of blocks that were written before there was this index. O(1) where none is missing, else it reads every
/// block once.
///
/// # Errors
/// If the disk fails or holds nonsense.
pub(super) fn name_blocks(write: &WriteTransaction) -> Result<(), DatabaseError> {
    let mut names = write.open_table(BLOCK_IDS)?;
    let blocks = write.open_table(BLOCKS)?;
    if names.len()? == blocks.len()? {
        return Ok(());
    }
    for row in blocks.iter()? {
        let (sequence, bytes) = row?;
        let BlockRow { id, .. } = decode("a block", bytes.value())?;
        names.insert(id.0, sequence.value())?;
    }
    Ok(())
}
