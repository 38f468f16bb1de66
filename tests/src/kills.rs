//! Processes that are killed at moments that nobody has chosen.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::noise;
use crate::run_folder::UNFINISHED;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_micros(200);
/// How long after the sight of an unfinished file it may take to kill: by then it may be half
/// written, complete, or under its final name.
const LATEST: Duration = Duration::from_millis(6);

/// Kills of a command, said again and again.
pub struct Kills {
    wanted: usize,
    survived: usize,
    /// How long the command takes when nobody kills it.
    usual: Duration,
    /// About how many files it writes.
    writes: usize,
    /// Random numbers that have been drawn.
    drawn: usize,
}

/// When a process is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after it has been seen to write so many files.
    Writing(usize, Duration),
    Never,
}

impl Kills {
    /// As many as `CROSR_KILLS` wants, otherwise `wanted`, of a command that takes about `usual`
    /// and writes about `writes` files.
    ///
    /// # Panics
    /// When the variable is no number.
    #[must_use]
    pub fn new(wanted: usize, usual: Duration, writes: usize) -> Self {
        let wanted = std::env::var("CROSR_KILLS")
            .map_or(wanted, |text| text.parse().expect("CROSR_KILLS: a number"));
        Self {
            wanted,
            survived: 0,
            usual,
            writes,
            drawn: 0,
        }
    }

    /// How many there were.
    #[must_use]
    pub fn survived(&self) -> usize {
        self.survived
    }

    /// Whether there are no more to come.
    #[must_use]
    pub fn are_over(&self) -> bool {
        self.survived >= self.wanted
    }

    fn part(&mut self) -> f32 {
        self.drawn += 1;
        noise(self.drawn)
    }

    /// Any time in the command's life or, as often, while it writes a file.
    fn moment(&mut self) -> Moment {
        if self.are_over() {
            Moment::Never
        } else if self.part() < 0.5 {
            Moment::After(self.usual.mul_f32(self.part()))
        } else {
            let nth = 1.0 + self.part() * self.writes as f32;
            Moment::Writing(nth as usize, LATEST.mul_f32(self.part()))
        }
    }

    /// Starts the command, which writes to `folder`, and kills it; gives its exit code if it ended
    /// by itself before that.
    ///
    /// # Panics
    /// When it cannot be started, or somebody else ends it.
    pub fn run(&mut self, command: &mut Command, folder: &Path) -> Option<i32> {
        let moment = self.moment();
        let mut due = match moment {
            Moment::After(time) => Some(Instant::now() + time),
            Moment::Writing(..) | Moment::Never => None,
        };
        let mut seen = HashSet::new();
        let mut process = command.spawn().expect("starts");
        loop {
            if let Some(status) = process.try_wait().expect("our child") {
                return Some(status.code().expect("nobody else kills it"));
            }
            if due.is_some_and(|due| due <= Instant::now()) {
                process.kill().expect("our child");
                // It may have ended by itself in the last microseconds.
                let code = process.wait().expect("our child").code();
                self.survived += usize::from(code.is_none());
                return code;
            }
            if let (None, Moment::Writing(nth, time)) = (due, moment) {
                sightings(folder, &mut seen);
                if seen.len() >= nth {
                    due = Some(Instant::now() + time);
                }
            }
            std::thread::sleep(EVERY);
        }
    }
}

/// Adds the names of unfinished files in a folder and in the folders in it.
fn sightings(folder: &Path, seen: &mut HashSet<OsString>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            seen.insert(entry.file_name());
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sightings(&entry.path(), seen);
        }
    }
}
