//! Evaluation a block at a time: the figures of evaluation at once, to the bit.

use crosr_eval::{EvalError, OutlierSet, SampleBlocks, ScoredSample, evaluate, evaluate_blocks};
use proptest::prelude::*;

/// Samples shown in blocks of one size.
struct InBlocks<'a> {
    samples: &'a [ScoredSample],
    size: usize,
    /// Says one sample more or less than there are.
    off_by: isize,
}

impl SampleBlocks for InBlocks<'_> {
    type Error = EvalError;

    fn len(&self) -> usize {
        self.samples.len().saturating_add_signed(self.off_by)
    }

    fn visit(
        &self,
        see: &mut dyn FnMut(&[ScoredSample]) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        self.samples.chunks(self.size).try_for_each(see)
    }
}

/// Samples over three classes with few distinct probabilities, so that many are equal.
fn samples(known: bool) -> impl Strategy<Value = Vec<ScoredSample>> {
    let one = (
        0..3usize,
        0..3usize,
        0..4usize,
        prop::array::uniform4(0..5u8),
    );
    let one = one.prop_map(move |(truth, closed_set_class, verdict, p)| ScoredSample {
        truth: known.then_some(truth),
        closed_set_class,
        verdict: (verdict < 3).then_some(verdict),
        probabilities: p.map(|p| f64::from(p) / 4.0 - 0.25).to_vec(),
    });
    prop::collection::vec(one, 1..60)
}

fn names() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).to_vec()
}

proptest! {
    #[test]
    fn any_blocks_and_any_number_of_columns_give_the_same_bits(
        known in samples(true),
        near in samples(false),
        far in samples(false),
        size in 1..70usize,
        columns in 0..6usize,
    ) {
        // A set of outliers may have any name.
        let set = |name, samples| OutlierSet { name, samples };
        let sets = [set("near", near.as_slice()), set("known", far.as_slice())];
        let wanted = evaluate(&names(), &known, &sets).expect("sound samples");
        let blocks = |samples| InBlocks { samples, size, off_by: 0 };
        let (known, near, far) = (blocks(&known), blocks(&near), blocks(&far));
        let found = evaluate_blocks(&names(), &known, &[("near", &near), ("known", &far)], columns);
        prop_assert_eq!(found.expect("sound samples"), wanted);
    }
}

#[test]
fn a_set_that_changes_its_size_is_refused() {
    let sample = |truth, verdict| ScoredSample {
        truth,
        closed_set_class: 0,
        verdict,
        probabilities: vec![0.5, 0.1, 0.1, 0.3],
    };
    let known = [sample(Some(0), Some(0)), sample(Some(1), None)];
    let outliers = [sample(None, None), sample(None, None)];
    for (known_off, outliers_off) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
        let blocks = |samples, off_by| InBlocks {
            samples,
            size: 1,
            off_by,
        };
        let known = blocks(&known, known_off);
        let outliers = blocks(&outliers, outliers_off);
        let found = evaluate_blocks(&names(), &known, &[("x", &outliers)], 2);
        assert!(
            matches!(found, Err(EvalError::Length { .. })),
            "{known_off} {outliers_off}: {found:?}"
        );
    }
}

#[test]
fn errors_count_samples_over_blocks() {
    let good = ScoredSample {
        truth: Some(0),
        closed_set_class: 0,
        verdict: None,
        probabilities: vec![0.5, 0.1, 0.1, 0.3],
    };
    let bad = ScoredSample {
        probabilities: vec![0.5, f64::NAN, 0.1, 0.3],
        ..good.clone()
    };
    let known = InBlocks {
        samples: &[good.clone(), good.clone(), good, bad],
        size: 2,
        off_by: 0,
    };
    let found = evaluate_blocks(&names(), &known, &[], 4);
    assert!(
        matches!(found, Err(EvalError::NotFinite { index: 3, .. })),
        "{found:?}"
    );
}
