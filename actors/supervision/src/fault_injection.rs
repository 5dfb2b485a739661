//! Injects a fault into a running actor and says what came of it.

use crate::faults::{Consequences, FLOOD_TIME, Fault, InjectError};
use crate::mailbox::Phase;
use crate::tree::Tree;
use std::time::{Duration, Instant};

/// Between two questions to an actor that did not take the first.
const PROBE_PAUSE: Duration = Duration::from_millis(1);

/// Marks that a fault is under way in an actor.
struct Injecting(Tree, usize);

impl Drop for Injecting {
    fn drop(&mut self) {
        self.0.0.injecting.lock().remove(&self.1);
    }
}

impl Tree {
    /// Makes an actor fail as soon as its thread comes to it, and waits for nothing.
    ///
    /// # Errors
    /// An unknown name.
    pub fn fail(&self, actor: &str, fault: Fault) -> Result<(), InjectError> {
        self.0.children[self.find(actor)?].inject(fault);
        Ok(())
    }

    fn find(&self, actor: &str) -> Result<usize, InjectError> {
        let children = &self.0.children;
        children.iter().position(|child| child.spec().name == actor).ok_or_else(|| {
            let there_are = children.iter().map(|child| child.spec().name).collect();
            InjectError::UnknownActor { name: actor.to_owned(), there_are }
        })
    }

    /// Makes an actor fail, and waits until it serves again, `patience` at most.
    ///
    /// # Errors
    /// An unknown name, an actor that is down, or one that is being made to fail already.
    pub async fn inject(&self, actor: &str, fault: Fault, patience: Duration) -> Result<Consequences, InjectError> {
        let children = &self.0.children;
        let id = self.find(actor)?;
        let (child, name) = (&children[id], children[id].spec().name);
        if !self.0.injecting.lock().insert(id) {
            return Err(InjectError::Busy { actor: name });
        }
        let _injecting = Injecting(self.clone(), id);
        let before = child.life();
        if before.phase != Phase::Running {
            return Err(InjectError::NotRunning { actor: name });
        }
        let earlier = child.look();
        let asked = Instant::now();
        let mut life = child.watch();
        child.inject(fault);
        let until = asked.checked_add(patience).unwrap_or_else(|| asked + Duration::from_secs(86_400));
        let mut serving = None;
        let recovered = async {
            if fault != Fault::Flood {
                // The sender is in the child, which the tree holds.
                let _ =
                    life.wait_for(|life| life.incarnation > before.incarnation && life.phase == Phase::Running).await;
            }
            while !child.probe().await {
                tokio::time::sleep(PROBE_PAUSE).await;
            }
            serving = Some(Instant::now());
            if fault == Fault::Flood {
                tokio::time::sleep_until((asked + FLOOD_TIME).into()).await;
            }
        };
        // What did not happen by then is told as not happened.
        let _ = tokio::time::timeout_at(until.into(), recovered).await;
        let (look, life) = (child.look(), child.life());
        let injected = look.injected.filter(|at| *at >= asked).unwrap_or(asked);
        let after = |at: Option<Instant>| at?.checked_duration_since(injected);
        let is_up = life.incarnation > before.incarnation && life.phase == Phase::Running;
        Ok(Consequences {
            actor: name,
            fault,
            detected: after(look.detected),
            up: after(look.running_since.filter(|_| is_up)),
            serving: after(serving),
            lost: look.lost - earlier.lost,
            refused: look.refused - earlier.refused,
            incarnation: life.incarnation,
        })
    }
}
