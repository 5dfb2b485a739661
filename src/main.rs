//! `pop`: the one program that operators and submitters use. It never loads the solver; `pop-verifier` does.
//!
//! Errors go to standard error, results to standard output, and the exit codes are those of [`exit`].

mod admin;
mod advice;
mod agreement;
mod api;
mod args;
mod chaos;
mod check;
mod client;
mod commands;
mod doctor;
mod exit;
mod home;
mod ids;
mod logging;
mod logs;
mod monitor;
mod new_genesis;
mod node_batch;
mod nodes;
mod obligation;
mod processes;
mod progress;
mod proof_view;
mod refusal;
mod solver_pin;
mod testnet;
mod text;
mod unpack;
mod utf8;
mod watchdog;
mod why;

use clap::Parser;
use std::process::ExitCode;

/// A Byzantine-fault-tolerant network that checks proofs.
#[derive(Debug, Parser)]
#[command(name = "pop", version, about, propagate_version = true, arg_required_else_help = true)]
struct Pop {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    match Pop::parse().command.run() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // A node's words may be in it, and a node may be anybody's.
            let lines: Vec<String> = failure.message.lines().map(text::plain).collect();
            eprintln!("error: {}", lines.join("\n"));
            failure.exit.into()
        }
    }
}
