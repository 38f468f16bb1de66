//! What was run, for people: label and value.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::args::TrainArgs;
use crate::commands::fitted::Fitted;
use crate::run_folder::{RunFolder, read_text};

type Facts = Vec<(String, String)>;

/// Choices of the evaluation that stand in `metrics.json`, as its readers call them.
const CHOICES: [(&str, &str); 8] = [
    ("evidence", "evidence"),
    ("keep_known", "known images to keep"),
    ("distance", "distance from the class mean"),
    ("pooling", "pooling of the latents"),
    ("softmax", "softmax of OpenMax"),
    ("alpha", "classes that OpenMax recalibrates"),
    ("epsilon", "least known probability of OpenMax"),
    ("version", "crosr version"),
];

/// A JSON value as a reader wants it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.6}", number.as_f64().unwrap_or_default());
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => other.to_string(),
    }
}

/// How the network was trained.
pub(in crate::commands) fn of_training(train: &TrainArgs) -> Facts {
    fn text(value: &impl serde::Serialize) -> Option<String> {
        match serde_json::to_value(value).ok()? {
            Value::Null => None,
            value => Some(plain(&value)),
        }
    }
    let facts = [
        ("data", text(&train.dataset)),
        ("training images at most", text(&train.limit)),
        ("held out of training", text(&train.held_out)),
        ("network width", text(&train.width)),
        ("epochs", text(&train.epochs)),
        ("batch size", text(&train.batch_size)),
        ("learning rate", text(&train.learning_rate)),
        ("schedule", text(&train.schedule)),
        ("augmentation", text(&train.augment)),
        ("erased square's side", text(&train.erase)),
        ("seed", text(&train.seed)),
    ];
    let given = facts.into_iter();
    given
        .filter_map(|(label, value)| Some((label.to_owned(), value?)))
        .collect()
}

/// How images were judged, out of the evaluation's `config`.
pub(in crate::commands) fn of_choices(config: &Value) -> Facts {
    CHOICES
        .iter()
        .filter_map(|(key, label)| Some(((*label).to_owned(), plain(config.get(key)?))))
        .collect()
}

/// The network itself.
pub(in crate::commands) fn of_network(fitted: &Fitted) -> Facts {
    let config = fitted.network.config();
    let text = format!(
        "DHRNet for images of {size} x {size}, {} classes; {:.2} GFLOP an image",
        config.n_classes,
        config.forward_flops() as f64 / 1e9,
        size = config.image_size
    );
    vec![("network".to_owned(), text)]
}

/// How long the recorded epochs took.
pub(in crate::commands) fn of_history(run: &RunFolder) -> Facts {
    let Ok(history) = read_text(&run.history()) else {
        return Vec::new();
    };
    let lines = history.lines();
    let seconds: f64 = lines
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["seconds"].as_f64())
        .sum();
    let text = if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    };
    vec![("training took".to_owned(), text)]
}

/// When it is: date and time of day, UTC.
pub(in crate::commands) fn now() -> Facts {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |passed| passed.as_secs());
    vec![("evaluated".to_owned(), date(seconds))]
}

/// Proleptic Gregorian calendar: years begin in March, so that the leap day comes last (Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", 2013).
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carried) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + carried;
    let minutes = seconds % 86_400 / 60;
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02} UTC",
        minutes / 60,
        minutes % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn values_are_plain() {
        let value = serde_json::json!({"evidence": ["a", "b"], "epsilon": 0.25, "alpha": 10});
        let facts = of_choices(&value);
        let values: Vec<&str> = facts.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["a, b", "10", "0.25"]);
    }
}
