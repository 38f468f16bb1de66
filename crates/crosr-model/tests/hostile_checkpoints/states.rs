//! Training states that cannot be.

use serde_json::json;

use super::builder::*;

#[test]
fn counts_that_cannot_be() {
    let state = state(2);
    for (key, value, parts) in [
        ("epochs_done", None, &["epochs_done is missing"][..]),
        ("steps_done", None, &["steps_done is missing"]),
        ("epochs_done", Some("-1"), &["epochs_done is -1"]),
        ("epochs_done", Some("1e3"), &["epochs_done is 1e3"]),
        ("epochs_done", Some(""), &["epochs_done"]),
        (
            "epochs_done",
            Some("3"),
            &["epochs_done is 3 with 2 steps_done"],
        ),
        (
            "epochs_done",
            Some("18446744073709551615"),
            &["with 2 steps_done"],
        ),
        (
            "epochs_done",
            Some("18446744073709551616"),
            &["epochs_done"],
        ),
        (
            "steps_done",
            Some("18446744073709551615"),
            &["more than any training"],
        ),
        (
            "steps_done",
            Some("99999999999999999"),
            &["more than any training"],
        ),
        (
            "skipped_batches",
            Some("3"),
            &["skipped_batches is 3 with 2"],
        ),
        ("skipped_batches", Some("x"), &["skipped_batches is x"]),
    ] {
        refused(key, resume(&with_metadata(&state, key, value)), parts);
    }
    // As versions wrote it that skipped nothing.
    let older = with_metadata(&state, "skipped_batches", None);
    let resumed = resume(&older).expect("sound");
    assert_eq!((resumed.epochs_done(), resumed.skipped_batches()), (0, 0));
    assert!(resumed.state().expect("in main memory") == state);
    // Weights are no state.
    refused(
        "weights",
        resume(&weights()),
        &["training state", "last.safetensors"],
    );
    refused("a state", read(&state), &["another architecture"]);
}

#[test]
fn velocities_that_do_not_fit() {
    let taken = state(2);
    let name = "velocity/fc6.weight";
    let turned = with_header(&taken, |header| header[name]["shape"] = json!([8, 3]));
    refused(
        "turned",
        resume(&turned),
        &["velocity/fc6.weight is [8, 3]", "[3, 8]"],
    );
    let flat = with_header(&taken, |header| header[name]["shape"] = json!([24]));
    refused("flat", resume(&flat), &["velocity/fc6.weight is [24]"]);
    let one_gone = without(&taken, |tensor| tensor == name);
    refused(
        "one gone",
        resume(&one_gone),
        &["velocity/fc6.weight is missing"],
    );
    let all_gone = without(&taken, |tensor| tensor.starts_with("velocity/"));
    refused(
        "all gone",
        resume(&all_gone),
        &["velocity/", "is missing", "more"],
    );
    let renamed = |new: &str| {
        with_header(&taken, |header| {
            let entries = header.as_object_mut().expect("an object");
            let entry = entries.remove(name).expect("there");
            entries.insert(new.to_owned(), entry);
        })
    };
    for new in [
        "velocity/bn1_1.running_mean",
        "velocity/",
        "velocity/fc7.weight",
    ] {
        refused(new, resume(&renamed(new)), &["has no place"]);
    }
    refused(
        "stray",
        resume(&renamed("fc7.weight")),
        &["fc7.weight has no place"],
    );
    refused(
        "NaN",
        resume(&with_value(&taken, name, 4, f32::NAN)),
        &[name, "position 4"],
    );

    // Before the first step there are none, and none are needed; nor after bad batches alone.
    let fresh = state(0);
    assert!(
        !parts(&fresh)
            .0
            .as_object()
            .expect("an object")
            .keys()
            .any(|k| k.contains("velocity"))
    );
    assert!(resume(&fresh).is_ok());
    let bad_alone = with_metadata(
        &with_metadata(&all_gone, "skipped_batches", Some("2")),
        "x",
        None,
    );
    assert!(resume(&bad_alone).is_ok());
}
