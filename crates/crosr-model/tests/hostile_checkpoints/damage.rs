//! Damaged files and lying headers.

use super::builder::*;

#[test]
fn sound_files_are_read() {
    assert!(read(&weights()).is_ok());
    for steps in [0, 2] {
        assert!(resume(&state(steps)).is_ok());
    }
}

#[test]
fn cut_short_anywhere() {
    let (file, state) = (weights(), state(1));
    let header = 8 + u64::from_le_bytes(*file.first_chunk().expect("a length")) as usize;
    // Every length up to the data, then some.
    let lengths = (0..header + 64).chain((header..file.len()).step_by(97));
    for length in lengths.chain(file.len() - 64..file.len()) {
        refused(
            &format!("{length}"),
            read(&file[..length]),
            &["not a readable"],
        );
    }
    for length in (0..state.len()).step_by(101) {
        refused(
            &format!("{length}"),
            resume(&state[..length]),
            &["not a readable"],
        );
    }
    let longer = [&file[..], &[0; 3]].concat();
    refused("longer", read(&longer), &["not fully covered"]);
}

/// Every byte of the header changed alone. What is still read is a sound network.
#[test]
fn header_bytes_flipped() {
    for (file, is_state) in [(weights(), false), (state(1), true)] {
        let header = 8 + u64::from_le_bytes(*file.first_chunk().expect("a length")) as usize;
        let mut survived = 0;
        for at in 0..header {
            // A low bit, the bit between capitals and small letters, and text no more.
            for flip in [0x01, 0x20, 0x80] {
                let mut damaged = file.clone();
                damaged[at] ^= flip;
                let error = if is_state {
                    resume(&damaged).err()
                } else {
                    read(&damaged).err()
                };
                match error {
                    None => survived += 1,
                    error => refused(&format!("{at}"), error.map_or(Ok(()), Err), &[]),
                }
            }
        }
        // Class names may change, and numbers a little.
        assert!(survived > 0 && survived < header / 4, "{survived}");
    }
}

#[test]
fn lengths_that_lie() {
    let file = weights();
    let with_length = |length: u64| [&length.to_le_bytes()[..], &file[8..]].concat();
    let header = u64::from_le_bytes(*file.first_chunk().expect("a length"));
    for length in [u64::MAX, u64::MAX - 8, 1 << 63, 100_000_000, 5 << 20] {
        refused(
            &format!("{length}"),
            read(&with_length(length)),
            &["too large"],
        );
    }
    for length in [0, 1, header - 1, header + 1, file.len() as u64] {
        refused(
            &format!("{length}"),
            read(&with_length(length)),
            &["not a readable"],
        );
    }
}

#[test]
fn offsets_that_lie() {
    let file = weights();
    let offsets = |name: &str, range: serde_json::Value| {
        with_header(&file, |header| header[name]["data_offsets"] = range)
    };
    let of = |name: &str| parts(&file).0[name]["data_offsets"].clone();
    for (what, file) in [
        ("overlapping", offsets("bn1_2.bias", of("bn1_1.bias"))),
        ("backwards", offsets("bn1_2.bias", [64, 32].into())),
        (
            "beyond the end",
            offsets("fc6.weight", [1 << 40, (1u64 << 40) + 96].into()),
        ),
        (
            "the largest",
            offsets("fc6.weight", [u64::MAX - 96, u64::MAX].into()),
        ),
        ("negative", offsets("fc6.weight", [-1, 95].into())),
        ("three", offsets("fc6.weight", [0, 96, 96].into())),
    ] {
        refused(what, read(&file), &["not a readable"]);
    }

    // Tensors one after the other up to the largest offset there is.
    let size = (1u64 << 61) - 1;
    let entry = |k: u64, size: u64| {
        let (start, end) = (k * ((1 << 61) - 1), k * ((1 << 61) - 1) + size);
        format!("\"t{k}\":{{\"dtype\":\"U8\",\"shape\":[{size}],\"data_offsets\":[{start},{end}]}}")
    };
    let mut entries: Vec<String> = (0..8).map(|k| entry(k, size)).collect();
    entries.push(entry(8, u64::MAX - 8 * size));
    let file = joined(&format!("{{{}}}", entries.join(",")), &[]);
    refused("all there is", read(&file), &["not fully covered"]);
    refused("all there is", resume(&file), &["not fully covered"]);
}

#[test]
fn shapes_that_lie() {
    let file = weights();
    let shape =
        |shape: serde_json::Value| with_header(&file, |header| header["fc6.bias"]["shape"] = shape);
    for (what, file) in [
        ("too large", shape([1u64 << 20, 1 << 20].into())),
        ("overflow", shape([1u64 << 32, 1 << 32].into())),
        (
            "overflow to 3",
            shape([3u64, (1 << 63) + 1, (1 << 63) + 1].into()),
        ),
        ("overflow in bits", shape([1u64 << 61].into())),
        ("nothing", shape([0].into())),
        ("a number", shape(3.into())),
        ("a fraction", shape([1.5, 2.0].into())),
    ] {
        refused(what, read(&file), &["not a readable"]);
    }
    refused(
        "turned",
        read(&shape([1, 3].into())),
        &["another architecture", "fc6.bias is [1, 3]"],
    );
    let long = vec![1; 200_000];
    let mut many = long.clone();
    many.push(3);
    refused(
        "long",
        read(&shape(many.into())),
        &["fc6.bias", "200001 dimensions"],
    );
    // No values, and dimensions that would overflow without the first.
    let ghost = with_header(&file, |header| {
        header["ghost"] = serde_json::json!({
            "dtype": "F32", "shape": [0, 1u64 << 40, 1u64 << 20], "data_offsets": [0, 0]
        });
    });
    refused("a ghost", read(&ghost), &["ghost has no place"]);
}

#[test]
fn names_and_types_that_do_not_belong() {
    let file = weights();
    let renamed = |new: &str| {
        with_header(&file, |header| {
            let entries = header.as_object_mut().expect("an object");
            let entry = entries.remove("fc6.bias").expect("there");
            entries.insert(new.to_owned(), entry);
        })
    };
    for name in ["fc7.bias", "", "\n\u{1b}[2J", &"x".repeat(100_000)] {
        refused(
            name,
            read(&renamed(name)),
            &["fc6.bias is missing", "has no place"],
        );
    }
    let dtype = with_header(&file, |header| header["fc6.bias"]["dtype"] = "I32".into());
    refused("integers", read(&dtype), &["fc6.bias holds I32", "float"]);
    let dtype = with_header(&file, |header| header["fc6.bias"]["dtype"] = "F99".into());
    refused("no type", read(&dtype), &["not a readable"]);
    refused(
        "deep",
        read(&joined(&"[".repeat(1 << 20), &[])),
        &["not a readable"],
    );
    let deep = format!("{{\"__metadata__\":{}", "{\"a\":".repeat(1 << 18));
    refused("deep", read(&joined(&deep, &[])), &["not a readable"]);
    refused("empty", read(&joined("{}", &[])), &["description"]);
}
