//! The supervision tree as it is, and, for an administrator, a fault in one of its actors.

use super::Shared;
use super::admin::Administrator;
use super::error::{ApiError, ErrorBody};
use actors::supervision::{
    ActorReport, Failure, Fault, InjectError, MemberReport, Phase, Reason, Restart, Restarts, Strategy,
    SupervisorReport, ThreadReport, TreeReport, WaitsFor,
};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// How long is waited for an actor to serve again.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize, ToSchema)]
pub struct ActorsView {
    tree: SupervisorView,
    /// The threads that actors run on.
    threads: Vec<ThreadView>,
    /// Blocked threads that were left behind and have not ended.
    zombies: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadView {
    /// `work`, `votes` or `sessions`
    name: &'static str,
    /// As that of its actors.
    #[schema(value_type = Option<String>)]
    waits_for: Option<WaitsFor>,
    /// For how long it was ready to run and had no processor, since the start; 0 where the system does not count it.
    processor_wait_ms: f64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SupervisorView {
    name: &'static str,
    /// `supervisor`
    kind: &'static str,
    /// `one_for_one`, `one_for_all` or `rest_for_one`
    #[schema(value_type = String)]
    strategy: Strategy,
    /// `running`, or `degraded` while something below it is not running
    state: &'static str,
    intensity: IntensityView,
    /// Failures counted in its subtree.
    restarts: u64,
    /// How often it gave up and left it to the one above.
    escalations: u64,
    /// In start order.
    #[schema(no_recursion)]
    children: Vec<MemberView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct IntensityView {
    restarts_max: usize,
    window_ms: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum MemberView {
    Actor(ActorView),
    #[schema(no_recursion)]
    Supervisor(SupervisorView),
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ActorView {
    pub name: &'static str,
    /// `actor`
    kind: &'static str,
    /// `permanent`, `transient` or `temporary`
    #[schema(value_type = String)]
    restart: Restart,
    /// `starting`, `running`, `down` or `stopped`
    #[schema(value_type = String)]
    pub state: Phase,
    pub incarnation: u64,
    /// Incarnations that ended, by reason.
    #[schema(value_type = RestartsSchema)]
    restarts: Restarts,
    last_failure: Option<FailureView>,
    pub mailbox: MailboxView,
    /// What it handles right now.
    handling: Option<HandlingView>,
    /// Since it last looked into its mailbox, which it is asked to do when it has not for a quarter of a second.
    heartbeat_age_ms: Option<f64>,
    /// `processor` or `disk`, if its thread would go on but for that: it is neither hung nor blocked, and nothing is restarted.
    #[schema(value_type = Option<String>)]
    waits_for: Option<WaitsFor>,
    /// Of this incarnation.
    uptime_ms: Option<f64>,
    /// Messages, by all incarnations; the time that their handlers took.
    handled: u64,
    handler_ms: f64,
    /// Messages rejected (the mailbox was full or closed), and accepted but not handled or never answered.
    rejected: u64,
    lost: u64,
}

#[derive(ToSchema)]
#[allow(dead_code)]
pub struct RestartsSchema {
    panicked: u64,
    failed: u64,
    terminated: u64,
    start_failed: u64,
    hung: u64,
    blocked: u64,
    with_sibling: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FailureView {
    /// `panicked`, `failed`, `terminated`, `start_failed`, `hung` or `blocked`
    #[schema(value_type = String)]
    reason: Reason,
    text: String,
    /// `file:line` of a panic.
    place: Option<String>,
    ago_ms: f64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MailboxView {
    pub depth: usize,
    limit: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HandlingView {
    message: &'static str,
    for_ms: f64,
}

fn ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

impl From<SupervisorReport> for SupervisorView {
    fn from(report: SupervisorReport) -> SupervisorView {
        let children: Vec<MemberView> = report.members.into_iter().map(MemberView::from).collect();
        let well = children.iter().all(|child| match child {
            MemberView::Actor(actor) => actor.state == Phase::Running,
            MemberView::Supervisor(supervisor) => supervisor.state == "running",
        });
        SupervisorView {
            name: report.name,
            kind: "supervisor",
            strategy: report.strategy,
            state: if well { "running" } else { "degraded" },
            intensity: IntensityView {
                restarts_max: report.restarts_max,
                window_ms: u64::try_from(report.window.as_millis()).unwrap_or(u64::MAX),
            },
            restarts: report.restarts,
            escalations: report.escalations,
            children,
        }
    }
}

impl From<MemberReport> for MemberView {
    fn from(report: MemberReport) -> MemberView {
        match report {
            MemberReport::Actor(actor) => MemberView::Actor((*actor).into()),
            MemberReport::Supervisor(supervisor) => MemberView::Supervisor(supervisor.into()),
        }
    }
}

impl From<ActorReport> for ActorView {
    fn from(report: ActorReport) -> ActorView {
        let failure = |Failure { reason, text, place, at }| {
            let ago_ms = ms(report.at.saturating_duration_since(at));
            FailureView { reason, text, place, ago_ms }
        };
        ActorView {
            name: report.name,
            kind: "actor",
            restart: report.restart,
            state: report.phase,
            incarnation: report.incarnation,
            restarts: report.restarts,
            last_failure: report.last_failure.map(failure),
            mailbox: MailboxView { depth: report.waiting, limit: report.mailbox_max },
            handling: report.handling.map(|(message, span)| HandlingView { message, for_ms: ms(span) }),
            heartbeat_age_ms: report.heartbeat_age.map(ms),
            waits_for: report.waits_for,
            uptime_ms: report.uptime.map(ms),
            handled: report.handled,
            handler_ms: ms(report.handler_time),
            rejected: report.refused,
            lost: report.lost,
        }
    }
}

/// A report as it is answered.
pub fn view(report: TreeReport) -> ActorsView {
    let thread = |ThreadReport { name, waits_for, processor_wait }: ThreadReport| ThreadView {
        name,
        waits_for,
        processor_wait_ms: ms(processor_wait),
    };
    let threads = report.threads.into_iter().map(thread).collect();
    ActorsView { tree: report.root.into(), threads, zombies: report.zombies }
}

/// The supervision tree as it is now. No actor is asked, so that it answers whatever hangs.
#[utoipa::path(
    get,
    path = "/v1/actors",
    responses(
        (status = 200, description = "the tree, in start order", body = ActorsView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn show(State(api): Shared) -> Json<ActorsView> {
    Json(view(api.node.tree.report()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KillRequest {
    actor: String,
    /// `panic`, `terminate`, `hang`, `block` or `flood`
    #[schema(value_type = String)]
    how: Fault,
}

/// What came of a fault. Times are milliseconds after it happened; null did not happen within 30 s.
#[derive(Debug, Serialize, ToSchema)]
pub struct KillView {
    actor: &'static str,
    #[schema(value_type = String)]
    how: Fault,
    /// The supervisor knew. Null for a flood, which is no failure.
    detected_ms: Option<f64>,
    /// The next incarnation ran.
    up_ms: Option<f64>,
    /// The first request that needs the actor's state was answered.
    serving_ms: Option<f64>,
    /// Messages that were taken and not handled, or never answered.
    lost: u64,
    /// Messages that were rejected: the mailbox was full or closed.
    rejected: u64,
    incarnation: u64,
}

/// Makes an actor fail, for a test; answers when it serves again. The administrator's: `Authorization: Bearer` and the token
/// of `admin_token` in the data directory.
#[utoipa::path(
    post,
    path = "/v1/admin/kill",
    request_body = KillRequest,
    responses(
        (status = 200, description = "what came of it", body = KillView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn kill(
    State(api): Shared,
    _: Administrator,
    request: Result<Json<KillRequest>, JsonRejection>,
) -> Result<Json<KillView>, ApiError> {
    let Json(KillRequest { actor, how }) = request.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let began = Instant::now();
    tracing::warn!(%actor, %how, "an administrator injects a fault");
    let came = api.node.tree.inject(&actor, how, PATIENCE).await.map_err(|error| match error {
        InjectError::UnknownActor { .. } => ApiError::not_found(error.to_string()),
        InjectError::NotRunning { .. } | InjectError::Busy { .. } => ApiError::unavailable(error.to_string()),
    })?;
    tracing::info!(%actor, %how, took = ?began.elapsed(), serving = ?came.serving, "the fault is over");
    Ok(Json(KillView {
        actor: came.actor,
        how: came.fault,
        detected_ms: came.detected.map(ms),
        up_ms: came.up.map(ms),
        serving_ms: came.serving.map(ms),
        lost: came.lost,
        rejected: came.refused,
        incarnation: came.incarnation,
    }))
}
