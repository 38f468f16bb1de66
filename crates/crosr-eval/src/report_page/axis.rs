//! An axis: its range, how values lie on it, where its ticks are.

use super::svg::number;
use super::thin;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scale {
    Linear,
    /// Small shares stay visible beside large ones.
    Root,
    Log,
}

pub(super) struct Axis {
    pub(super) label: String,
    pub(super) range: (f64, f64),
    pub(super) scale: Scale,
    /// Named places in place of numbers.
    pub(super) names: Option<Vec<(f64, String)>>,
}

impl Axis {
    pub(super) fn new(label: &str, range: (f64, f64)) -> Self {
        Self {
            label: label.to_owned(),
            range,
            scale: Scale::Linear,
            names: None,
        }
    }

    /// Around all values, with a little room; around 0 without any.
    pub(super) fn around(label: &str, values: impl Iterator<Item = f64>) -> Self {
        let (from, to) = thin::range(values).unwrap_or((0.0, 1.0));
        let room = if to > from {
            0.04 * (to - from)
        } else {
            (0.5 * to.abs()).max(0.5)
        };
        Self::new(label, (from - room, to + room))
    }

    pub(super) fn scale(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    pub(super) fn named(self, names: Vec<(f64, String)>) -> Self {
        Self {
            names: Some(names),
            ..self
        }
    }

    /// Where a value lies, 0 to 1 within the range.
    pub(super) fn part(&self, value: f64) -> f64 {
        let bent = |v: f64| match self.scale {
            Scale::Linear => v,
            Scale::Root => v.max(0.0).sqrt(),
            Scale::Log => v.max(f64::MIN_POSITIVE).ln(),
        };
        let (from, to) = (bent(self.range.0), bent(self.range.1));
        (bent(value) - from) / (to - from)
    }

    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if let Some(names) = &self.names {
            return names.clone();
        }
        let (from, to) = self.range;
        let within = |v: &f64| (from..=to).contains(v);
        let values: Vec<f64> = match self.scale {
            Scale::Linear => {
                let raw = (to - from) / 5.0;
                let power = 10f64.powf(raw.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0]
                    .into_iter()
                    .map(|m| m * power)
                    .find(|step| *step >= raw)
                    .unwrap_or(raw);
                let first = (from / step).ceil();
                (0..12)
                    .map(|i| (first + f64::from(i)) * step)
                    .filter(within)
                    .collect()
            }
            Scale::Root => {
                let all = [0.0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0];
                let fine = [0.0, 0.002, 0.01, 0.02, 0.05];
                let chosen: &[f64] = if to < 0.12 { &fine } else { &all };
                chosen.iter().copied().filter(within).collect()
            }
            Scale::Log => (-3..7)
                .flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(p)))
                .filter(within)
                .collect(),
        };
        values.into_iter().map(|v| (v, number(v))).collect()
    }
}
