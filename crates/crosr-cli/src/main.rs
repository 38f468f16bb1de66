//! The `crosr` command: train, fit, evaluate and use image classifiers that know when they do
//! not know. Arguments, progress, run folders and printing; no algorithm lives here.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod error;
mod formats;
mod interrupt;
mod output;
mod progress;
mod run_folder;
mod source;
mod sparkline;
mod text_plot;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(args::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::aside(&format!("crosr: {}", error.one_line()));
            ExitCode::from(if error.is_input() { 2 } else { 1 })
        }
    }
}
