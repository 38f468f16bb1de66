//! Datasets in files of other formats: what each reads, and what it says of damaged ones.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use crosr_data::{
    DataError, Dataset, EmnistSplit, Idx, Image, Manifest, Reshape, Reshaped, Split, Svhn,
    TarShards, TinyImageNet, read_shard,
};
use tempfile::tempdir;

use crate::common::{beside, folder, grey, interleaved, picture, png, save_png, text_of};

/// An IDX file of bytes.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes
        .iter()
        .for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(values);
    file
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Pictures 1 and 2 in grey, one after the other.
fn two_greys() -> Vec<u8> {
    [grey(1).pixels(), grey(2).pixels()].concat()
}

#[test]
fn idx_files_plain_and_gzipped_hold_the_same() {
    let images = idx(&[2, 4, 5], &two_greys());
    let labels = idx(&[2], &[7, 0]);
    let plain = folder(&[
        ("train-images-idx3-ubyte", images.clone()),
        ("train-labels-idx1-ubyte", labels.clone()),
    ]);
    let packed = folder(&[
        ("kmnist/t10k-images-idx3-ubyte.gz", gzipped(&images)),
        ("kmnist/t10k-labels-idx1-ubyte.gz", gzipped(&labels)),
    ]);
    for data in [
        Idx::mnist(plain.path(), Split::Train).unwrap(),
        Idx::fashion_mnist(plain.path(), Split::Train).unwrap(),
        Idx::kmnist(packed.path(), Split::Test).unwrap(),
    ] {
        assert_eq!((data.len(), data.class_names().len()), (2, 10));
        assert_eq!(data.sample(0).unwrap().image, grey(1));
        assert_eq!(data.sample(1).unwrap().image, grey(2));
        assert_eq!(
            (data.label(0).unwrap(), data.label(1).unwrap()),
            (Some(7), Some(0))
        );
        assert!(matches!(data.sample(2), Err(DataError::OutOfRange { .. })));
    }
}

/// The picture as EMNIST's files hold it: column after column.
fn on_its_side(image: &Image) -> Vec<u8> {
    let (width, height) = (image.width(), image.height());
    (0..width * height)
        .map(|p| image.pixels()[p % height * width + p / height])
        .collect()
}

#[test]
fn emnist_is_set_upright_and_letters_count_from_one() {
    let images = idx(&[1, 5, 4], &on_its_side(&grey(3)));
    for (split, name, label, classes, class) in [
        (EmnistSplit::Letters, "letters", 26, 26, "Z"),
        (EmnistSplit::Balanced, "balanced", 46, 47, "t"),
        (EmnistSplit::ByMerge, "bymerge", 36, 47, "a"),
        (EmnistSplit::ByClass, "byclass", 61, 62, "z"),
        (EmnistSplit::Digits, "digits", 9, 10, "9"),
        (EmnistSplit::Mnist, "mnist", 0, 10, "0"),
    ] {
        let there = folder(&[
            (
                &format!("emnist-{name}-test-images-idx3-ubyte.gz"),
                gzipped(&images),
            ),
            (
                &format!("emnist-{name}-test-labels-idx1-ubyte"),
                idx(&[1], &[label]),
            ),
        ]);
        let data = Idx::emnist(there.path(), split, Split::Test).unwrap();
        assert_eq!(data.class_names().len(), classes, "{name}");
        let sample = data.sample(0).unwrap();
        assert_eq!(data.class_names()[sample.label.unwrap()], class);
        assert_eq!(sample.image, grey(3));
    }
}

#[test]
fn damaged_idx_files_are_named_with_the_fault() {
    let (images, labels) = (idx(&[2, 4, 5], &two_greys()), idx(&[2], &[7, 0]));
    let mut packed = gzipped(&images);
    let half = packed.len() / 2;
    packed[half] ^= 0xFF;
    let with_more = [images.clone(), vec![0]].concat();
    let open = |images: &[u8], labels: &[u8]| {
        let there = folder(&[("i", images.to_vec()), ("l", labels.to_vec())]);
        let names = (0..10).map(|k| k.to_string()).collect();
        text_of(Idx::open(
            &there.path().join("i"),
            &there.path().join("l"),
            names,
        ))
    };
    for (images, labels, wanted) in [
        (&b"\0\0"[..], &labels[..], "cut off"),
        (&images[..15], &labels, "cut off"),
        (
            &images[..50],
            &labels,
            "the array: cut off after 34 of 40 bytes",
        ),
        (
            &with_more,
            &labels,
            "more than the 40 bytes its header states",
        ),
        (&packed, &labels, "damaged compressed data"),
        (&packed[..half], &labels, "cut off"),
        (b"PK\x03\x04 and so on", &labels, "no IDX file"),
        (&labels, &images, "are pictures and labels mixed up?"),
        (
            &idx(&[u32::MAX; 3], &[]),
            &labels,
            "an array of 4294967295 x",
        ),
        (
            &idx(&[0, 4, 5], &[]),
            &labels,
            "an array of 0 x 4 x 5 bytes",
        ),
        (
            &idx(&[1 << 11, 1 << 10, 1 << 10], &[1, 2]),
            &labels,
            "cut off after 2 of",
        ),
        (&images, &idx(&[1], &[7]), "1 labels for the 2 pictures of"),
        (
            &images,
            &idx(&[2], &[7, 10]),
            "label 10 of record 1 (offset 9) is not below the 10",
        ),
    ] {
        let text = open(images, labels);
        assert!(text.contains(wanted), "{text}");
    }
    let text = text_of(Idx::mnist(Path::new("nowhere"), Split::Train));
    assert!(
        text.starts_with("nowhere/train-images-idx3-ubyte.gz: not found"),
        "{text}"
    );
}

#[test]
fn svhn_reads_what_scipy_writes() {
    for name in ["compressed.mat", "plain.mat"] {
        let data = Svhn::file(&beside(name)).unwrap();
        assert_eq!((data.len(), data.class_names().len()), (2, 10));
        for (index, digit) in [(0, 0), (1, 3)] {
            let sample = data.sample(index).unwrap();
            assert_eq!(sample.image, picture(index + 1), "{name}");
            assert_eq!(sample.label, Some(digit));
        }
    }
    let there = tempdir().unwrap();
    for (name, part) in [
        ("train_32x32.mat", Split::Train),
        ("test_32x32.mat", Split::Test),
    ] {
        fs::copy(beside("compressed.mat"), there.path().join(name)).unwrap();
        assert_eq!(Svhn::open(there.path(), part).unwrap().len(), 2);
    }
    fs::create_dir(there.path().join("svhn-extra")).unwrap();
    fs::copy(
        beside("plain.mat"),
        there.path().join("svhn-extra/extra_32x32.mat"),
    )
    .unwrap();
    assert_eq!(Svhn::extra(there.path()).unwrap().len(), 2);
}

#[test]
fn damaged_mat_files_are_refused_wherever_they_end() {
    let there = tempdir().unwrap();
    let path = there.path().join("x.mat");
    for name in ["compressed.mat", "plain.mat"] {
        let whole = fs::read(beside(name)).unwrap();
        // X is the last array: every cut loses some of it.
        for len in (0..whole.len()).step_by(if name == "plain.mat" { 7 } else { 1 }) {
            fs::write(&path, &whole[..len]).unwrap();
            match Svhn::file(&path) {
                Err(error @ DataError::Malformed { .. }) => {
                    assert!(error.to_string().starts_with(&path.display().to_string()));
                }
                other => panic!("{name}, {len} of {} bytes: {other:?}", whole.len()),
            }
        }
    }
    let whole = fs::read(beside("plain.mat")).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, changed).unwrap();
        text_of(Svhn::file(&path))
    };
    let find = |wanted: &[u8]| {
        whole
            .windows(wanted.len())
            .position(|w| w == wanted)
            .unwrap()
    };
    assert!(with(0, b"MATLAB 7.3 MAT-file").contains("version 7.3"));
    assert!(with(124, &[1, 0, b'M', b'I']).contains("big-endian"));
    assert!(with(124, &[9, 9]).contains("no MAT file of level 5"));
    // The label 10 as a double, made 11, then 2.5.
    let label = find(&10f64.to_le_bytes());
    assert!(with(label, &11f64.to_le_bytes()).contains("label 11 of record 0"));
    assert!(with(label, &2.5f64.to_le_bytes()).contains("y: other numbers than 0 to 255"));
    // The sizes of X, one of which claims more than there is.
    let sizes = find(&[32, 0, 0, 0, 32, 0, 0, 0, 3, 0, 0, 0]);
    assert!(with(sizes, &[33]).contains("its sizes ask for"));
    assert!(with(sizes, &[255; 16]).contains("its sizes ask for"));
    // An array that is called otherwise.
    let name = find(b"\x01\0\x01\0X");
    assert!(with(name + 4, b"Z").contains("no array called \"X\""));
}

#[test]
fn tiny_imagenet_numbers_classes_as_its_list_does() {
    let there = tempdir().unwrap();
    let root = there.path().join("tiny-imagenet-200");
    for (k, name) in ["train/n02/images/n02_0.JPEG", "train/n01/images/n01_0.JPEG"]
        .iter()
        .enumerate()
    {
        save_png(&root.join("x.png"), k);
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::rename(root.join("x.png"), root.join(name)).unwrap();
    }
    save_png(&root.join("val/images/val_0.png"), 5);
    fs::write(root.join("wnids.txt"), "n02\nn01\nn03\n").unwrap();
    fs::write(
        root.join("words.txt"),
        "n01\tgoldfish, Carassius auratus\nn02\tbison\nn03\tbison\n",
    )
    .unwrap();
    fs::write(
        root.join("val/val_annotations.txt"),
        "val_0.png\tn01\t0\t0\t9\t9\n",
    )
    .unwrap();
    let text = text_of(TinyImageNet::open(there.path(), Split::Train));
    assert!(text.contains("n03: not found"), "{text}");
    fs::write(root.join("wnids.txt"), "n02\nn01\n").unwrap();
    let train = TinyImageNet::open(there.path(), Split::Train).unwrap();
    assert_eq!(train.class_names(), ["bison", "goldfish"]);
    assert_eq!(train.sample(0).unwrap().image.pixels(), interleaved(0));
    assert_eq!(
        (train.label(0).unwrap(), train.label(1).unwrap()),
        (Some(0), Some(1))
    );
    let test = TinyImageNet::open(&root, Split::Test).unwrap();
    let sample = test.sample(0).unwrap();
    assert_eq!(
        (test.len(), sample.label, sample.image),
        (1, Some(1), picture(5))
    );
    fs::write(root.join("val/val_annotations.txt"), "val_0.png\tn09\n").unwrap();
    let text = text_of(TinyImageNet::open(there.path(), Split::Test));
    assert!(
        text.contains("line 1: \"n09\" is not in wnids.txt"),
        "{text}"
    );
}

#[test]
fn a_manifest_lists_pictures_and_classes() {
    let there = tempdir().unwrap();
    save_png(&there.path().join("a b.png"), 1);
    save_png(&there.path().join("deep/c.png"), 2);
    let open = |text: &str| {
        fs::write(there.path().join("list.csv"), text).unwrap();
        Manifest::open(&there.path().join("list.csv"))
    };
    let named =
        open("label,extra,path\ndog,1,deep/c.png\n\"cat, big\",2,a b.png\n,3,a b.png\n").unwrap();
    assert_eq!(named.class_names(), ["cat, big", "dog"]);
    let labels: Vec<_> = (0..3).map(|i| named.label(i).unwrap()).collect();
    assert_eq!(labels, [Some(1), Some(0), None]);
    assert_eq!(named.sample(0).unwrap().image, picture(2));
    assert_eq!(named.path(1).unwrap(), there.path().join("a b.png"));
    // Numbers are sorted as such.
    let numbered = open("a b.png,10\ndeep/c.png,9\n").unwrap();
    assert_eq!(numbered.class_names(), ["9", "10"]);
    // One column: outliers.
    let outliers = open("path\na b.png\n").unwrap();
    assert_eq!((outliers.len(), outliers.label(0).unwrap()), (1, None));
    assert!(outliers.class_names().is_empty());
    for (text, wanted) in [
        ("", "no PNG or JPEG pictures"),
        ("path,label\n", "no PNG or JPEG pictures"),
        ("label,path\ncat\n", "line 2: no path"),
        ("path,label\na.png,x\n,y\n", "line 3: no path"),
    ] {
        let text = text_of(open(text));
        assert!(text.contains(wanted), "{text}");
    }
    fs::write(there.path().join("list.csv"), b"a.png,\xFF\xFE\n").unwrap();
    let text = text_of(Manifest::open(&there.path().join("list.csv")));
    assert!(text.contains("no text in UTF-8"), "{text}");
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, data) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Three samples: two with a class, one without; and what belongs to none.
fn shard() -> Vec<u8> {
    tar_of(&[
        ("s/0001.png", &png(1)),
        ("s/0001.cls", b"1\n"),
        ("s/0001.json", b"{}"),
        ("s/0002.cls", b"0"),
        ("s/0002.png", &png(2)),
        ("s/notes.txt", b"no picture"),
        ("t/0002.seg.png", &png(3)),
    ])
}

#[test]
fn shards_are_read_at_any_place_and_as_a_stream() {
    let there = folder(&[
        ("a-000.tar", shard()),
        ("a-001.tar", tar_of(&[("x.png", &png(4)), ("x.cls", b"2")])),
        ("b.tar.gz", gzipped(&shard())),
        ("classnames.txt", b"ant\nbee\ncat\n".to_vec()),
    ]);
    let data = TarShards::folder(there.path()).unwrap();
    assert_eq!(
        (data.len(), data.class_names().join(" ")),
        (4, "ant bee cat".to_owned())
    );
    let expected = [(1, Some(1)), (2, Some(0)), (3, None), (4, Some(2))];
    for (index, (k, label)) in expected.into_iter().enumerate().rev() {
        let sample = data.sample(index).unwrap();
        assert_eq!((sample.image, sample.label), (picture(k), label));
        assert_eq!(data.label(index).unwrap(), label);
    }
    for bytes in [shard(), gzipped(&shard())] {
        let mut seen = Vec::new();
        read_shard(&bytes[..], Path::new("stream"), |sample| {
            seen.push((sample.image, sample.label));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            seen,
            [
                (picture(1), Some(1)),
                (picture(2), Some(0)),
                (picture(3), None)
            ]
        );
    }
    // Without names the numbers serve.
    fs::remove_file(there.path().join("classnames.txt")).unwrap();
    assert_eq!(
        TarShards::folder(there.path()).unwrap().class_names(),
        ["0", "1", "2"]
    );
    fs::write(there.path().join("classnames.txt"), "ant\n").unwrap();
    let text = text_of(TarShards::folder(there.path()));
    assert!(
        text.contains("classnames.txt: 1 names, the shards have samples of class 2"),
        "{text}"
    );
}

#[test]
fn damaged_shards_are_named_with_the_fault() {
    let whole = shard();
    let open = |bytes: &[u8]| {
        let there = folder(&[("s.tar", bytes.to_vec())]);
        text_of(TarShards::folder(there.path()))
    };
    // Within the first picture, and within a header.
    for len in [600, 700, 512 + whole.len() / 2] {
        let text = open(&whole[..len]);
        assert!(
            text.contains("cut off") || text.contains("s.tar: "),
            "{len}: {text}"
        );
    }
    assert!(open(b"").contains("no PNG or JPEG pictures"));
    assert!(open(&[7; 2000]).contains("s.tar: "));
    assert!(open(&gzipped(&whole)).contains("gunzip"));
    assert!(open(&tar_of(&[("a.txt", b"x")])).contains("no PNG or JPEG pictures"));
    let label = |label: &[u8]| open(&tar_of(&[("a.png", &png(1)), ("a.cls", label)]));
    assert!(label(b"cat").contains("a.cls: \"cat\" is no class's number"));
    assert!(label(b"-1").contains("is no class's number"));
    assert!(label(b"99999999999999").contains("is no class's number"));
    assert!(label(&[b'1'; 65]).contains("65 bytes, at most 64 are read"));
    let empty = tempdir().unwrap();
    assert!(text_of(TarShards::folder(empty.path())).contains("no PNG or JPEG pictures"));
    // A header that claims more than 2^60 bytes, in a file and in a stream.
    let mut header = tar::Header::new_gnu();
    header.set_path("a.png").unwrap();
    header.set_size(1 << 60);
    header.set_cksum();
    let bomb = [header.as_bytes().to_vec(), vec![0; 2000]].concat();
    assert!(open(&bomb).contains("cut off"));
    let text = text_of(read_shard(&bomb[..], Path::new("pipe"), |_| Ok(())));
    assert!(text.contains("at most"), "{text}");
    let damaged = tar_of(&[("a.png", b"no picture")]);
    let text = text_of(read_shard(&damaged[..], Path::new("pipe"), |_| Ok(())));
    assert!(text.starts_with("pipe/a.png: not a readable"), "{text}");
}

#[test]
fn reshaped_pictures_have_the_shape_asked_for() {
    let there = folder(&[
        ("train-images-idx3-ubyte", idx(&[2, 4, 5], &two_greys())),
        ("train-labels-idx1-ubyte", idx(&[2], &[7, 0])),
    ]);
    let mnist = Idx::mnist(there.path(), Split::Train).unwrap();
    for (reshape, expected) in [
        (Reshape::Rgb, grey(2).to_rgb()),
        (Reshape::Resize(7, 3), grey(2).resize(7, 3)),
        (Reshape::CenterCrop(2, 2), grey(2).center_crop(2, 2)),
    ] {
        let data = Reshaped::new(&mnist, reshape);
        assert_eq!(data.sample(1).unwrap().image, expected);
        assert_eq!((data.len(), data.label(0).unwrap()), (2, Some(7)));
        assert_eq!(data.class_names(), mnist.class_names());
    }
}
