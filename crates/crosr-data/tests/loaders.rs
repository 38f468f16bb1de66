//! Loaders on small files made here, and on every way they can be damaged.

mod common;

use std::fs;
use std::path::PathBuf;

use crosr_data::{Cifar10, DataError, Dataset, Image, ImageFolder, Noise, PixelFormat, Split};
use tempfile::{TempDir, tempdir};

use crate::common::{interleaved, planes, save_png};

const RECORD: usize = 3073;

/// A record in the published layout: label, then red, green and blue planes.
fn record(label: u8, k: usize) -> Vec<u8> {
    [vec![label], planes(k)].concat()
}

fn cifar_folder(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn every_reader_decodes_the_same_picture() {
    let folder = cifar_folder(&[("test_batch.bin", record(3, 1))]);
    let cifar = Cifar10::open(folder.path(), Split::Test)
        .unwrap()
        .sample(0)
        .unwrap();
    save_png(&folder.path().join("png/a.png"), 1);
    let png = ImageFolder::flat(&folder.path().join("png"))
        .unwrap()
        .sample(0)
        .unwrap();
    let made = Image::new(32, 32, PixelFormat::Rgb, interleaved(1)).unwrap();
    assert_eq!(cifar.image, made);
    assert_eq!(png.image, made);
    assert_eq!((cifar.label, png.label), (Some(3), None));
}

#[test]
fn cifar_has_the_files_in_order_and_the_names_that_come_with_it() {
    let files: Vec<(String, Vec<u8>)> = (1..=5)
        .map(|k| {
            (
                format!("data_batch_{k}.bin"),
                [record(k as u8, k), record(9, 0)].concat(),
            )
        })
        .collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
    let folder = cifar_folder(&files);
    let data = Cifar10::open(folder.path(), Split::Train).unwrap();
    assert_eq!(data.len(), 10);
    assert_eq!(data.class_names()[..3], ["airplane", "automobile", "bird"]);
    for k in 1..=5 {
        let sample = data.sample(2 * (k - 1)).unwrap();
        assert_eq!(sample.label, Some(k));
        assert_eq!(sample.image.pixels(), interleaved(k));
        assert_eq!(data.label(2 * k - 1).unwrap(), Some(9));
    }
    let past = data.sample(10);
    assert!(
        matches!(past, Err(DataError::OutOfRange { index: 10, len: 10 })),
        "{past:?}"
    );

    fs::write(
        folder.path().join("batches.meta.txt"),
        "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n",
    )
    .unwrap();
    let renamed = Cifar10::open(folder.path(), Split::Train).unwrap();
    assert_eq!(renamed.class_names().join(""), "abcdefghij");
    // The folder above does as well.
    let parent = tempdir().unwrap();
    fs::rename(folder.path(), parent.path().join("cifar-10-batches-bin")).unwrap();
    assert_eq!(
        Cifar10::open(parent.path(), Split::Train).unwrap().len(),
        10
    );
}

#[test]
fn damaged_cifar_files_are_named_with_the_place() {
    // (bytes in the file, size, offset of the incomplete record)
    let sizes = [
        (0, 0),
        (1, 0),
        (RECORD - 1, 0),
        (RECORD + 1, RECORD),
        (3 * RECORD - 7, 2 * RECORD),
    ];
    for (len, place) in sizes {
        let bytes = record(0, 0).into_iter().cycle().take(len).collect();
        let folder = cifar_folder(&[("test_batch.bin", bytes)]);
        match Cifar10::open(folder.path(), Split::Test) {
            Err(DataError::Truncated {
                path,
                size,
                record: 3073,
                offset,
            }) => {
                assert_eq!(path, folder.path().join("test_batch.bin"));
                assert_eq!((size, offset), (len as u64, place as u64));
            }
            other => panic!("{len} bytes: {other:?}"),
        }
    }
    let folder = cifar_folder(&[("test_batch.bin", [record(9, 0), record(10, 0)].concat())]);
    match Cifar10::open(folder.path(), Split::Test) {
        Err(
            error @ DataError::Label {
                label: 10,
                record: 1,
                offset: 3073,
                n_classes: 10,
                ..
            },
        ) => {
            assert!(
                error
                    .to_string()
                    .contains("test_batch.bin: label 10 of record 1"),
                "{error}"
            );
        }
        other => panic!("{other:?}"),
    }
    let folder = cifar_folder(&[("data_batch_1.bin", record(0, 0))]);
    match Cifar10::open(folder.path(), Split::Train) {
        Err(error @ DataError::Missing { .. }) => {
            let text = error.to_string();
            assert!(text.contains("data_batch_2.bin") && text.contains("cargo xtask fetch-data"));
        }
        other => panic!("{other:?}"),
    }
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("test_batch.bin")).unwrap();
    let error = Cifar10::open(folder.path(), Split::Test);
    assert!(matches!(error, Err(DataError::Io { .. })), "{error:?}");
}

#[test]
fn class_folders_are_sorted_and_searched_to_the_bottom() {
    let folder = tempdir().unwrap();
    for (k, name) in ["b/2.png", "b/deep/er/1.png", "a/9.PNG", "a/.hidden.png"]
        .iter()
        .enumerate()
    {
        save_png(&folder.path().join("x.png"), k);
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::rename(folder.path().join("x.png"), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("a/notes.txt"), "no picture").unwrap();
    let data = ImageFolder::classes(folder.path()).unwrap();
    assert_eq!(data.class_names(), ["a", "b"]);
    let found: Vec<(PathBuf, Option<usize>)> = (0..data.len())
        .map(|i| (data.path(i).unwrap(), data.label(i).unwrap()))
        .collect();
    let expected = [
        ("a/9.PNG", Some(0)),
        ("b/2.png", Some(1)),
        ("b/deep/er/1.png", Some(1)),
    ]
    .map(|(name, label)| (folder.path().join(name), label));
    assert_eq!(found, expected);
    assert_eq!(data.sample(0).unwrap().image.pixels(), interleaved(2));

    let flat = ImageFolder::flat(folder.path()).unwrap();
    assert_eq!(flat.len(), 3);
    assert!(flat.class_names().is_empty());
    assert_eq!(flat.sample(2).unwrap().label, None);
    assert!(matches!(
        flat.sample(3),
        Err(DataError::OutOfRange { index: 3, len: 3 })
    ));
}

#[test]
fn folders_without_what_is_needed_are_named() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    let gone = ImageFolder::flat(&root.join("gone"));
    assert!(matches!(gone, Err(DataError::Missing { path }) if path.ends_with("gone")));
    let empty = ImageFolder::flat(root);
    assert!(matches!(empty, Err(DataError::NoPictures { path }) if path == root));
    save_png(&root.join("full/a.png"), 0);
    let single = ImageFolder::classes(root);
    assert!(
        matches!(single, Err(DataError::NoClasses { found: 1, .. })),
        "{single:?}"
    );
    fs::create_dir(root.join("hollow")).unwrap();
    let hollow = ImageFolder::classes(root);
    assert!(matches!(hollow, Err(DataError::NoPictures { path }) if path.ends_with("hollow")));
    let file = ImageFolder::flat(&root.join("full/a.png"));
    assert!(matches!(file, Err(DataError::Io { .. })), "{file:?}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_round_in_a_circle_is_left_out() {
    let folder = tempdir().unwrap();
    save_png(&folder.path().join("a/1.png"), 0);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/again")).unwrap();
    assert_eq!(ImageFolder::flat(folder.path()).unwrap().len(), 1);
}

#[test]
fn content_counts_not_the_name() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("really_png.jpg");
    save_png(&folder.path().join("a.png"), 4);
    fs::rename(folder.path().join("a.png"), &path).unwrap();
    assert_eq!(Image::open(&path).unwrap().pixels(), interleaved(4));
}

#[test]
fn depth_alpha_and_grey_become_8_bits() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("p.png");
    let save = |image: image::DynamicImage| image.save(&path).unwrap();
    save(
        image::GrayImage::from_raw(2, 1, vec![3, 200])
            .unwrap()
            .into(),
    );
    let grey = Image::open(&path).unwrap();
    assert_eq!(
        (grey.format(), grey.pixels()),
        (PixelFormat::Grey, &[3, 200][..])
    );
    save(
        image::RgbaImage::from_raw(1, 1, vec![10, 20, 30, 0])
            .unwrap()
            .into(),
    );
    assert_eq!(Image::open(&path).unwrap().pixels(), [10, 20, 30]);
    let deep = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(2, 1, vec![0, 65535]).unwrap();
    save(deep.into());
    assert_eq!(Image::open(&path).unwrap().pixels(), [0, 255]);
}

#[test]
fn jpeg_decodes_to_nearly_the_same_picture() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("p.jpeg");
    let smooth: Vec<u8> = (0..1024)
        .flat_map(|p| [60 + 4 * (p % 32) as u8, 90, 200 - 4 * (p / 32) as u8])
        .collect();
    let file = fs::File::create(&path).unwrap();
    image::codecs::jpeg::JpegEncoder::new_with_quality(file, 98)
        .encode(&smooth, 32, 32, image::ExtendedColorType::Rgb8)
        .unwrap();
    let image = Image::open(&path).unwrap();
    assert_eq!(
        (image.width(), image.height(), image.format()),
        (32, 32, PixelFormat::Rgb)
    );
    // Colour is stored at half the resolution: a step of 4 a pixel leaves a few units.
    for (read, written) in image.pixels().iter().zip(&smooth) {
        assert!(read.abs_diff(*written) <= 8, "{read} {written}");
    }
}

#[test]
fn damaged_pictures_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("p.png");
    save_png(&path, 0);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    let cases: [(&str, Vec<u8>); 5] = [
        ("empty", vec![]),
        ("no picture", b"GIF89a, or so it says".to_vec()),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("header only", whole[..33].to_vec()),
        ("a wrong byte", flipped),
    ];
    for (name, bytes) in cases {
        fs::write(&path, bytes).unwrap();
        match ImageFolder::flat(folder.path()).unwrap().sample(0) {
            Err(error @ DataError::Picture { .. }) => {
                assert!(
                    error.to_string().starts_with(&path.display().to_string()),
                    "{error}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    // The same for a JPEG file, wherever it ends.
    let path = folder.path().join("p.jpg");
    let mut whole = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut whole, 90)
        .encode(&interleaved(0), 32, 32, image::ExtendedColorType::Rgb8)
        .unwrap();
    fs::write(&path, &whole).unwrap();
    Image::open(&path).unwrap();
    for len in 2..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        match Image::open(&path) {
            Err(DataError::CutOff { path: named, size }) => {
                assert_eq!((named, size), (path.clone(), len as u64));
            }
            other => panic!("{len} of {} bytes: {other:?}", whole.len()),
        }
    }
    let gone = Image::open(&folder.path().join("gone.png"));
    assert!(matches!(gone, Err(DataError::Missing { .. })), "{gone:?}");
}

/// The CRC-32 of PNG chunks, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| {
            (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg())
        })
    })
}

#[test]
fn a_small_file_that_claims_to_be_huge_is_refused_by_its_header() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("bomb.png");
    save_png(&path, 0);
    let mut bytes = fs::read(&path).unwrap();
    // Signature of 8, length of 4, then "IHDR", width, height, five bytes, CRC.
    bytes[16..20].copy_from_slice(&20_000u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&20_000u32.to_be_bytes());
    let sum = crc(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&sum);
    fs::write(&path, bytes).unwrap();
    let bomb = Image::open(&path);
    let refused = matches!(
        bomb,
        Err(DataError::TooLarge {
            width: 20_000,
            height: 20_000,
            ..
        })
    );
    assert!(refused, "{bomb:?}");
}

#[test]
fn noise_has_the_moments_it_states() {
    let moments = |data: &Noise| {
        let values: Vec<f64> = (0..20)
            .flat_map(|i| data.sample(i).unwrap().image.pixels().to_vec())
            .map(f64::from)
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    };
    // 61,440 values; uniform bytes have a deviation of 73.9, normal ones lose a little by clipping.
    let (mean, deviation) = moments(&Noise::uniform(20, 32, 32, 5));
    assert!(
        (mean - 127.5).abs() < 1.5 && (deviation - 73.9).abs() < 1.0,
        "{mean} {deviation}"
    );
    let (mean, deviation) = moments(&Noise::gaussian(20, 32, 32, 5));
    assert!(
        (mean - 127.5).abs() < 1.5 && (deviation - 61.0).abs() < 2.0,
        "{mean} {deviation}"
    );

    let data = Noise::uniform(3, 4, 2, 5);
    assert_eq!(data.sample(1).unwrap(), data.sample(1).unwrap());
    assert_ne!(data.sample(1).unwrap(), data.sample(2).unwrap());
    assert_ne!(
        data.sample(1).unwrap(),
        Noise::uniform(3, 4, 2, 6).sample(1).unwrap()
    );
    assert!(matches!(data.sample(3), Err(DataError::OutOfRange { .. })));
    assert!(matches!(
        Noise::uniform(1, usize::MAX, 2, 0).sample(0),
        Err(DataError::Param { field: "noise", .. })
    ));
}
