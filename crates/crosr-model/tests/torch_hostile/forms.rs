//! The rarer honest forms.

use super::builder::*;

#[test]
fn the_builder_writes_what_is_read() {
    let checkpoint = read_pickle(&dict(&[("w", honest()), ("epoch", int(7))])).unwrap();
    assert_eq!(checkpoint.tensors.len(), 1);
    let w = &checkpoint.tensors["w"];
    assert_eq!(
        (w.dtype, w.shape.as_slice()),
        (TorchDtype::F32, [3, 4].as_slice())
    );
    assert_eq!(w.to_f32(), (0..12_u8).map(f32::from).collect::<Vec<_>>());
    assert_eq!(
        checkpoint.scalars.into_iter().collect::<Vec<_>>(),
        [("epoch".to_owned(), 7.0)]
    );
}

#[test]
fn views() {
    let cases: [(&str, i64, &[i64], &[i64], &[f32]); 9] = [
        ("transposed", 0, &[2, 3], &[1, 4], &[0., 4., 8., 1., 5., 9.]),
        ("offset", 7, &[2], &[4], &[7., 11.]),
        (
            "inner run",
            1,
            &[2, 2, 2],
            &[6, 2, 1],
            &[1., 2., 3., 4., 7., 8., 9., 10.],
        ),
        ("broadcast", 5, &[3], &[0], &[5., 5., 5.]),
        ("broadcast rows", 0, &[2, 2], &[0, 1], &[0., 1., 0., 1.]),
        (
            "extent 1, any stride",
            2,
            &[1, 3, 1],
            &[i64::MAX, 1, i64::MAX],
            &[2., 3., 4.],
        ),
        ("scalar", 11, &[], &[], &[11.]),
        ("empty", 0, &[0, 5], &[5, 1], &[]),
        (
            "empty, huge extent, offset beyond",
            99,
            &[i64::MAX, 0, i64::MAX],
            &[1, 1, 1],
            &[],
        ),
    ];
    for (name, offset, shape, stride, wanted) in cases {
        let checkpoint = read_pickle(&dict(&[("w", tensor(offset, shape, stride))])).unwrap();
        let w = &checkpoint.tensors["w"];
        assert_eq!(w.to_f32(), wanted, "{name}");
        assert_eq!(
            w.shape.iter().map(|n| *n as i64).collect::<Vec<_>>(),
            shape,
            "{name}"
        );
    }
}

#[test]
fn number_formats() {
    // Two elements each, -2 and 3 where there is a sign; then what to_f64 gives.
    let cases: [(&str, TorchDtype, Vec<u8>, [f64; 2]); 10] = [
        (
            "DoubleStorage",
            TorchDtype::F64,
            [-2f64, 3.].map(f64::to_le_bytes).concat(),
            [-2., 3.],
        ),
        (
            "FloatStorage",
            TorchDtype::F32,
            [-2f32, 3.].map(f32::to_le_bytes).concat(),
            [-2., 3.],
        ),
        (
            "HalfStorage",
            TorchDtype::F16,
            vec![0x00, 0xc0, 0x00, 0x42],
            [-2., 3.],
        ),
        (
            "BFloat16Storage",
            TorchDtype::Bf16,
            vec![0x00, 0xc0, 0x40, 0x40],
            [-2., 3.],
        ),
        (
            "LongStorage",
            TorchDtype::I64,
            [-2i64, 3].map(i64::to_le_bytes).concat(),
            [-2., 3.],
        ),
        (
            "IntStorage",
            TorchDtype::I32,
            [-2i32, 3].map(i32::to_le_bytes).concat(),
            [-2., 3.],
        ),
        (
            "ShortStorage",
            TorchDtype::I16,
            [-2i16, 3].map(i16::to_le_bytes).concat(),
            [-2., 3.],
        ),
        ("CharStorage", TorchDtype::I8, vec![0xfe, 3], [-2., 3.]),
        ("ByteStorage", TorchDtype::U8, vec![0xfe, 3], [254., 3.]),
        ("BoolStorage", TorchDtype::Bool, vec![0, 1], [0., 1.]),
    ];
    for (class, dtype, bytes, wanted) in cases {
        let class = format!("ctorch\n{class}\n");
        let pickle = dict(&[("w", tensor_in(&storage(&class, "k", 2), 0, &[2], &[1]))]);
        let swapped: Vec<u8> = bytes
            .chunks(dtype.size())
            .flat_map(|chunk| chunk.iter().rev())
            .copied()
            .collect();
        for (order, bytes) in [("little", &bytes), ("big", &swapped)] {
            let file = zipped(&[
                ("a/data.pkl", &pickle),
                ("a/byteorder", order.as_bytes()),
                ("a/data/k", bytes),
            ]);
            let checkpoint = TorchCheckpoint::from_bytes(&file).unwrap();
            let w = &checkpoint.tensors["w"];
            assert_eq!(w.dtype, dtype);
            assert_eq!(w.to_f64(), wanted, "{class} {order}");
            assert_eq!(w.to_f32(), wanted.map(|x| x as f32), "{class} {order}");
            let integers = (!dtype.is_float()).then(|| wanted.map(|x| x as i64).to_vec());
            assert_eq!(w.to_i64(), integers, "{class} {order}");
        }
    }
}

#[test]
fn rarer_forms_of_a_tensor() {
    let inner = honest();
    let untyped = storage("ctorch.storage\nUntypedStorage\n", "0", 48);
    let sized = joined(&[b"ctorch\nSize\n", &ints(&[3, 4]), b"\x85R"]);
    let v3 = |dtype: &str| {
        joined(&[
            b"ctorch._utils\n_rebuild_tensor_v3\n(",
            &untyped,
            &int(0),
            &sized,
            &ints(&[4, 1]),
            b"\x89Nctorch\n",
            dtype.as_bytes(),
            b"\ntR",
        ])
    };
    let view = joined(&[
        b"(",
        &text("storage"),
        b"ctorch.cuda\nFloatStorage\n",
        &text("0"),
        &text("cuda:3"),
        &int(12),
        &joined(&[b"(", &text("view"), &int(4), &int(8), b"t"]),
        b"tQ",
    ]);
    let cases = [
        (
            "parameter",
            joined(&[
                b"ctorch._utils\n_rebuild_parameter\n",
                &inner,
                b"\x88N\x87R",
            ]),
            0.0,
        ),
        (
            "version 1",
            {
                let head = b"ctorch._utils\n_rebuild_tensor\n(".as_slice();
                let class = storage("ctorch\nFloatStorage\n", "0", 12);
                joined(&[head, &class, &int(2), &ints(&[2]), &ints(&[1]), b"tR"])
            },
            2.0,
        ),
        ("version 3", v3("float32"), 0.0),
        ("storage view", tensor_in(&view, 1, &[2], &[1]), 5.0),
    ];
    for (name, pickled, first) in cases {
        let checkpoint = read_pickle(&dict(&[("w", pickled)])).unwrap();
        assert_eq!(checkpoint.tensors["w"].dtype, TorchDtype::F32, "{name}");
        assert_eq!(checkpoint.tensors["w"].to_f32()[0], first, "{name}");
    }
    let error = read_pickle(&dict(&[("w", v3("complex64"))])).unwrap_err();
    assert!(matches!(&error, TorchError::Global { name, .. } if name == "torch.complex64"));
}

#[test]
fn newer_protocols() {
    // What protocol 4 writes: FRAME, SHORT_BINUNICODE, STACK_GLOBAL, MEMOIZE.
    let short = |text: &str| joined(&[b"\x8c", &[text.len() as u8], text.as_bytes(), b"\x94"]);
    let name = |module: &str, name: &str| joined(&[&short(module), &short(name), b"\x93\x94"]);
    let body = joined(&[
        b"}\x94(",
        &short("w"),
        &name("torch._utils", "_rebuild_tensor_v2"),
        b"((",
        &short("storage"),
        &name("torch", "FloatStorage"),
        &short("0"),
        &short("cpu"),
        b"K\x0ct\x94QK\x01K\x02K\x03\x86\x94K\x03K\x01\x86\x94\x89",
        &name("collections", "OrderedDict"),
        b")Rt\x94R\x94u.",
    ]);
    for protocol in [4, 5] {
        let frame = (body.len() as u64).to_le_bytes();
        let pickle = joined(&[&[0x80, protocol, 0x95], &frame, &body]);
        let checkpoint = read_pickle(&pickle).unwrap();
        assert_eq!(checkpoint.tensors["w"].to_f32(), [1., 2., 3., 4., 5., 6.]);
    }
    let error = read_pickle(&joined(&[b"\x80\x06", &body]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("protocol 6"), "{error}");
}

#[test]
fn where_the_state_dict_stands() {
    let state = |names: &[&str]| {
        let entries: Vec<_> = names.iter().map(|name| (*name, honest())).collect();
        let pickle = dict(&entries);
        pickle[2..pickle.len() - 1].to_vec() // without PROTO and STOP
    };
    let cases: [(&str, Vec<u8>, &[&str]); 7] = [
        (
            "bare",
            dict(&[("a", honest()), ("b", honest())]),
            &["a", "b"],
        ),
        (
            "model_state_dict",
            dict(&[("model_state_dict", state(&["a"]))]),
            &["a"],
        ),
        (
            "state_dict",
            dict(&[("arch", text("x")), ("state_dict", state(&["a"]))]),
            &["a"],
        ),
        (
            "the first of two",
            dict(&[
                ("state_dict", state(&["b"])),
                ("model_state_dict", state(&["a"])),
            ]),
            &["a"],
        ),
        (
            "DataParallel",
            dict(&[("state_dict", state(&["module.a", "module.module.b"]))]),
            &["a", "module.b"],
        ),
        (
            "a part named module",
            dict(&[("a", honest()), ("module.a", honest())]),
            &["a", "module.a"],
        ),
        (
            "the last of equal names",
            dict(&[("a", text("old")), ("a", honest())]),
            &["a"],
        ),
    ];
    for (name, pickle, wanted) in cases {
        let checkpoint = read_pickle(&pickle).unwrap();
        assert_eq!(
            checkpoint.tensors.keys().collect::<Vec<_>>(),
            wanted,
            "{name}"
        );
    }
    // Attributes of a dict, as modules write them.
    let pickle = joined(&[
        b"\x80\x02ccollections\nOrderedDict\n)R",
        &text("a"),
        &honest(),
        b"s}",
        &text("_metadata"),
        b"}sb.",
    ]);
    assert_eq!(read_pickle(&pickle).unwrap().tensors.len(), 1);
    // The rest of a checkpoint is passed over: its storages need not even be there.
    let moments = tensor_in(&storage("ctorch\nFloatStorage\n", "gone", 4), 0, &[4], &[1]);
    let optimizer = joined(&[b"}", &int(0), &moments, b"s"]);
    let pickle = dict(&[("state_dict", state(&["a"])), ("optimizer", optimizer)]);
    assert_eq!(read_pickle(&pickle).unwrap().tensors.len(), 1);
}

#[test]
fn odd_names_in_the_archive_are_harmless() {
    for folder in ["", "../", "C:\\", "my checkpoint/"] {
        let records = [
            (format!("{folder}data.pkl"), dict(&[("w", honest())])),
            (format!("{folder}data/0"), floats()),
            ("../../outside".to_owned(), vec![1]),
            ("/absolute".to_owned(), vec![2]),
        ];
        let records: Vec<_> = records
            .iter()
            .map(|(n, b)| (n.as_str(), b.as_slice()))
            .collect();
        let read = TorchCheckpoint::from_bytes(&zipped(&records));
        // A backslash is no folder.
        assert_eq!(read.is_ok(), !folder.contains('\\'), "{folder}: {read:?}");
    }
    let outside = tensor_in(
        &storage("ctorch\nFloatStorage\n", "../../outside", 1),
        0,
        &[],
        &[],
    );
    let error = read_pickle(&dict(&[("w", outside)])).unwrap_err();
    assert!(
        matches!(&error, TorchError::Record { record, .. } if record == "archive/data/../../outside")
    );
}
