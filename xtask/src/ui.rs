//! What is said on standard output and standard error, and the progress of a download.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{
    HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle,
};

/// A line on standard output. A reader that went away (`| head`) is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A line on standard error.
pub(crate) fn error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// How often a plain progress line is written where standard error is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Bars of files that are on their way together, below each other.
#[derive(Default)]
pub(crate) struct Bars {
    all: MultiProgress,
}

impl Bars {
    /// A bar for one file.
    pub(crate) fn file(&self, label: &str) -> Progress {
        let mut progress = Progress::new(label);
        if !progress.plain {
            progress.bar = self.all.add(progress.bar.clone());
        }
        progress
    }

    /// A line on standard output, above the bars.
    pub(crate) fn line(&self, text: &str) {
        self.all.suspend(|| line(text));
    }
}

/// Progress of one file: a bar with rate and time left, or now and then a plain line.
pub(crate) struct Progress {
    label: String,
    bar: ProgressBar,
    plain: bool,
    started: Instant,
    start_at: u64,
    last_line: Instant,
}

impl Progress {
    /// Progress on standard error.
    pub(crate) fn new(label: &str) -> Self {
        let plain = !io::stderr().is_terminal();
        let target = if plain {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(None, target).with_prefix(label.to_owned());
        let now = Instant::now();
        Self {
            label: label.to_owned(),
            bar,
            plain,
            started: now,
            start_at: 0,
            last_line: now,
        }
    }

    /// A body begins: `done` bytes are here already, `total` will be in the end, if known.
    pub(crate) fn begin(&mut self, done: u64, total: Option<u64>) {
        const KNOWN: &str = "{prefix}  {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        const UNKNOWN: &str = "{prefix}  {spinner} {bytes}  {bytes_per_sec}";
        let template = if total.is_some() { KNOWN } else { UNKNOWN };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.reset();
        self.bar.set_position(done);
        self.bar.reset_eta();
        self.started = Instant::now();
        self.last_line = self.started;
        self.start_at = done;
    }

    /// `done` bytes are here now.
    pub(crate) fn at(&mut self, done: u64) {
        self.bar.set_position(done);
        if self.plain && self.last_line.elapsed() >= PLAIN_EVERY {
            self.last_line = Instant::now();
            error(&self.plain_line(done));
        }
    }

    /// A line beside the bar.
    pub(crate) fn note(&self, text: &str) {
        if self.plain {
            error(text);
        } else {
            self.bar.println(text);
        }
    }

    fn plain_line(&self, done: u64) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(1e-3);
        let rate = done.saturating_sub(self.start_at) as f64 / seconds;
        let mut text = format!("{}: {}", self.label, HumanBytes(done));
        if let Some(total) = self.bar.length() {
            text.push_str(&format!(" of {}", HumanBytes(total)));
        }
        text.push_str(&format!(", {}/s", HumanBytes(rate as u64)));
        if let Some(total) = self.bar.length()
            && rate > 0.0
        {
            let left = Duration::from_secs_f64(total.saturating_sub(done) as f64 / rate);
            text.push_str(&format!(", {} left", HumanDuration(left)));
        }
        text
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
