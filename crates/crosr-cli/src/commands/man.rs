//! `crosr man`: manual pages from the same source as `--help`.

use clap::builder::Resettable;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Args, ManArgs};
use crate::error::{CliError, Result};
use crate::output;
use crate::run_folder::write_atomically;

pub(super) fn run(args: &ManArgs) -> Result<()> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &args.out else {
        return output::bytes(&page(command)?.1);
    };
    let mut pending = vec![command];
    while let Some(command) = pending.pop() {
        pending.extend(command.get_subcommands().map(Command::clone));
        let (name, page) = page(command)?;
        write_atomically(&folder.join(name), &page)?;
    }
    output::text(&format!("{}\n", folder.display()))
}

/// Name and text of a page.
fn page(command: Command) -> Result<(String, Vec<u8>)> {
    let examples = command.get_after_help().map(ToString::to_string);
    // As a section of running text their lines would be broken and hyphenated.
    let man = Man::new(command.after_help(Resettable::Reset));
    let mut page = Vec::new();
    man.render(&mut page).map_err(CliError::Output)?;
    if let Some(examples) = examples {
        page.extend(verbatim("EXAMPLES", &examples).bytes());
    }
    Ok((man.get_filename(), page))
}

/// A section whose lines stay as they are.
fn verbatim(title: &str, text: &str) -> String {
    let escaped = text.replace('\\', r"\e").replace('-', r"\-");
    let mut section = format!(".SH {title}\n.nf\n");
    for line in escaped.lines() {
        // A control line is none after a character of no width.
        section += if line.starts_with(['.', '\'']) {
            r"\&"
        } else {
            ""
        };
        section += line;
        section.push('\n');
    }
    section += ".fi\n";
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_as_they_are() {
        let section = verbatim("X", ".a\n  b --c '\\'\n'd");
        assert_eq!(
            section,
            ".SH X\n.nf\n\\&.a\n  b \\-\\-c '\\e'\n\\&'d\n.fi\n"
        );
    }
}
