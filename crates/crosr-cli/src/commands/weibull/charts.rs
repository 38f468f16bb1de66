//! A tail and the distributions fitted to it, as charts.

use crosr_eval::{Chart, Mark, Series};
use crosr_libmr::{TailDistribution, TailSide};

/// Points of a curve.
const STEPS: u32 = 200;

/// The `tail_size` most extreme numbers, in rising order of extremeness.
pub(super) fn extremes(numbers: &[f64], tail_size: usize, side: TailSide) -> Vec<f64> {
    let mut tail = numbers.to_vec();
    let order = |a: &f64, b: &f64| match side {
        TailSide::High => b.total_cmp(a),
        TailSide::Low => a.total_cmp(b),
    };
    if tail_size < tail.len() {
        tail.select_nth_unstable_by(tail_size, order);
        tail.truncate(tail_size);
    }
    tail.sort_unstable_by(|a, b| order(b, a));
    tail
}

/// Density, tail and quantiles of `fits` over a tail from [`extremes`].
pub(super) fn charts(tail: &[f64], fits: &[(String, &dyn TailDistribution)]) -> [Chart; 3] {
    [
        density(tail, fits),
        survival(tail, fits),
        quantiles(tail, fits),
    ]
}

/// `STEPS` values from the least to the greatest of the tail.
fn grid(tail: &[f64]) -> Vec<f64> {
    let (first, last) = (tail[0], tail[tail.len() - 1]);
    (0..=STEPS)
        .map(|i| first + (last - first) * f64::from(i) / f64::from(STEPS))
        .collect()
}

fn curve(name: &str, xs: &[f64], f: impl Fn(f64) -> f64) -> Series {
    Series {
        name: name.to_owned(),
        mark: Mark::Line,
        points: xs.iter().map(|&x| (x, f(x))).collect(),
    }
}

fn density(tail: &[f64], fits: &[(String, &dyn TailDistribution)]) -> Chart {
    let xs = grid(tail);
    let mut series = vec![histogram(tail)];
    series.extend(
        fits.iter()
            .map(|(name, fit)| curve(name, &xs, |x| fit.pdf(x))),
    );
    Chart {
        title: "Density of the tail".to_owned(),
        x_label: "value".to_owned(),
        y_label: "density".to_owned(),
        series,
    }
}

/// Shares of the tail per unit, in about as many bins as the root of its size.
fn histogram(tail: &[f64]) -> Series {
    let (a, b) = (tail[0], tail[tail.len() - 1]);
    let (least, most) = (a.min(b), a.max(b));
    let bins = (tail.len() as f64).sqrt().ceil().clamp(3.0, 60.0);
    let width = (most - least) / bins;
    let mut counts = vec![0.0; bins as usize];
    for x in tail {
        let bin = ((x - least) / width) as usize;
        let last = counts.len() - 1;
        counts[bin.min(last)] += 1.0;
    }
    let points = (0u32..).zip(counts).map(|(bin, count)| {
        let centre = least + (f64::from(bin) + 0.5) * width;
        (centre, count / (tail.len() as f64 * width))
    });
    Series {
        name: "numbers".to_owned(),
        mark: Mark::Bars,
        points: points.collect(),
    }
}

/// log10 of the probability of something more extreme.
fn survival(tail: &[f64], fits: &[(String, &dyn TailDistribution)]) -> Chart {
    let n = tail.len() as f64;
    let points = (0u32..)
        .zip(tail)
        .map(|(i, &x)| (x, (1.0 - (f64::from(i) + 0.5) / n).log10()));
    let mut series = vec![Series {
        name: "numbers".to_owned(),
        mark: Mark::Points,
        points: points.collect(),
    }];
    let xs = grid(tail);
    let beyond = |fit: &dyn TailDistribution, x| (1.0 - fit.cdf(x)).log10();
    series.extend(
        fits.iter()
            .map(|(name, fit)| curve(name, &xs, |x| beyond(*fit, x))),
    );
    Chart {
        title: "Tail".to_owned(),
        x_label: "value".to_owned(),
        y_label: "log10 P(more extreme)".to_owned(),
        series,
    }
}

/// Quantiles of the fits against those of the numbers: a straight line where they agree.
fn quantiles(tail: &[f64], fits: &[(String, &dyn TailDistribution)]) -> Chart {
    let n = tail.len() as f64;
    let mut series = vec![curve("equal", &[tail[0], tail[tail.len() - 1]], |x| x)];
    series.extend(fits.iter().map(|(name, fit)| {
        Series {
            name: name.clone(),
            mark: Mark::Points,
            points: (0u32..)
                .zip(tail)
                .map(|(i, &x)| (fit.inv((f64::from(i) + 0.5) / n), x))
                .collect(),
        }
    }));
    Chart {
        title: "Quantiles".to_owned(),
        x_label: "quantile of the fit".to_owned(),
        y_label: "value".to_owned(),
        series,
    }
}

#[cfg(test)]
mod tests {
    use crosr_libmr::fit_low;

    use super::*;

    #[test]
    fn extremes_rise_in_extremeness_on_either_side() {
        let numbers = [3.0, 1.0, 4.0, 1.5, 9.0];
        assert_eq!(extremes(&numbers, 3, TailSide::High), [3.0, 4.0, 9.0]);
        assert_eq!(extremes(&numbers, 2, TailSide::Low), [1.5, 1.0]);
        assert_eq!(
            extremes(&numbers, 9, TailSide::Low),
            [9.0, 4.0, 3.0, 1.5, 1.0]
        );
    }

    #[test]
    fn the_histogram_is_a_density_and_the_fit_close_to_it() {
        let numbers: Vec<f64> = (1..=400).map(|i| (f64::from(i) / 401.0).ln()).collect();
        let tail = extremes(&numbers, 100, TailSide::Low);
        let fit = fit_low(&numbers, 100).expect("spread");
        let [density, survival, quantiles] = charts(&tail, &[("weibull".to_owned(), &fit)]);
        let bars = &density.series[0].points;
        let width = bars[1].0 - bars[0].0;
        let area: f64 = bars.iter().map(|(_, y)| y * width).sum();
        assert!((area - 1.0).abs() < 1e-9, "{area}");
        assert_eq!(survival.series[0].points.len(), 100);
        let apart = quantiles.series[1]
            .points
            .iter()
            .map(|(q, x)| (q - x).abs());
        assert!(apart.fold(0.0, f64::max) < 1.5);
    }
}
