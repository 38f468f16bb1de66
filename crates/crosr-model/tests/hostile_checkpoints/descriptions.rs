//! Descriptions that promise what the tensors do not hold.

use serde_json::{Value, json};

use super::builder::*;

#[test]
fn architectures_that_no_memory_holds() {
    let (file, state) = (weights(), state(1));
    let networks: [(&str, Value, &[&str]); 12] = [
        (
            "widths",
            json!([65536, 65536, 65536]),
            &["architecture", "bn1_1.bias is [8]"],
        ),
        ("widths", json!([65537, 8, 8]), &["width is 65537", "65536"]),
        (
            "widths",
            json!([u64::MAX, 8, 8]),
            &["width is 18446744073709551615"],
        ),
        ("widths", json!([0, 8, 8]), &["width is 0"]),
        ("widths", json!([8, 8]), &["description"]),
        ("hidden", json!(65536), &["another architecture", "fc4"]),
        (
            "latent_channels",
            json!(65536),
            &["another architecture", "btl1"],
        ),
        (
            "image_size",
            json!(1024),
            &["another architecture", "fc4.weight is [8, 8]"],
        ),
        ("image_size", json!(1u64 << 60), &["image_size", "1024"]),
        ("image_size", json!(0), &["image_size"]),
        ("image_size", json!(-8), &["description"]),
        ("conv_dropout", json!(1.0), &["dropout"]),
    ];
    for (field, value, parts) in networks {
        let change = |model: &mut Value| model["architecture"][field] = value.clone();
        let what = format!("{field} {value}");
        refused(&what, read(&with_description(&file, change)), parts);
        refused(&what, resume(&with_description(&state, change)), parts);
    }
    // Everything at its largest.
    let largest = with_description(&file, |model| {
        model["architecture"]["widths"] = json!([65536, 65536, 65536]);
        model["architecture"]["hidden"] = json!(65536);
        model["architecture"]["latent_channels"] = json!(65536);
        model["architecture"]["image_size"] = json!(1024);
    });
    refused("largest", read(&largest), &["another architecture"]);
}

#[test]
fn classes_that_are_none() {
    let file = weights();
    let classes = |n: Value, names: Value| {
        with_description(&file, |model| {
            model["architecture"]["n_classes"] = n;
            model["class_names"] = names;
        })
    };
    for (what, file, parts) in [
        (
            "none",
            classes(json!(0), json!([])),
            &["n_classes is 0"][..],
        ),
        (
            "one",
            classes(json!(1), json!(["cat"])),
            &["n_classes is 1"],
        ),
        (
            "two",
            classes(json!(2), json!(["cat", "dog"])),
            &["architecture", "fc6"],
        ),
        (
            "many",
            classes(json!(1u64 << 60), json!(["cat"])),
            &["1 class names for 115"],
        ),
        (
            "fewer names",
            classes(json!(3), json!(["cat", "dog"])),
            &["2 class names for 3"],
        ),
        (
            "twice",
            classes(json!(3), json!(["cat", "dog", "cat"])),
            &["named cat"],
        ),
        (
            "empty",
            classes(json!(3), json!(["cat", "", "owl"])),
            &["class 1 has no name"],
        ),
        (
            "blank",
            classes(json!(3), json!(["cat", "owl", " \t"])),
            &["class 2 has no name"],
        ),
        (
            "no text",
            classes(json!(3), json!(["cat", 7, "owl"])),
            &["description"],
        ),
    ] {
        refused(what, read(&file), parts);
    }
    let names: Vec<String> = (0..100_000).map(|i| i.to_string()).collect();
    let many = classes(json!(100_000), json!(names));
    refused("a hundred thousand", read(&many), &["n_classes is 100000"]);
}

#[test]
fn normalisations_that_are_none() {
    let file = weights();
    for (field, value) in [
        ("std", json!([0.5, 0.0, 0.5])),
        ("std", json!([0.5, -0.5, 0.5])),
        ("std", json!([0.5, 0.5, null])),
        ("std", json!([0.5, 0.5, 1e-42])),
        ("std", json!([0.5, 0.5, 1e300])),
        ("std", json!([0.5, 0.5])),
        ("mean", json!([1e300, 0.5, 0.5])),
        ("mean", json!([0.5, "0.5", 0.5])),
    ] {
        let what = format!("{field} {value}");
        let file = with_description(&file, |model| model[field] = value);
        refused(&what, read(&file), &["model description"]);
    }
    // Numbers that JSON does not have.
    let (header, _) = parts(&file);
    let text = header["__metadata__"]["model"].as_str().expect("a text");
    for number in ["NaN", "Infinity", "1e999", "-1e999"] {
        let text = text.replace("0.5,0.5,0.5", &format!("{number},0.5,0.5"));
        assert!(text.contains(number));
        refused(
            number,
            read(&with_metadata(&file, "model", Some(&text))),
            &["description"],
        );
        let text = text.replace("[8,8,8]", &format!("[{number},8,8]"));
        refused(
            number,
            read(&with_metadata(&file, "model", Some(&text))),
            &["description"],
        );
    }
}

#[test]
fn descriptions_that_are_none() {
    let file = weights();
    for (key, value, part) in [
        ("format", None, "no crosr description"),
        ("format", Some("crosr-model/99"), "crosr-model/99"),
        ("format", Some("\n\n"), "format"),
        ("model", None, "no model description"),
        ("model", Some(""), "model description"),
        ("model", Some("{}"), "model description"),
        ("model", Some("[[[["), "model description"),
    ] {
        refused(key, read(&with_metadata(&file, key, value)), &[part]);
    }
    let deep = "[".repeat(1 << 20);
    refused(
        "deep",
        read(&with_metadata(&file, "model", Some(&deep))),
        &["description"],
    );
    let long = with_description(&file, |model| {
        model["architecture"]["x".repeat(1 << 20)] = json!(1);
    });
    refused("an unknown field", read(&long), &["unknown field", "..."]);
    let no_metadata = with_header(&file, |header| {
        header
            .as_object_mut()
            .expect("an object")
            .remove("__metadata__");
    });
    refused("no metadata", read(&no_metadata), &["no crosr description"]);
}
