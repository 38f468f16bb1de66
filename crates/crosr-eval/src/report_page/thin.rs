//! Fewer points that look the same, and counts in bins. Nothing here is random.

/// At most `most` places out of `0..n`, evenly spread.
pub(super) fn spread(n: usize, most: usize) -> impl Iterator<Item = usize> {
    let kept = n.min(most);
    (0..kept).map(move |k| k * n / kept)
}

/// The points of a line that show: of those that fall into one column of half a pixel, the first,
/// the lowest, the highest and the last, in their order.
pub(super) fn line(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let column = |x: f64| (2.0 * x).round();
    let mut kept = Vec::new();
    let mut start = 0;
    while start < points.len() {
        let here = column(points[start].0);
        let run = points[start..]
            .iter()
            .take_while(|p| column(p.0) == here)
            .count();
        let group = &points[start..start + run];
        let by_height = |a: &&usize, b: &&usize| group[**a].1.total_cmp(&group[**b].1);
        let places: Vec<usize> = (0..run).collect();
        let mut chosen = vec![0, run - 1];
        chosen.extend(places.iter().min_by(by_height));
        chosen.extend(places.iter().max_by(by_height));
        chosen.sort_unstable();
        chosen.dedup();
        kept.extend(chosen.into_iter().map(|i| group[i]));
        start += run;
    }
    kept
}

/// Dots that show: one on each spot of a pixel.
pub(super) fn dots(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut spots: Vec<(i64, i64)> = points
        .map(|(x, y)| (x.round() as i64, y.round() as i64))
        .collect();
    spots.sort_unstable();
    spots.dedup();
    spots
        .into_iter()
        .map(|(x, y)| (x as f64, y as f64))
        .collect()
}

/// Least and greatest finite value, as far as numbers near the limits of f64 would not make a width
/// that is none.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (least, most) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
    (least <= most).then_some((least.clamp(-1e300, 1e300), most.clamp(-1e300, 1e300)))
}

/// Shares of the values in `bins` bins of equal width from `from` to `to`; what lies outside
/// counts for the first or the last, what is not finite for none.
pub(super) fn histogram(
    values: impl Iterator<Item = f64>,
    (from, to): (f64, f64),
    bins: usize,
) -> Vec<f64> {
    let mut counts = vec![0.0; bins];
    let mut total = 0.0f64;
    for value in values.filter(|v| v.is_finite()) {
        let place = (value - from) / (to - from) * bins as f64;
        counts[(place.max(0.0) as usize).min(bins - 1)] += 1.0;
        total += 1.0;
    }
    counts.iter_mut().for_each(|c| *c /= total.max(1.0));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_extremes_and_ends() {
        let points: Vec<(f64, f64)> = (0..10_000)
            .map(|i| (f64::from(i) / 100.0, f64::from(i * 7919 % 1000)))
            .collect();
        let kept = line(&points);
        assert!(kept.len() <= 4 * 202, "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[9_999]));
        assert!(kept.iter().any(|p| p.1 == 999.0) && kept.iter().any(|p| p.1 == 0.0));
        assert!(kept.is_sorted_by(|a, b| a.0 <= b.0));
        assert_eq!(line(&[]), []);
        assert_eq!(line(&points[..2]), points[..2]);
    }

    #[test]
    fn places_are_spread_evenly() {
        assert_eq!(spread(3, 10).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(spread(0, 4).count(), 0);
    }

    #[test]
    fn bins_hold_everything_finite() {
        let values = [0.0, 0.1, 0.5, 1.0, 7.0, -1.0, f64::NAN];
        let bins = histogram(values.into_iter(), (0.0, 1.0), 2);
        assert_eq!(bins, [0.5, 0.5]);
        assert_eq!(histogram([].into_iter(), (0.0, 1.0), 2), [0.0, 0.0]);
        assert_eq!(range(values.into_iter()), Some((-1.0, 7.0)));
        assert_eq!(range([f64::NAN].into_iter()), None);
        let (from, to) = range([f64::MIN, f64::MAX].into_iter()).expect("numbers");
        assert!((to - from).is_finite());
    }

    #[test]
    fn dots_on_one_spot_are_one() {
        let there = [(1.0, 2.0), (1.2, 2.4), (5.0, 5.0)];
        assert_eq!(dots(there.into_iter()), [(1.0, 2.0), (5.0, 5.0)]);
    }
}
