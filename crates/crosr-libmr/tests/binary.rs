//! libMR's binary form, against bytes that libMR wrote, and damaged ones.
#![allow(missing_docs)]

use crosr_libmr::{
    BinaryError, FitReport, ParamError, TailSide, TextError, Weibull, WeibullParams, WeibullParts,
};

/// `bytes(mr.as_binary()).hex()` of libmr 0.1.9 after `mr.fit_low(x, 20)`, with
/// `x = numpy.random.default_rng(1).exponential(size=50)`.
const LIBMR: &str = "76a6315c1022f63f982bc2a2cb12214031012ba9166cf93f8829e642fb44f33fd4e92bb26df0\
                     34401a5d61c6bbd70b40ffffffff0000000000001440010000001400000001000000dc9801da\
                     4666e3bf00000000";
/// `str(mr)` of the same model.
const LIBMR_TEXT: &str = "1.383316383488276013480e+00 8.536709867670467133394e+00  \
     1.588888798534821455988e+00 1.204341183971878948000e+00 2.093917382785896563746e+01 \
     3.480338620992950104949e+00  -1 5.000000000000000000000e+00 1 20 1 \
     -6.062349565443372334528e-01 0\n";

fn libmr() -> Vec<u8> {
    let hex: Vec<char> = LIBMR.chars().collect();
    hex.chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

fn fit() -> (Weibull, FitReport) {
    let scores: Vec<f64> = (0..50).map(|i| f64::from(i * 37 % 50).sqrt()).collect();
    let params = WeibullParams::new(20).side(TailSide::Low).check();
    params.unwrap().fit(&scores).unwrap()
}

#[test]
fn libmrs_bytes_and_text_are_the_same_model() {
    let weibull = Weibull::from_bytes(&libmr()).unwrap();
    assert_eq!(weibull, Weibull::from_text(LIBMR_TEXT).unwrap());
    assert_eq!(weibull.side(), TailSide::Low);
    assert_eq!(weibull.tail_size(), 20);
    assert_eq!(weibull.scale(), 1.383_316_383_488_276);
}

#[test]
fn written_bytes_are_libmrs_but_for_the_bounds() {
    let weibull = Weibull::from_bytes(&libmr()).unwrap();
    let ours = weibull.to_bytes(&fit().1).unwrap();
    for (i, (ours, theirs)) in ours.iter().zip(libmr()).enumerate() {
        // Bounds at 16 to 47 and alpha at 52 to 59: libMR's have no meaningful level.
        let free = (16..48).contains(&i) || (52..60).contains(&i);
        assert!(free || *ours == theirs, "byte {i}: {ours} {theirs}");
    }
}

#[test]
fn bytes_give_back_the_same_bits() {
    let (weibull, report) = fit();
    let bytes = weibull.to_bytes(&report).unwrap();
    assert_eq!(Weibull::from_bytes(&bytes).unwrap(), weibull);
    let ci = report.confidence(0.95).unwrap();
    let double = |at: usize| f64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let written = [16, 24, 32, 40].map(double);
    let expected = [ci.scale.0, ci.scale.1, ci.shape.0, ci.shape.1];
    for (written, expected) in written.iter().zip(expected) {
        assert!((written / expected - 1.0).abs() < 1e-14);
    }
    assert_eq!(double(52), 0.05);
}

#[test]
fn every_damage_has_its_error() {
    let with = |at: usize, bytes: &[u8]| {
        let mut damaged = libmr();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        Weibull::from_bytes(&damaged).unwrap_err()
    };
    for length in (0..84).chain([85, 168, 10_000]) {
        let bytes: Vec<u8> = libmr().into_iter().cycle().take(length).collect();
        let expected = BinaryError::Length {
            expected: 84,
            found: length,
        };
        assert_eq!(Weibull::from_bytes(&bytes), Err(expected));
    }
    assert_eq!(
        with(48, &0i32.to_le_bytes()),
        BinaryError::Sign { given: 0 }
    );
    assert_eq!(
        with(60, &9i32.to_le_bytes()),
        BinaryError::FittingType { given: 9 }
    );
    assert_eq!(
        with(60, &3i32.to_le_bytes()),
        BinaryError::Complemented { fitting_type: 3 }
    );
    assert_eq!(
        with(64, &(-4i32).to_le_bytes()),
        BinaryError::NegativeTailSize { given: -4 }
    );
    assert_eq!(
        with(64, &1i32.to_le_bytes()),
        ParamError::TailSize { given: 1 }.into()
    );
    assert_eq!(
        with(68, &0i32.to_le_bytes()),
        ParamError::Translate { given: 0.0 }.into()
    );
    assert_eq!(
        with(0, &(-1f64).to_le_bytes()),
        ParamError::Scale { given: -1.0 }.into()
    );
    assert!(matches!(
        with(8, &f64::NAN.to_le_bytes()),
        BinaryError::Param(ParamError::Shape { .. })
    ));
    assert!(matches!(
        with(72, &f64::INFINITY.to_le_bytes()),
        BinaryError::Param(ParamError::SmallScore { .. })
    ));
}

#[test]
fn what_the_form_has_no_room_for_is_refused() {
    let (weibull, report) = fit();
    let with = |change: fn(&mut WeibullParts)| {
        let mut parts = weibull.parts();
        change(&mut parts);
        Weibull::from_parts(parts)
            .unwrap()
            .to_bytes(&report)
            .unwrap_err()
    };
    assert_eq!(
        with(|p| p.translate = 0.5),
        BinaryError::Translate { given: 0.5 }
    );
    assert_eq!(
        with(|p| p.translate = 3e9),
        BinaryError::Translate { given: 3e9 }
    );
    assert_eq!(
        with(|p| p.tail_size = 3_000_000_000),
        BinaryError::TailSize {
            given: 3_000_000_000
        }
    );
}

#[test]
fn models_that_libmr_turns_round_are_not_loaded() {
    for (fitting_type, loads) in [("1", true), ("2", true), ("3", false), ("4", false)] {
        let text = LIBMR_TEXT.replace(" 1 20", &format!(" {fitting_type} 20"));
        let loaded = Weibull::from_text(&text);
        assert_eq!(loaded.is_ok(), loads, "{loaded:?}");
        assert!(loads || matches!(loaded, Err(TextError::Complemented { .. })));
    }
    let unknown = Weibull::from_text(&LIBMR_TEXT.replace(" 1 20", " 7 20"));
    assert!(matches!(unknown, Err(TextError::Field { position: 9, .. })));
}

#[test]
fn the_text_of_libmrs_save_to_a_file_loads() {
    // printf("%21.18g %21.18g  %21.18g %21.18g %21.18g %21.18g  %d %f %d %d %d %21.18g %d\n").
    let text = " 1.38331638348827601  8.53670986767046713   1.58888879853482146  \
                1.20434118397187895   20.9391738278589656  3.4803386209929501  -1 5.000000 1 20 1 \
                -0.606234956544337233 0\n";
    let weibull = Weibull::from_text(text).unwrap();
    assert_eq!(weibull, Weibull::from_bytes(&libmr()).unwrap());
}
