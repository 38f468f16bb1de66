//! Progress with rate and time left: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress over a known number of pictures.
pub(crate) struct Progress {
    title: String,
    total: u64,
    done: u64,
    start: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Starts; `total` pictures are to come.
    pub(crate) fn new(title: &str, total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            let template = "{prefix} [{bar:30}] {pos}/{len} {per_sec:>10} eta {eta:<4} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_prefix(title.to_owned());
            bar
        });
        let now = Instant::now();
        Self {
            title: title.to_owned(),
            total: total as u64,
            done: 0,
            start: now,
            last_line: now,
            bar,
        }
    }

    /// `images` more are done.
    pub(crate) fn advance(&mut self, images: usize, message: impl FnOnce() -> String) {
        self.done += images as u64;
        if let Some(bar) = &self.bar {
            bar.inc(images as u64);
            bar.set_message(message());
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let seconds = self.start.elapsed().as_secs_f64().max(1e-9);
            let rate = self.done as f64 / seconds;
            let left = self.total.saturating_sub(self.done) as f64 / rate.max(1e-9);
            eprintln!(
                "{}: {}/{}, {rate:.0} images/s, eta {left:.0} s {}",
                self.title,
                self.done,
                self.total,
                message()
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
