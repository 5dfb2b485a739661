//! The ledger after the last final block: who holds what, the pool, and the supply that all of it must make.

use super::error::{ApiError, ErrorBody};
use super::{ANSWER_DEADLINE, Shared};
use actors::state::LedgerNow;
use axum::Json;
use axum::extract::State;
use protocol::types::{Amount, Hash, NodeId, Sequence};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerView {
    /// The last final block here.
    #[schema(value_type = u64)]
    sequence: Sequence,
    #[schema(value_type = String)]
    block: Hash,
    #[schema(value_type = String)]
    state_root: Hash,
    /// In the genesis' order.
    accounts: Vec<AccountView>,
    #[schema(value_type = u64)]
    reward_pool_micro_tokens: Amount,
    /// Balances, stakes and pool of the genesis; what they sum up to for ever.
    #[schema(value_type = u64)]
    supply_micro_tokens: Amount,
    #[schema(value_type = u64)]
    rewards_paid_micro_tokens: Amount,
    proofs_final: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    #[schema(value_type = String)]
    node_id: NodeId,
    #[schema(value_type = u64)]
    balance_micro_tokens: Amount,
    #[schema(value_type = u64)]
    stake_micro_tokens: Amount,
}

/// Who holds what.
#[utoipa::path(
    get,
    path = "/v1/ledger",
    responses(
        (status = 200, description = "after the last final block", body = LedgerView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn show(State(api): Shared) -> Result<Json<LedgerView>, ApiError> {
    let standing = api.node.state.ask(LedgerNow, ANSWER_DEADLINE).await?;
    let ledger = &standing.ledger;
    let accounts = api.node.genesis.validators().iter().zip(ledger.accounts());
    Ok(Json(LedgerView {
        sequence: standing.sequence,
        block: standing.block,
        state_root: ledger.root(),
        accounts: accounts
            .map(|(validator, account)| AccountView {
                node_id: validator.node_id.clone(),
                balance_micro_tokens: account.balance,
                stake_micro_tokens: account.stake,
            })
            .collect(),
        reward_pool_micro_tokens: ledger.pool(),
        supply_micro_tokens: ledger.supply(),
        rewards_paid_micro_tokens: ledger.paid(),
        proofs_final: ledger.proofs().count(),
    }))
}
