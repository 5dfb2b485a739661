//! The commands, a file each: one argument struct with its help text, and one `run`.

mod actors;
mod block;
mod chaos;
mod check;
mod check_proof;
mod completions;
mod demo;
mod deploy_testnet;
mod doctor;
pub(crate) mod init_genesis_state;
mod key;
mod kill_actor;
mod man_pages;
mod monitor_network;
pub(crate) mod proof;
mod split;
mod start_validator;
mod status;
mod submit_proof;
mod why;

use crate::exit::Outcome;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    Actors(actors::Arguments),
    Block(block::Arguments),
    Chaos(chaos::Arguments),
    Check(check::Arguments),
    CheckProof(check_proof::Arguments),
    Completions(completions::Arguments),
    Demo(demo::Arguments),
    DeployTestnet(deploy_testnet::Arguments),
    Doctor(doctor::Arguments),
    InitGenesisState(init_genesis_state::Arguments),
    Key(key::Arguments),
    KillActor(kill_actor::Arguments),
    ManPages(man_pages::Arguments),
    MonitorNetwork(monitor_network::Arguments),
    Proof(proof::Arguments),
    Split(split::Arguments),
    StartValidator(start_validator::Arguments),
    Status(status::Arguments),
    SubmitProof(submit_proof::Arguments),
    Why(why::Arguments),
}

impl Command {
    pub fn run(&self) -> Outcome {
        match self {
            Command::Actors(arguments) => arguments.run(),
            Command::Block(arguments) => arguments.run(),
            Command::Chaos(arguments) => arguments.run(),
            Command::Check(arguments) => arguments.run(),
            Command::CheckProof(arguments) => arguments.run(),
            Command::Completions(arguments) => arguments.run(),
            Command::Demo(arguments) => arguments.run(),
            Command::DeployTestnet(arguments) => arguments.run(),
            Command::Doctor(arguments) => arguments.run(),
            Command::InitGenesisState(arguments) => arguments.run(),
            Command::Key(arguments) => arguments.run(),
            Command::KillActor(arguments) => arguments.run(),
            Command::ManPages(arguments) => arguments.run(),
            Command::MonitorNetwork(arguments) => arguments.run(),
            Command::Proof(arguments) => arguments.run(),
            Command::Split(arguments) => arguments.run(),
            Command::StartValidator(arguments) => arguments.run(),
            Command::Status(arguments) => arguments.run(),
            Command::SubmitProof(arguments) => arguments.run(),
            Command::Why(arguments) => arguments.run(),
        }
    }
}
