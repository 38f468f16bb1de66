//! CIFAR-100's binary files, and Python's pickles of either dataset.

mod common;

use std::fs;

use crosr_data::{Cifar10, Cifar100, Dataset, Split};
use tempfile::tempdir;

use crate::common::{beside, folder, picture, planes, text_of};

#[test]
fn cifar_100_has_fine_and_coarse_classes() {
    let record = |coarse: u8, fine: u8, k| [vec![coarse, fine], planes(k)].concat();
    let there = folder(&[(
        "cifar-100-binary/test.bin",
        [record(19, 99, 1), record(0, 4, 2)].concat(),
    )]);
    let fine = Cifar100::open(there.path(), Split::Test).unwrap();
    let coarse = Cifar100::coarse(there.path(), Split::Test).unwrap();
    assert_eq!(
        (fine.class_names().len(), coarse.class_names().len()),
        (100, 20)
    );
    assert_eq!(
        (
            fine.class_names()[99].as_str(),
            coarse.class_names()[0].as_str()
        ),
        ("worm", "aquatic_mammals")
    );
    for (data, labels) in [(&fine as &dyn Dataset, [99, 4]), (&coarse, [19, 0])] {
        for (index, label) in labels.into_iter().enumerate() {
            let sample = data.sample(index).unwrap();
            assert_eq!(
                (sample.image, sample.label),
                (picture(index + 1), Some(label))
            );
        }
    }
    fs::write(
        there.path().join("cifar-100-binary/train.bin"),
        record(20, 99, 0),
    )
    .unwrap();
    Cifar100::open(there.path(), Split::Train).unwrap();
    let text = text_of(Cifar100::coarse(there.path(), Split::Train));
    assert!(text.contains("train.bin: label 20 of record 0"), "{text}");
}

/// Python 2's short string.
fn short(text: &str) -> Vec<u8> {
    [b"U".as_slice(), &[text.len() as u8], text.as_bytes()].concat()
}

/// A batch of pictures 1 and 2 as Python 2 pickles it with protocol 2; `labels` are keys and values.
fn batch(labels: &[(&str, [u8; 2])]) -> Vec<u8> {
    let pixels = [planes(1), planes(2)].concat();
    let mut pickle = [
        b"\x80\x02}q\x01(",
        &short("data")[..],
        b"cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85",
        &short("b"),
        b"\x87R(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\n",
        &short("u1"),
        b"K\x00K\x01\x87R(K\x03",
        &short("|"),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T",
        &(pixels.len() as u32).to_le_bytes(),
        &pixels,
        b"tb",
    ]
    .concat();
    for (key, [first, second]) in labels {
        let list = [b"](K".as_slice(), &[*first], b"K", &[*second], b"e"].concat();
        pickle.extend([short(key), list].concat());
    }
    pickle.extend(b"u.");
    pickle
}

#[test]
fn cifar_is_read_from_pythons_files_too() {
    let there = folder(&[
        (
            "cifar-10-batches-py/test_batch",
            batch(&[("labels", [6, 9])]),
        ),
        (
            "cifar-100-python/test",
            batch(&[("fine_labels", [49, 33]), ("coarse_labels", [10, 11])]),
        ),
    ]);
    let ten = Cifar10::open(there.path(), Split::Test).unwrap();
    let [four, five] = ["batch.4.pickle", "batch.5.pickle"].map(|name| {
        let there = tempdir().unwrap();
        fs::copy(beside(name), there.path().join("test_batch")).unwrap();
        Cifar10::open(there.path(), Split::Test).unwrap()
    });
    let fine = Cifar100::open(there.path(), Split::Test).unwrap();
    let coarse = Cifar100::coarse(there.path(), Split::Test).unwrap();
    let all: [(&dyn Dataset, [usize; 2]); 5] = [
        (&four, [6, 9]),
        (&five, [6, 9]),
        (&ten, [6, 9]),
        (&fine, [49, 33]),
        (&coarse, [10, 11]),
    ];
    for (data, labels) in all {
        assert_eq!(data.len(), 2);
        for (index, label) in labels.into_iter().enumerate() {
            let sample = data.sample(index).unwrap();
            assert_eq!(
                (sample.image, sample.label),
                (picture(index + 1), Some(label))
            );
        }
    }
}

#[test]
fn pickles_that_are_damaged_or_mean_harm_are_refused() {
    let whole = batch(&[("labels", [6, 9])]);
    let open = |bytes: &[u8]| {
        let there = folder(&[("test_batch", bytes.to_vec())]);
        text_of(Cifar10::open(there.path(), Split::Test))
    };
    for len in (0..whole.len()).step_by(13) {
        assert!(open(&whole[..len]).contains("cut short"), "{len}");
    }
    let changed = |from: &[u8], to: &[u8]| {
        let at = whole.windows(from.len()).position(|w| w == from).unwrap();
        open(&[&whole[..at], to, &whole[at + from.len()..]].concat())
    };
    for (from, to, wanted) in [
        (
            &b"cnumpy\ndtype"[..],
            &b"cos\nsystem"[..],
            "asks for \"os.system\"",
        ),
        (
            b"_reconstruct",
            b"scalar",
            "asks for \"numpy.core.multiarray.scalar\"",
        ),
        (
            b"U\x02u1",
            b"U\x02f4",
            "an array of other numbers than bytes",
        ),
        (
            b"M\x00\x0c\x86",
            b"M\x01\x0c\x86",
            "6144 bytes for an array of [2, 3073]",
        ),
        (
            b"M\x00\x0c\x86",
            b"J\xff\xff\xff\xff\x86",
            "a shape that makes no sense",
        ),
        (
            b"U\x04data",
            b"U\x04date",
            "no array of bytes under \"data\"",
        ),
        (b"U\x06labels", b"U\x06lapels", "no list under \"labels\""),
        (b"K\x06K\x09e", b"K\x06K\x0ae", "label 10 of record 1"),
        (
            b"K\x06K\x09e",
            b"K\x06e",
            "[1] labels for an array of [2, 3072] bytes",
        ),
        (
            b"K\x06K\x09e",
            b"K\x06Ne",
            "holds other things than small numbers",
        ),
        (b"\x89T", b"\x88T", "an array's state of another form"),
    ] {
        let text = changed(from, to);
        assert!(
            text.contains(wanted) && text.contains("test_batch"),
            "{text}"
        );
    }
    assert!(open(b"\x80\x02K\x01.").contains("a dict is expected, an integer found"));
}
