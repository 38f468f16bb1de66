//! Progress with rate and time left: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::output;
use crate::sparkline::Sparkline;

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Blocks of a drawn course.
const COURSE_WIDTH: usize = 24;
/// What one step counts in a running mean.
const NEWEST: f64 = 0.05;

/// Progress over a number of pictures.
pub(crate) struct Progress {
    title: String,
    /// What is counted.
    unit: &'static str,
    /// Unknown where pictures come as long as they come.
    total: Option<u64>,
    done: u64,
    start: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Starts; `total` pictures are to come.
    pub(crate) fn new(title: &str, total: usize) -> Self {
        Self::with_total(title, Some(total as u64))
    }

    /// Starts; nobody knows how many pictures are to come.
    pub(crate) fn endless(title: &str) -> Self {
        Self::with_total(title, None)
    }

    fn with_total(title: &str, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let (bar, template) = match total {
                Some(total) => (
                    ProgressBar::new(total),
                    "{prefix} [{bar:20}] {pos}/{len} {rate:>7} eta {eta:<4} {msg}",
                ),
                None => (
                    ProgressBar::no_length(),
                    "{prefix} {spinner} {pos} {rate:>7} {msg}",
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                    write!(text, "{:.0}/s", state.per_sec()).ok();
                };
                bar.set_style(style.with_key("rate", rate).progress_chars("━╸─"));
            }
            bar.set_prefix(title.to_owned());
            bar
        });
        let now = Instant::now();
        Self {
            title: title.to_owned(),
            unit: "images",
            total,
            done: 0,
            start: now,
            last_line: now,
            bar,
        }
    }

    /// Counts something else than pictures.
    pub(crate) fn of(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Whether this is a bar on a terminal.
    pub(crate) fn is_drawn(&self) -> bool {
        self.bar.is_some()
    }

    /// `images` more are done.
    pub(crate) fn advance(&mut self, images: usize, message: impl FnOnce() -> String) {
        self.done += images as u64;
        if let Some(bar) = &self.bar {
            bar.inc(images as u64);
            bar.set_message(message());
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            output::aside(&self.line(self.start.elapsed(), &message()));
        }
    }

    fn line(&self, elapsed: Duration, message: &str) -> String {
        let (title, unit, done) = (&self.title, self.unit, self.done);
        let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
        let line = match self.total {
            Some(total) => {
                let left = total.saturating_sub(done) as f64 / rate.max(1e-9);
                format!("{title}: {done}/{total}, {rate:.0} {unit}/s, eta {left:.0} s {message}")
            }
            None => format!("{title}: {done}, {rate:.0} {unit}/s {message}"),
        };
        line.trim_end().to_owned()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Loss and accuracy of a training so far.
pub(crate) struct Course {
    loss: Running,
    accuracy: Running,
    losses: Sparkline,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            loss: Running::default(),
            accuracy: Running::default(),
            losses: Sparkline::new(COURSE_WIDTH),
        }
    }
}

impl Course {
    /// One more step.
    pub(crate) fn push(&mut self, loss: f32, accuracy: f32) {
        self.loss.push(f64::from(loss));
        self.accuracy.push(f64::from(accuracy));
        self.losses.push(loss);
    }

    /// Running means, with the course of the loss where it can be drawn.
    pub(crate) fn text(&self, drawn: bool) -> String {
        let (loss, accuracy) = (self.loss.mean(), self.accuracy.mean());
        let course = if drawn {
            format!("{} ", self.losses.draw())
        } else {
            String::new()
        };
        format!("loss {loss:.3} {course}accuracy {accuracy:.3}")
    }
}

/// A mean in which the last few dozen values count most.
#[derive(Default)]
struct Running {
    sum: f64,
    weight: f64,
}

impl Running {
    fn push(&mut self, value: f64) {
        self.sum += NEWEST * (value - self.sum);
        self.weight += NEWEST * (1.0 - self.weight);
    }

    fn mean(&self) -> f64 {
        self.sum / self.weight.max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_mean_starts_at_the_first_value_and_follows() {
        let mut mean = Running::default();
        mean.push(7.0);
        assert!((mean.mean() - 7.0).abs() < 1e-12);
        (0..500).for_each(|_| mean.push(2.0));
        assert!((mean.mean() - 2.0).abs() < 1e-6);
    }

    #[test]
    fn lines_are_plain_and_say_what_is_left() {
        let mut progress = Progress::new("epoch 1/2", 200);
        progress.bar = None;
        progress.advance(50, String::new);
        let ten = Duration::from_secs(10);
        assert_eq!(
            progress.line(ten, ""),
            "epoch 1/2: 50/200, 5 images/s, eta 30 s"
        );
        progress.total = None;
        assert_eq!(progress.line(ten, "x"), "epoch 1/2: 50, 5 images/s x");
        let progress = progress.of("vectors");
        assert_eq!(progress.line(ten, ""), "epoch 1/2: 50, 5 vectors/s");
        let mut course = Course::default();
        course.push(1.5, 0.25);
        course.push(1.5, 0.25);
        assert_eq!(course.text(false), "loss 1.500 accuracy 0.250");
        assert_eq!(course.text(true), "loss 1.500 ▁▁ accuracy 0.250");
    }
}
