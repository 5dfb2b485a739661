//! The commands, a file each: one argument struct with its help text, and one `run`.

mod init_genesis_state;
mod key;
mod solver_pin;

use crate::exit::Outcome;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    InitGenesisState(init_genesis_state::Arguments),
    Key(key::Arguments),
}

impl Command {
    pub fn run(&self) -> Outcome {
        match self {
            Command::InitGenesisState(arguments) => arguments.run(),
            Command::Key(arguments) => arguments.run(),
        }
    }
}
