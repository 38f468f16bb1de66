//! Values that no training leaves behind, and cards that are not written.

use candle_core::Device;
use crosr_data::Normalisation;
use crosr_model::{DhrNet, ModelCard, ModelError};

use super::builder::*;

#[test]
fn parameters_that_are_not_finite() {
    let (file, state) = (weights(), state(1));
    for (name, index) in [
        ("fc4.weight", 0),
        ("conv1_1.weight", 100),
        ("bn3_3.running_mean", 7),
        ("deconv1.bias", 2),
    ] {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let wanted = format!("{name} holds {value} at position {index}, it must be finite");
            refused(
                name,
                read(&with_value(&file, name, index, value)),
                &[&wanted],
            );
            let stored = format!("parameter/{name}");
            refused(
                name,
                resume(&with_value(&state, &stored, index, value)),
                &[&wanted],
            );
        }
    }
    let sound = with_value(&file, "bn2_1.bias", 3, -1e30);
    assert!(read(&sound).is_ok());
}

#[test]
fn variances_that_are_negative() {
    let file = weights();
    let name = "bn2_1.running_var";
    let error = read(&with_value(&file, name, 5, -0.25));
    refused(
        name,
        error,
        &["bn2_1.running_var holds -0.25 at position 5", "variance"],
    );
    for sound in [0.0, -0.0, 1e30] {
        assert!(read(&with_value(&file, name, 5, sound)).is_ok(), "{sound}");
    }
}

/// What is refused in a file is not written into one either.
#[test]
fn cards_that_are_not_written() {
    let network = read(&weights()).expect("sound");
    let card = |names: [&str; 3], std: f32| ModelCard {
        class_names: names.map(str::to_owned).to_vec(),
        normalisation: Normalisation {
            mean: [0.5; 3],
            std: [0.5, std, 0.5],
        },
    };
    let long = "x".repeat(1 << 20);
    for (what, card) in [
        ("named cat", card(["cat", "dog", "cat"], 0.5)),
        ("class 0 has no name", card(["", "dog", "cat"], 0.5)),
        ("standard deviation", card(["owl", "dog", "cat"], 0.0)),
        ("standard deviation", card(["owl", "dog", "cat"], f32::NAN)),
        ("bytes", card(["owl", "dog", &long], 0.5)),
    ] {
        match network.to_safetensors(&card) {
            Err(ModelError::Card { what: found }) => assert!(found.contains(what), "{found}"),
            other => panic!("{what}: {:?}", other.map(|file| file.len())),
        }
    }
    let good = card(["owl \u{1f989}", "dog\n", "cat \"tom\""], 0.5);
    let file = network.to_safetensors(&good).expect("a sound card");
    let path = std::path::Path::new("x");
    let (_, read) = DhrNet::from_safetensors(&file, path, &Device::Cpu).expect("just written");
    assert_eq!(read, good);
}
