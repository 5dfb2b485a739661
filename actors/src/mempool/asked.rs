//! What the actor answers to callers that ask where proofs are.
//!
//! Must never: change what is held.

use super::actor::MempoolActor;
use super::messages::{Found, Locate, Located, LookUp, NewestProofs, SubmitError, TellFigures, TellOldest, WithPrefix};
use actix::{Context, Handler, MessageResult};
use protocol::mempool::{Figures, Whereabouts};
use protocol::types::Hash;

impl Handler<TellFigures> for MempoolActor {
    type Result = MessageResult<TellFigures>;

    fn handle(&mut self, _: TellFigures, _: &mut Context<Self>) -> Self::Result {
        let figures: Figures = self.mempool.figures();
        MessageResult(figures)
    }
}

impl Handler<Locate> for MempoolActor {
    type Result = Result<Located, SubmitError>;

    fn handle(&mut self, locate: Locate, _: &mut Context<Self>) -> Self::Result {
        let whereabouts = self.mempool.find(&locate.0);
        let final_in = match whereabouts {
            Whereabouts::Unknown | Whereabouts::Refused(_) | Whereabouts::Final(_) | Whereabouts::Fetching => {
                self.settings.store.final_in(&locate.0).map_err(|error| SubmitError::Failed(error.to_string()))?
            }
            Whereabouts::Waiting | Whereabouts::Checking | Whereabouts::Pending { .. } => None,
        };
        Ok(match final_in {
            Some((sequence, statement)) => {
                Located { whereabouts: Whereabouts::Final(sequence), statement: Some(statement) }
            }
            None => Located { whereabouts, statement: self.mempool.statement(&locate.0) },
        })
    }
}

impl Handler<NewestProofs> for MempoolActor {
    type Result = MessageResult<NewestProofs>;

    fn handle(&mut self, NewestProofs(count): NewestProofs, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.mempool.newest(count))
    }
}

impl Handler<WithPrefix> for MempoolActor {
    type Result = MessageResult<WithPrefix>;

    fn handle(&mut self, WithPrefix { prefix, count }: WithPrefix, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.mempool.with_prefix(&prefix, count))
    }
}

impl Handler<LookUp> for MempoolActor {
    type Result = MessageResult<LookUp>;

    fn handle(&mut self, LookUp { proofs, statements }: LookUp, _: &mut Context<Self>) -> Self::Result {
        let locate =
            |proof: &Hash| Located { whereabouts: self.mempool.find(proof), statement: self.mempool.statement(proof) };
        MessageResult(Found {
            proofs: proofs.iter().map(locate).collect(),
            statements: statements.iter().map(|statement| self.mempool.find_statement(statement)).collect(),
        })
    }
}

impl Handler<TellOldest> for MempoolActor {
    type Result = Vec<(Hash, Whereabouts)>;

    fn handle(&mut self, TellOldest(max): TellOldest, _: &mut Context<Self>) -> Self::Result {
        self.mempool.oldest(max).into_iter().map(|proof| (proof, self.mempool.find(&proof))).collect()
    }
}
