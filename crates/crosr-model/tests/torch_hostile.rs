//! Damaged, foreign and hostile checkpoints: an error that says where, never a panic, never much
//! memory. And the rarer honest forms, built by hand.

use std::io::{Cursor, Write};
use std::path::Path;

use crosr_model::{TorchCheckpoint, TorchDtype, TorchError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

// Files by hand.

const TINY: [&str; 8] = [
    "tiny_bare.pt",
    "tiny_bf16.pt",
    "tiny_cuda_tag.pt",
    "tiny_f16.pt",
    "tiny_f64.pt",
    "tiny_legacy.pt",
    "tiny_views.pt",
    "tiny_zip.pt",
];

fn tiny(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torch");
    std::fs::read(dir.join(name)).unwrap()
}

fn zipped_with(records: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in records {
        writer
            .start_file(
                *name,
                SimpleFileOptions::default().compression_method(method),
            )
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn zipped(records: &[(&str, &[u8])]) -> Vec<u8> {
    zipped_with(records, CompressionMethod::Stored)
}

fn unzipped(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

/// A checkpoint with this pickle and one storage, `0`, of the floats 0, 1, ..., 11.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    zipped(&[("archive/data.pkl", pickle), ("archive/data/0", &floats())])
}

fn floats() -> Vec<u8> {
    (0..12_u8)
        .flat_map(|n| f32::from(n).to_le_bytes())
        .collect()
}

fn read_pickle(pickle: &[u8]) -> Result<TorchCheckpoint, TorchError> {
    TorchCheckpoint::from_bytes(&with_pickle(pickle))
}

// Pickles by hand.

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn text(text: &str) -> Vec<u8> {
    joined(&[b"X", &(text.len() as u32).to_le_bytes(), text.as_bytes()])
}

fn int(number: i64) -> Vec<u8> {
    joined(&[b"\x8a\x08", &number.to_le_bytes()])
}

fn ints(numbers: &[i64]) -> Vec<u8> {
    let items: Vec<u8> = numbers.iter().flat_map(|n| int(*n)).collect();
    joined(&[b"(", &items, b"t"])
}

fn storage(class: &str, key: &str, n_elements: i64) -> Vec<u8> {
    joined(&[
        b"(",
        &text("storage"),
        class.as_bytes(),
        &text(key),
        &text("cpu"),
        &int(n_elements),
        b"tQ",
    ])
}

fn tensor_in(storage: &[u8], offset: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    joined(&[
        b"ctorch._utils\n_rebuild_tensor_v2\n(",
        storage,
        &int(offset),
        &ints(shape),
        &ints(stride),
        b"\x89ccollections\nOrderedDict\n)RtR",
    ])
}

fn tensor(offset: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    tensor_in(
        &storage("ctorch\nFloatStorage\n", "0", 12),
        offset,
        shape,
        stride,
    )
}

/// A dict of the given entries, as a whole pickle.
fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<u8> = entries
        .iter()
        .flat_map(|(key, value)| joined(&[&text(key), value]))
        .collect();
    joined(&[b"\x80\x02}(", &items, b"u."])
}

fn honest() -> Vec<u8> {
    tensor(0, &[3, 4], &[4, 1])
}

// Honest forms.

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

// Refusals.

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

// Damage.

#[test]
fn cut_short_anywhere() {
    for name in TINY {
        let bytes = tiny(name);
        for length in 0..bytes.len() {
            assert!(
                TorchCheckpoint::from_bytes(&bytes[..length]).is_err(),
                "{name}, {length}"
            );
        }
        assert!(TorchCheckpoint::from_bytes(&bytes).is_ok(), "{name}");
    }
    // The pickle alone cut short, in an archive that is whole.
    let pickle = dict(&[("w", honest())]);
    for length in 0..pickle.len() {
        let error = read_pickle(&pickle[..length]).unwrap_err();
        assert!(
            matches!(error, TorchError::Pickle { .. }),
            "{length}: {error}"
        );
    }
}

/// Reads a damaged file. What still reads must keep within the promised memory.
fn survive(bytes: &[u8]) -> bool {
    match TorchCheckpoint::from_bytes(bytes) {
        Ok(checkpoint) => {
            let total: usize = checkpoint.tensors.values().map(|t| t.data().len()).sum();
            assert!(total <= 4 * bytes.len() + (64 << 20), "{total}");
            true
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 2000, "{text}");
            false
        }
    }
}

/// Every bit flipped alone, and every byte set to a few telling values.
fn damages(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    const VALUES: [u8; 12] = [
        0, 1, 0x7f, 0x80, 0xff, b'(', b'h', b'2', b'R', b'Q', b'u', b'.',
    ];
    (0..bytes.len()).flat_map(move |at| {
        let flips = (0..8).map(move |bit| bytes[at] ^ (1 << bit));
        flips.chain(VALUES).map(move |value| {
            let mut damaged = bytes.to_vec();
            damaged[at] = value;
            damaged
        })
    })
}

#[test]
fn bit_flips() {
    for name in TINY {
        let bytes = tiny(name);
        let survived = damages(&bytes).filter(|damaged| survive(damaged)).count();
        assert!(
            survived > 0 && survived < 20 * bytes.len(),
            "{name}: {survived}"
        );
    }
    assert!(
        peak_mebibytes().is_none_or(|peak| peak < 1000),
        "{:?}",
        peak_mebibytes()
    );
}

#[test]
fn bit_flips_behind_a_right_checksum() {
    for name in ["tiny_zip.pt", "tiny_views.pt"] {
        let records = unzipped(&tiny(name));
        let pickle = records
            .iter()
            .find(|(name, _)| name.ends_with("data.pkl"))
            .unwrap();
        let mut survived = 0;
        for damaged in damages(&pickle.1) {
            let records: Vec<(&str, &[u8])> = records
                .iter()
                .map(|(name, bytes)| {
                    let bytes = if *name == pickle.0 { &damaged } else { bytes };
                    (name.as_str(), bytes.as_slice())
                })
                .collect();
            survived += usize::from(survive(&zipped(&records)));
        }
        assert!(survived > 0, "{name}");
    }
}

/// Opcodes in random order with operands from a small set, so that many get far.
#[test]
fn random_programs() {
    let pieces: Vec<Vec<u8>> = [
        b"(".as_slice(),
        b"0",
        b"1",
        b"2",
        b"N",
        b"K\x03",
        b"]",
        b"}",
        b")",
        b"t",
        b"l",
        b"d",
        b"a",
        b"e",
        b"s",
        b"u",
        b"b",
        b"R",
        b"Q",
        b"\x81",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x88",
        b"\x8f",
        b"\x90",
        b"\x91",
        b"\x93",
        b"\x94",
        b"q\0",
        b"q\x01",
        b"h\0",
        b"h\x01",
        b"X\0\0\0\0",
        b"X\x07\0\0\0storage",
        b"X\x01\0\0\0\x30",
        b"ccollections\nOrderedDict\n",
        b"ctorch\nFloatStorage\n",
        b"ctorch\nSize\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch._utils\n_rebuild_tensor_v3\n",
        b"ctorch\nfloat16\n",
    ]
    .iter()
    .map(|piece| piece.to_vec())
    .chain([
        storage("ctorch\nFloatStorage\n", "0", 12),
        honest(),
        ints(&[2, 2]),
        ints(&[3, 0]),
    ])
    .collect();
    let mut state = 20_260_611_u64;
    let mut next = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % n
    };
    let mut finished = 0;
    for _ in 0..40_000 {
        let mut pickle = b"\x80\x02}".to_vec();
        for _ in 0..next(24) {
            pickle.extend_from_slice(&pieces[next(pieces.len())]);
        }
        pickle.push(b'.');
        let bytes = with_pickle(&pickle);
        survive(&bytes);
        let whole = matches!(
            TorchCheckpoint::from_bytes(&bytes),
            Ok(_) | Err(TorchError::NoStateDict { .. })
        );
        finished += usize::from(whole);
    }
    assert!(finished > 1000, "{finished}");
}

/// Largest memory of this process so far; `None` where the system does not say.
fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
