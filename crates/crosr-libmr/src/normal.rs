//! Quantiles of the standard normal distribution.
#![expect(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published"
)]

/// The `p`-quantile of the standard normal distribution for `0 < p < 1`, to about
/// 1e-16 relative.
///
/// M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal
/// Distribution", Applied Statistics 37 (1988), routine PPND16.
pub(crate) fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * horner(&CENTRE_NUMERATOR, r) / horner(&CENTRE_DENOMINATOR, r);
    }
    let r = (-if q < 0.0 { p } else { 1.0 - p }.ln()).sqrt();
    let magnitude = if r <= 5.0 {
        horner(&MIDDLE_NUMERATOR, r - 1.6) / horner(&MIDDLE_DENOMINATOR, r - 1.6)
    } else {
        horner(&FAR_NUMERATOR, r - 5.0) / horner(&FAR_DENOMINATOR, r - 5.0)
    };
    magnitude.copysign(q)
}

/// The polynomial with these coefficients, constant term first.
fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients
        .iter()
        .rev()
        .fold(0.0, |value, c| value * x + c)
}

// The coefficients a, b (|p - 1/2| <= 0.425), c, d and e, f of the paper, digits as printed.
#[rustfmt::skip]
const CENTRE_NUMERATOR: [f64; 8] = [
    3.387_132_872_796_366_608, 133.141_667_891_784_377_45,
    1_971.590_950_306_551_442_7, 13_731.693_765_509_461_125,
    45_921.953_931_549_871_457, 67_265.770_927_008_700_853,
    33_430.575_583_588_128_105, 2_509.080_928_730_122_672_7,
];
#[rustfmt::skip]
const CENTRE_DENOMINATOR: [f64; 8] = [
    1.0, 42.313_330_701_600_911_252,
    687.187_007_492_057_908_3, 5_394.196_021_424_751_107_7,
    21_213.794_301_586_595_867, 39_307.895_800_092_710_61,
    28_729.085_735_721_942_674, 5_226.495_278_852_854_561,
];
#[rustfmt::skip]
const MIDDLE_NUMERATOR: [f64; 8] = [
    1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9,
    5.769_497_221_460_691_405_5, 3.647_848_324_763_204_605_04,
    1.270_458_252_452_368_382_58, 2.417_807_251_774_506_117_7e-1,
    2.272_384_498_926_918_458_33e-2, 7.745_450_142_783_414_076_4e-4,
];
#[rustfmt::skip]
const MIDDLE_DENOMINATOR: [f64; 8] = [
    1.0, 2.053_191_626_637_758_821_87,
    1.676_384_830_183_803_849_4, 6.897_673_349_851_000_045_5e-1,
    1.481_039_764_274_800_745_9e-1, 1.519_866_656_361_645_719_66e-2,
    5.475_938_084_995_344_946e-4, 1.050_750_071_644_416_843_24e-9,
];
#[rustfmt::skip]
const FAR_NUMERATOR: [f64; 8] = [
    6.657_904_643_501_103_777_2, 5.463_784_911_164_114_369_9,
    1.784_826_539_917_291_335_8, 2.965_605_718_285_048_912_3e-1,
    2.653_218_952_657_612_309_3e-2, 1.242_660_947_388_078_438_6e-3,
    2.711_555_568_743_487_578_15e-5, 2.010_334_399_292_288_132_65e-7,
];
#[rustfmt::skip]
const FAR_DENOMINATOR: [f64; 8] = [
    1.0, 5.998_322_065_558_879_376_9e-1,
    1.369_298_809_227_358_053_1e-1, 1.487_536_129_085_061_485_25e-2,
    7.868_691_311_456_132_591e-4, 1.846_318_317_510_054_681_8e-5,
    1.421_511_758_316_445_888_7e-7, 2.044_263_103_389_939_785_64e-15,
];

#[cfg(test)]
mod tests {
    use super::quantile;

    // 0.7, 0.95, 0.975 and 0.995 from tables; the far tail from 40-digit arithmetic.
    #[test]
    fn known_quantiles() {
        let cases = [
            (0.7, 0.524_400_512_708_040_7),
            (0.95, 1.644_853_626_951_472_7),
            (0.975, 1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_900_4),
            (1e-10, -6.361_340_902_404_056),
            (1e-20, -9.262_340_089_798_408),
        ];
        for (p, expected) in cases {
            let got = quantile(p);
            assert!(
                (got / expected - 1.0).abs() < 1e-14,
                "quantile({p}) = {got}, not {expected}"
            );
        }
        assert_eq!(quantile(0.5), 0.0);
    }

    #[test]
    fn antisymmetric_where_the_probabilities_are_exact() {
        for p in [0.25, 0.0625, 0.5f64.powi(30)] {
            assert_eq!(quantile(p), -quantile(1.0 - p));
        }
    }
}
