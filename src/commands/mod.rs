//! The commands, a file each: one argument struct with its help text, and one `run`.

mod check_proof;
mod init_genesis_state;
mod key;
mod solver_pin;
mod start_validator;

use crate::exit::Outcome;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    CheckProof(check_proof::Arguments),
    InitGenesisState(init_genesis_state::Arguments),
    Key(key::Arguments),
    StartValidator(start_validator::Arguments),
}

impl Command {
    pub fn run(&self) -> Outcome {
        match self {
            Command::CheckProof(arguments) => arguments.run(),
            Command::InitGenesisState(arguments) => arguments.run(),
            Command::Key(arguments) => arguments.run(),
            Command::StartValidator(arguments) => arguments.run(),
        }
    }
}
