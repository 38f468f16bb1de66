//! A course of values as a few blocks of text.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values of any number in a line of bounded length: when it is full, neighbours become their
/// mean, so that it always shows the whole course.
pub(crate) struct Sparkline {
    width: usize,
    values: Vec<f32>,
    /// How many values are behind each of `values`.
    each: usize,
    sum: f32,
    count: usize,
}

impl Sparkline {
    /// At most `width` blocks.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width: width.max(2),
            values: Vec::new(),
            each: 1,
            sum: 0.0,
            count: 0,
        }
    }

    /// The next value; what is not finite is left out.
    pub(crate) fn push(&mut self, value: f32) {
        if !value.is_finite() {
            return;
        }
        self.sum += value;
        self.count += 1;
        if self.count < self.each {
            return;
        }
        self.values.push(self.sum / self.count as f32);
        (self.sum, self.count) = (0.0, 0);
        if self.values.len() > self.width {
            // An odd one at the end waits for its neighbour.
            let last = self.values.len() % 2 == 1;
            let odd = last.then(|| self.values.pop()).flatten();
            let pairs = self.values.chunks_exact(2);
            self.values = pairs.map(|pair| 0.5 * (pair[0] + pair[1])).collect();
            if let Some(odd) = odd {
                (self.sum, self.count) = (odd * self.each as f32, self.each);
            }
            self.each *= 2;
        }
    }

    /// The blocks, from the least value to the largest.
    pub(crate) fn draw(&self) -> String {
        let least = self.values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = self
            .values
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        let block = |value: &f32| {
            let part = (value - least) / (most - least).max(f32::MIN_POSITIVE);
            BLOCKS[((part * BLOCKS.len() as f32) as usize).min(BLOCKS.len() - 1)]
        };
        self.values.iter().map(block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: usize, values: impl IntoIterator<Item = f32>) -> String {
        let mut line = Sparkline::new(width);
        values.into_iter().for_each(|value| line.push(value));
        line.draw()
    }

    #[test]
    fn values_span_the_blocks() {
        assert_eq!(drawn(8, (0..8).map(|v| v as f32)), "▁▂▃▄▅▆▇█");
        assert_eq!(drawn(8, [3.0, 3.0]), "▁▁");
        assert_eq!(drawn(8, [2.0, f32::NAN, 1.0, f32::INFINITY]), "█▁");
        assert_eq!(drawn(8, []), "");
    }

    #[test]
    fn a_long_course_stays_within_the_width_and_is_shown_whole() {
        for n in [9, 100, 12_345] {
            let line = drawn(8, (0..n).map(|v| v as f32));
            let blocks: Vec<char> = line.chars().collect();
            assert!((4..=8).contains(&blocks.len()), "{line}");
            assert_eq!((blocks[0], blocks[blocks.len() - 1]), ('▁', '█'));
            assert!(blocks.is_sorted(), "{line}");
        }
    }
}
