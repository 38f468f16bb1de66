//! Ctrl-C while a network is being trained.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{CliError, Result};
use crate::output;

/// What a shell reports of a process that an interrupt has ended.
const EXIT_CODE: i32 = 130;

/// Ends the process on Ctrl-C, though never while an epoch is being saved, and says how to go on.
///
/// An exit outside of `main`, because a training need not come to its next step first: whatever
/// is on disk is complete at any time.
pub(crate) struct Interrupt {
    run: PathBuf,
    /// Epochs that a resumed training starts from.
    saved: Arc<Mutex<usize>>,
}

impl Interrupt {
    /// Listens from now on; the run has `epochs` complete ones.
    pub(crate) fn listen(run: &Path, epochs: usize) -> Result<Self> {
        let interrupt = Self {
            run: run.to_owned(),
            saved: Arc::new(Mutex::new(epochs)),
        };
        let (run, saved) = (interrupt.run.clone(), interrupt.saved.clone());
        ctrlc::set_handler(move || {
            // Whatever is being saved is saved first; nothing is begun after that.
            let saved = lock(&saved);
            if std::io::stderr().is_terminal() {
                console::Term::stderr().clear_line().ok();
            }
            output::aside(&farewell(&run, *saved));
            process::exit(EXIT_CODE);
        })
        .map_err(|e| CliError::usage(format!("cannot listen to Ctrl-C: {e}")))?;
        Ok(interrupt)
    }

    /// Saves an epoch, undisturbed.
    pub(crate) fn saving(&self, epoch: usize, save: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut saved = lock(&self.saved);
        save()?;
        *saved = epoch;
        Ok(())
    }
}

fn lock(saved: &Mutex<usize>) -> MutexGuard<'_, usize> {
    saved.lock().unwrap_or_else(PoisonError::into_inner)
}

fn farewell(run: &Path, epochs: usize) -> String {
    if epochs == 0 {
        return "crosr: interrupted before an epoch was complete; there is nothing to resume"
            .to_owned();
    }
    let path = run.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@~".contains(c);
    let path = if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    };
    format!(
        "crosr: interrupted, epoch {epochs} is saved; go on with: crosr train --out {path} --resume"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_go_on_with_can_be_pasted() {
        let text = farewell(Path::new("runs/a b's"), 3);
        assert!(
            text.ends_with(r"crosr train --out 'runs/a b'\''s' --resume"),
            "{text}"
        );
        assert!(farewell(Path::new("runs/x"), 3).ends_with("--out runs/x --resume"));
        assert!(!farewell(Path::new("runs/x"), 0).contains("--resume"));
    }
}
