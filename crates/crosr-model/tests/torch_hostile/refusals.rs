//! What is refused, and in which words.

use super::builder::*;

#[test]
fn nothing_outside_the_list_is_named() {
    let call = |module: &str, name: &str| {
        joined(&[
            b"\x80\x02c",
            module.as_bytes(),
            b"\n",
            name.as_bytes(),
            b"\n",
            &text("id"),
            b"\x85R.",
        ])
    };
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("__builtin__", "exec"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch", "ComplexFloatStorage"),
        ("torch", "QInt8Storage"),
        ("torch._utils", "_rebuild_qtensor"),
        ("torch.nn.modules.container", "Sequential"),
        ("numpy.core.multiarray", "scalar"),
        ("collections", "OrderedDict.__init__"),
        ("", ""),
    ] {
        let wanted = format!("{module}.{name}");
        match read_pickle(&call(module, name)).unwrap_err() {
            TorchError::Global {
                record,
                offset: 2,
                name,
            } => {
                assert_eq!(
                    (record.as_str(), name),
                    ("archive/data.pkl", wanted.clone())
                );
            }
            other => panic!("{wanted}: {other}"),
        }
        let stacked = joined(&[b"\x80\x04", &text(module), &text(name), b"\x93)R."]);
        let error = read_pickle(&stacked).unwrap_err();
        assert!(
            matches!(&error, TorchError::Global { name, .. } if *name == wanted),
            "{error}"
        );
    }
    // Even where nothing uses it, and with the rest in order.
    let pickle = dict(&[("w", honest()), ("hook", b"cos\nsystem\n".to_vec())]);
    assert!(matches!(
        read_pickle(&pickle),
        Err(TorchError::Global { .. })
    ));
    let error = read_pickle(&call("os", "system")).unwrap_err().to_string();
    assert!(
        error.contains("os.system") && error.contains("offset 2"),
        "{error}"
    );
}

#[test]
fn unknown_opcodes_are_named() {
    let known = b"(.012NJKMGXTUBC)tl]aeds}uqrhjcRbQ";
    let known = |opcode: u8| {
        known.contains(&opcode) || matches!(opcode, 0x80..=0x81 | 0x85..=0x91 | 0x93..=0x96)
    };
    let mut refused = 0;
    for opcode in 0..=255 {
        let error = read_pickle(&[0x80, 2, opcode]).unwrap_err();
        match error {
            TorchError::Opcode {
                offset,
                opcode: named,
                ..
            } => {
                assert!(!known(opcode), "{opcode:#x}");
                assert_eq!((offset, named), (2, opcode));
                refused += 1;
            }
            _ => assert!(known(opcode), "{opcode:#x}: {error}"),
        }
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn malformed_pickles() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("nothing", b"", "cut short"),
        ("no STOP", b"\x80\x02}", "cut short"),
        ("STOP on nothing", b"\x80\x02.", "stack is empty"),
        ("pop below a mark", b"\x80\x02}(s.", "stack is empty"),
        ("no mark", b"\x80\x02}u.", "no mark"),
        ("empty memo", b"\x80\x02h\x05.", "memo 5"),
        ("key without value", b"\x80\x02}(Nu.", "key without a value"),
        ("entries for a list", b"\x80\x02](NNu.", "entries for"),
        ("items for a dict", b"\x80\x02}(Ne.", "items for"),
        ("call of a dict", b"\x80\x02})R.", "is called"),
        (
            "call of a dtype",
            b"\x80\x02ctorch\nfloat32\n)R.",
            "is called",
        ),
        (
            "call without a tuple",
            b"\x80\x02ccollections\nOrderedDict\nNR.",
            "tuple is wanted",
        ),
        (
            "dict of an odd list",
            b"\x80\x02ccollections\nOrderedDict\n])a\x85R.",
            "no pair",
        ),
        ("attributes for None", b"\x80\x02N}b.", "attributes for"),
        ("a storage that is none", b"\x80\x02)Q.", "no storage"),
        (
            "a tensor of nothing",
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
            "a tensor",
        ),
        ("4 GB of text", b"\x80\x02X\xff\xff\xff\xffabc", "cut short"),
        (
            "2^63 bytes of text",
            b"\x80\x02\x8d\0\0\0\0\0\0\0\x80abc",
            "cut short",
        ),
        (
            "2^64 bytes",
            b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc",
            "cut short",
        ),
        (
            "4 GB of integer",
            b"\x80\x02\x8b\xff\xff\xff\xffabc",
            "cut short",
        ),
        (
            "frame too long",
            b"\x80\x04\x95\xff\0\0\0\0\0\0\0}.",
            "frame",
        ),
        ("no text", b"\x80\x02X\x01\0\0\0\xff.", "UTF-8"),
        ("endless name", b"\x80\x02ctorch", "cut short"),
    ];
    for (name, pickle, wanted) in cases {
        let error = read_pickle(pickle).unwrap_err();
        assert!(
            matches!(error, TorchError::Pickle { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(wanted), "{name}: {error}");
    }
}

#[test]
fn tensors_that_lie() {
    let float = |key: &str, n: i64| storage("ctorch\nFloatStorage\n", key, n);
    let cases = [
        ("one too many", tensor(0, &[13], &[1]), "reach element 12"),
        ("offset", tensor(12, &[1], &[1]), "reach element 12"),
        ("stride", tensor(0, &[2], &[12]), "reach element 12"),
        ("negative extent", tensor(0, &[-1], &[1]), "negative"),
        ("negative stride", tensor(4, &[2], &[-1]), "negative"),
        ("negative offset", tensor(-1, &[2], &[1]), "negative"),
        (
            "extents and strides",
            tensor(0, &[2, 2], &[1]),
            "2 extents and 1 strides",
        ),
        (
            "product overflows",
            tensor(0, &[i64::MAX, i64::MAX], &[0, 0]),
            "counted",
        ),
        ("bytes overflow", tensor(0, &[i64::MAX], &[0]), "counted"),
        (
            "reach overflows",
            tensor(i64::MAX, &[3, 3], &[i64::MAX, 1]),
            "counted",
        ),
        (
            "2^40 times one number",
            tensor(0, &[1 << 40], &[0]),
            "more than",
        ),
        (
            "70 MiB from 4 bytes",
            tensor(0, &[70 << 18], &[0]),
            "more than",
        ),
        (
            "storage of -1",
            tensor_in(&float("0", -1), 0, &[], &[]),
            "negative",
        ),
        (
            "storage of 2^62",
            tensor_in(&float("0", 1 << 62), 0, &[], &[]),
            "counted",
        ),
        (
            "storage of 2^60",
            tensor_in(&float("0", 1 << 60), 0, &[], &[]),
            "larger than the file",
        ),
        (
            "storage of 13",
            tensor_in(&float("0", 13), 0, &[], &[]),
            "48 bytes, 52 are claimed",
        ),
        (
            "storage of 11",
            tensor_in(&float("0", 11), 0, &[], &[]),
            "48 bytes, 47 are the most",
        ),
        (
            "no storage",
            tensor_in(&float("9", 12), 0, &[], &[]),
            "missing",
        ),
        (
            "65 dimensions",
            tensor(0, &[1; 65], &[1; 65]),
            "65 dimensions",
        ),
    ];
    for (name, pickled, wanted) in cases {
        let error = read_pickle(&dict(&[("conv.weight", pickled)])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(wanted), "{name}: {text}");
        let named = match &error {
            TorchError::Tensor { tensor, .. } => tensor == "conv.weight",
            TorchError::Storage { key, .. } => key == "0",
            TorchError::Record { record, .. } => record.starts_with("archive/data/"),
            TorchError::Pickle { .. } => name == "65 dimensions",
            _ => false,
        };
        assert!(named, "{name}: {text}");
    }
    // Many small bombs are one large one.
    let names: Vec<String> = (0..40).map(|n| format!("w{n}")).collect();
    let entries: Vec<_> = names
        .iter()
        .map(|n| (n.as_str(), tensor(0, &[1 << 19], &[0])))
        .collect();
    assert!(matches!(
        read_pickle(&dict(&entries)),
        Err(TorchError::Tensor { .. })
    ));
}

#[test]
fn bombs() {
    let limits: [(&str, Vec<u8>, &str); 6] = [
        (
            "nested tuples",
            joined(&[b")", &[0x85].repeat(1_000_000), b"."]),
            "nesting",
        ),
        (
            "nested lists",
            joined(&[&b"]".repeat(1000), &b"a".repeat(999), b"."]),
            "nesting",
        ),
        (
            "nested dicts",
            joined(&[&b"}N".repeat(1000), b"}", &b"s".repeat(1000), b"."]),
            "nesting",
        ),
        (
            "nested sets",
            joined(&[&b"(".repeat(1000), &[0x91].repeat(1000), b"."]),
            "open marks",
        ),
        (
            "a list in itself",
            joined(&[b"]q\0", &b"h\0a".repeat(1000), b"."]),
            "nesting",
        ),
        (
            "opcodes",
            joined(&[&b"N0".repeat(2_200_000), b"N."]),
            "opcodes",
        ),
    ];
    for (name, pickle, wanted) in limits {
        match read_pickle(&pickle).unwrap_err() {
            TorchError::Limit { what, .. } => assert!(what.contains(wanted), "{name}: {what}"),
            other => panic!("{name}: {other}"),
        }
    }
    let many = joined(&[b"ccollections\nOrderedDict\n(", &b"N".repeat(1000), b"tR."]);
    assert!(matches!(read_pickle(&many), Err(TorchError::Limit { .. })));

    // One list of pairs, made into a dict again and again.
    let pairs = b"NN\x86".repeat(100_000);
    let copies = b"h\x01h\0\x85R".repeat(100_000);
    let pickle = joined(&[
        b"ccollections\nOrderedDict\nq\x01](",
        &pairs,
        b"eq\0",
        &copies,
        b".",
    ]);
    let error = read_pickle(&pickle).unwrap_err().to_string();
    assert!(error.contains("over and over"), "{error}");
    // The same shape, again and again.
    let tensors = b"h\x02h\x03R".repeat(400_000);
    let pickle = joined(&[
        b"ctorch._utils\n_rebuild_tensor_v2\nq\x02",
        &joined(&[
            b"(",
            &storage("ctorch\nFloatStorage\n", "0", 12),
            &int(0),
            &ints(&[1; 64]),
            &ints(&[1; 64]),
            b"tq\x03",
        ]),
        &tensors,
        b".",
    ]);
    let error = read_pickle(&pickle).unwrap_err().to_string();
    assert!(error.contains("over and over"), "{error}");

    // Lists of lists of lists: 2^60 leaves if written out, forty small lists in fact.
    let doubling: Vec<u8> = (0..60)
        .flat_map(|n| joined(&[b"](h", &[n], b"h", &[n], b"eq", &[n + 1]]))
        .collect();
    let laughs = joined(&[b"]q\0", &doubling, &b"0".repeat(60)]);
    let pickle = dict(&[("w", honest()), ("laughs", laughs)]);
    let read = read_pickle(&pickle);
    assert!(read.is_err() || read.unwrap().tensors.len() == 1);
    assert!(
        peak_mebibytes().is_none_or(|peak| peak < 1000),
        "{:?}",
        peak_mebibytes()
    );
}

#[test]
fn foreign_files() {
    let not_torch: &[&[u8]] = &[
        b"",
        b"\x80",
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c",
        b"hello, world",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"\x08\0\0\0\0\0\0\0{}      ",
        b"\x80\x02}q\0.",
        b"\x80\x02\x8a\x0a\x6d\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
    ];
    for bytes in not_torch {
        match TorchCheckpoint::from_bytes(bytes).unwrap_err() {
            TorchError::Container { start } => assert!(bytes.starts_with(&start)),
            other => panic!("{bytes:?}: {other}"),
        }
    }
    let stored = CompressionMethod::Stored;
    let pickle = dict(&[("w", honest())]);
    let floats = floats();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("PK", b"PK".to_vec(), "directory"),
        ("empty archive", zipped(&[]), "has none"),
        (
            "another archive",
            zipped(&[("word/document.xml", b"<xml/>")]),
            "has none",
        ),
        ("too deep", zipped(&[("a/b/data.pkl", &pickle)]), "has none"),
        (
            "two",
            zipped(&[("a/data.pkl", &pickle), ("b/data.pkl", &pickle)]),
            "more than one",
        ),
        (
            "compressed",
            zipped_with(&[("a/data.pkl", &pickle)], CompressionMethod::Deflated),
            "compressed",
        ),
        (
            "byte order",
            zipped_with(
                &[("a/data.pkl", &pickle), ("a/byteorder", b"middle")],
                stored,
            ),
            "neither",
        ),
        (
            "no dict",
            zipped(&[("a/data.pkl", b"\x80\x02K\x05."), ("a/data/0", &floats)]),
            "an integer",
        ),
        (
            "no tensors",
            zipped(&[(
                "a/data.pkl",
                &dict(&[("net", b"}".to_vec()), ("epoch", int(1))]),
            )]),
            r#"a dict of ["net", "epoch"]"#,
        ),
    ];
    for (name, bytes, wanted) in cases {
        let error = TorchCheckpoint::from_bytes(&bytes).unwrap_err().to_string();
        assert!(error.contains(wanted), "{name}: {error}");
    }
    let nested = dict(&[("state_dict", joined(&[b"}", &text("extra"), b"}s"]))]);
    let error = read_pickle(&nested).unwrap_err();
    assert!(
        matches!(&error, TorchError::Tensor { tensor, .. } if tensor == "extra"),
        "{error}"
    );
}

#[test]
fn overlapping_records_are_not_read_over_and_over() {
    // The directory of the archive names one stretch of the file under two keys.
    let big = vec![0; 4096];
    let float = |key: &str| storage("ctorch\nFloatStorage\n", key, 1024);
    let entries: Vec<_> = ["0", "1", "2", "3"]
        .iter()
        .map(|key| (*key, tensor_in(&float(key), 0, &[1], &[1])))
        .collect();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file("a/data.pkl", options).unwrap();
    writer.write_all(&dict(&entries)).unwrap();
    writer.start_file("a/data/0", options).unwrap();
    writer.write_all(&big).unwrap();
    for key in ["1", "2", "3"] {
        writer
            .shallow_copy_file("a/data/0", &format!("a/data/{key}"))
            .unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let error = TorchCheckpoint::from_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("larger than the file"), "{error}");
}

#[test]
fn damaged_numbers_are_found_by_the_checksum() {
    let mut bytes = with_pickle(&dict(&[("w", honest())]));
    let wanted = floats();
    let at = bytes
        .windows(48)
        .position(|window| window == wanted)
        .unwrap();
    bytes[at + 20] ^= 1;
    match TorchCheckpoint::from_bytes(&bytes).unwrap_err() {
        TorchError::Zip { record, .. } => assert_eq!(record, "archive/data/0"),
        other => panic!("{other}"),
    }
}

#[test]
fn errors_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.pt");
    let error = TorchCheckpoint::read(&missing).unwrap_err();
    assert!(matches!(error, TorchError::Io { .. }));
    assert!(error.to_string().contains("missing.pt"), "{error}");

    let foreign = dir.path().join("foreign.pt");
    std::fs::write(&foreign, b"hello").unwrap();
    let error = TorchCheckpoint::read(&foreign).unwrap_err();
    assert!(matches!(error, TorchError::File { .. }));
    assert!(error.to_string().contains("foreign.pt"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
