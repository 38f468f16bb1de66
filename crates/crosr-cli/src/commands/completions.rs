//! `crosr completions`: what a shell needs to complete this command line.

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::error::Result;
use crate::output;

pub(super) fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "crosr", &mut script);
    output::bytes(&script)
}
