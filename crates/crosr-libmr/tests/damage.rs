//! Damaged texts and bytes: what `fuzz/` does at length, here for a moment and on any compiler.
#![allow(missing_docs)]

use crosr_libmr::{FitError, TailSide, Weibull, WeibullParams};

/// The SplitMix64 generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// A few bytes changed, dropped, doubled or put in from `alphabet`.
fn damage(original: &[u8], alphabet: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(4) {
        let at = random
            .below(bytes.len().max(1))
            .min(bytes.len().saturating_sub(1));
        let byte = alphabet[random.below(alphabet.len())];
        match random.below(6) {
            _ if bytes.is_empty() => bytes.push(byte),
            0 => bytes[at] = byte,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, byte),
            4 => bytes.truncate(at),
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}

fn check(weibull: &Weibull) {
    assert_eq!(Weibull::from_parts(weibull.parts()).as_ref(), Ok(weibull));
    for x in [-1e300, -3.0, 0.0, 2.0, 1e300] {
        assert!((0.0..=1.0).contains(&weibull.w_score(x)), "{weibull:?}");
        assert!(weibull.pdf(x) >= 0.0, "{weibull:?}");
    }
    assert!(!weibull.inv(0.5).is_nan(), "{weibull:?}");
}

#[test]
fn damaged_models_load_whole_or_not_at_all() {
    let scores: Vec<f64> = (0..50).map(|i| f64::from(i * 37 % 50).sqrt()).collect();
    let params = WeibullParams::new(20).side(TailSide::Low).check().unwrap();
    let (weibull, report) = params.fit(&scores).unwrap();
    let text = weibull.to_text(&report);
    let bytes = weibull.to_bytes(&report).unwrap();

    let (mut random, mut loaded, mut refused) = (Random(1), 0, 0);
    for _ in 0..50_000 {
        let damaged = damage(text.as_bytes(), b"0123456789+-.eE \n\tnaif", &mut random);
        if let Ok(damaged) = std::str::from_utf8(&damaged) {
            match Weibull::from_text(damaged) {
                Ok(weibull) => check(&weibull),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        let damaged = damage(&bytes, &[0, 1, 0x7f, 0x80, 0xf0, 0xff], &mut random);
        match Weibull::from_bytes(&damaged) {
            Ok(weibull) => {
                check(&weibull);
                loaded += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(loaded > 1000 && refused > 1000, "{loaded} {refused}");
}

// Doubles of any bits: NaN, infinities, subnormal numbers and every magnitude.
#[test]
fn any_bits_are_fitted_or_refused() {
    let (mut random, mut fitted) = (Random(2), 0);
    for round in 0..20_000 {
        let n = 2 + random.below(40);
        let spread = random.below(64);
        let scores: Vec<f64> = (0..n)
            .map(|_| match round % 4 {
                0 => f64::from_bits(random.next()),
                // Like exponents, or the same but for the last bits.
                1 => f64::from_bits(random.next() & !(0x7ff << 52) | 0x3ff << 52),
                2 => f64::from_bits(0x3ff8 << 48 | (random.next() & ((1 << spread) - 1)) >> 12),
                _ => f64::from_bits(random.next() >> 2),
            })
            .collect();
        let tail_size = 2 + random.below(n - 1);
        let translate = [1.0, scores[0].abs(), f64::MIN_POSITIVE, 1e300][random.below(4)];
        let side = [TailSide::High, TailSide::Low][random.below(2)];
        let params = WeibullParams::new(tail_size)
            .side(side)
            .translate(translate);
        match params.check().map(|params| params.fit(&scores)) {
            Ok(Ok((weibull, report))) => {
                fitted += 1;
                assert!(report.residual < 1e-9, "{scores:?} {report:?}");
                check(&weibull);
            }
            Ok(Err(FitError::NotConverged { .. } | FitError::Solver { .. })) => {
                panic!("no convergence: {scores:?} {tail_size} {side:?} {translate}")
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
    assert!(fitted > 3000, "{fitted}");
}
