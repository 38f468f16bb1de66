//! Arguments of `crosr completions` and `crosr man`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap_complete::Shell;

/// Flags of `crosr completions`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr completions bash > ~/.local/share/bash-completion/completions/crosr
  crosr completions zsh > ~/.zfunc/_crosr
  crosr completions fish > ~/.config/fish/completions/crosr.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// Flags of `crosr man`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr man | man -l -
  crosr man --out ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for crosr and one for each command into this folder, instead of printing the
    /// first
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
