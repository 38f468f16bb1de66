//! Archives that mean harm, and some that don't.

use std::fs;
use std::path::Path;

use tar::EntryType::{self, Char, Continuous, Directory, Fifo, Link, Regular, Symlink};

use super::archives::{Entry, gz, tar, tar_gz, zip};
use crate::data::manifest::Manifest;
use crate::data::sources::Format;
use crate::data::unpack::{Limits, UnpackError, unpack};

const LIMITS: Limits = Limits {
    bytes: 100_000,
    entries: 20,
};

/// Unpacks `top` in an empty folder; what is outside must stay as it is.
fn unpacked(
    bytes: &[u8],
    format: Format,
    look: impl FnOnce(&Path),
) -> Result<Manifest, UnpackError> {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    fs::write(&archive, bytes).unwrap();
    fs::write(folder.path().join("victim"), b"untouched").unwrap();
    let into = folder.path().join("into");
    let outcome = unpack(&[archive], format, "top", &into, LIMITS);
    assert_eq!(
        fs::read(folder.path().join("victim")).unwrap(),
        b"untouched"
    );
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["archive", "into", "victim"]);
    look(&into);
    outcome
}

#[test]
fn good_archives() {
    let tar = tar(&[
        ("top/", Directory, b""),
        ("./top/a.bin", Regular, b"abc"),
        ("top/empty/", Directory, b""),
        ("top/deep/er/b.bin", Continuous, b""),
        ("README", Regular, b"not wanted"),
    ]);
    let zip = zip(&[
        ("top/a.bin", b"abc"),
        ("top/deep/er/b.bin", b""),
        ("x/README", b"y"),
    ]);
    for (bytes, format) in [(gz(&tar), Format::TarGz), (zip, Format::Zip)] {
        let manifest = unpacked(&bytes, format, |into| {
            assert_eq!(fs::read(into.join("a.bin")).unwrap(), b"abc");
            assert_eq!(fs::read(into.join("deep/er/b.bin")).unwrap(), b"");
            assert!(!into.join("README").exists());
        });
        assert_eq!(manifest.unwrap().len(), 2);
    }
}

macro_rules! refused {
    ($name:ident, $entries:expr, $pattern:pat) => {
        #[test]
        fn $name() {
            let entries: &[Entry<'_>] = $entries;
            let outcome = unpacked(&gz(&tar(entries)), Format::TarGz, |_| {});
            let error = outcome.unwrap_err();
            assert!(matches!(error, $pattern), "{error:?}");
            assert!(!error.to_string().contains('\n'));
        }
    };
}

refused!(
    dots,
    &[("top/../../victim", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    dots_at_the_start,
    &[("../victim", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    dots_that_stay_inside,
    &[("top/a/../b", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    dots_outside_the_folder,
    &[("other/../../x", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    dots_as_a_folder,
    &[("top/../../new/", Directory, b"")],
    UnpackError::Name { .. }
);
refused!(
    absolute,
    &[("/tmp/crosr-victim", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    drive,
    &[("C:/victim", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    backslash,
    &[("top\\..\\victim", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    line_break,
    &[("top/a\nb", Regular, b"x")],
    UnpackError::Name { .. }
);
refused!(
    twice,
    &[("top/a", Regular, b"x"), ("top/a", Regular, b"y")],
    UnpackError::Name {
        why: "comes twice",
        ..
    }
);
refused!(
    symlink_out_then_through_it,
    &[
        ("top/out", Symlink, b".."),
        ("top/out/victim", Regular, b"x")
    ],
    UnpackError::Kind {
        what: "symbolic link",
        ..
    }
);
refused!(
    symlink_inside,
    &[("top/a", Symlink, b"b")],
    UnpackError::Kind { .. }
);
refused!(
    hard_link,
    &[("top/a", Link, b"../victim")],
    UnpackError::Kind {
        what: "hard link",
        ..
    }
);
refused!(
    pipe,
    &[("top/a", Fifo, b"")],
    UnpackError::Kind { what: "pipe", .. }
);
refused!(
    device,
    &[("top/a", Char, b"")],
    UnpackError::Kind { what: "device", .. }
);
refused!(
    one_large_file,
    &[("top/a", Regular, &[0; 100_001])],
    UnpackError::Bomb {
        limit: 100_000,
        what: "bytes",
        ..
    }
);
refused!(
    large_together,
    &[
        ("top/a", Regular, &[0; 60_000]),
        ("top/b", Regular, &[0; 60_000])
    ],
    UnpackError::Bomb { what: "bytes", .. }
);
refused!(
    large_and_left_out,
    &[("x", Regular, &[0; 900_000]), ("top/b", Regular, b"")],
    UnpackError::Bomb { what: "bytes", .. }
);
refused!(
    many,
    &[("top/", Directory, &[][..]); 21],
    UnpackError::Bomb {
        limit: 20,
        what: "entries",
        ..
    }
);
refused!(
    nothing_wanted_in_it,
    &[("other/a", Regular, b"x")],
    UnpackError::Empty { .. }
);
refused!(nothing_in_it, &[], UnpackError::Empty { .. });
refused!(
    a_file_as_the_folder,
    &[("top", Regular, b"x")],
    UnpackError::Name { .. }
);

#[test]
fn a_long_name_of_a_million_bytes() {
    // GNU tar keeps a long name in an entry of its own before the one that it names.
    let entries: &[Entry<'_>] = &[
        ("././@LongLink", EntryType::GNULongName, &[b'a'; 1_000_000]),
        ("top/a", Regular, b"x"),
    ];
    let error = unpacked(&gz(&tar(entries)), Format::TarGz, |_| {}).unwrap_err();
    assert!(matches!(error, UnpackError::Bomb { .. }), "{error:?}");
}

#[test]
fn exactly_as_much_as_may() {
    let bytes = tar_gz(&[("top/a", &[0; 100_000])]);
    assert_eq!(unpacked(&bytes, Format::TarGz, |_| {}).unwrap().len(), 1);
}

#[test]
fn cut_off_and_changed() {
    let good = tar_gz(&[(
        "top/a",
        &(0..50_000_u32).map(|i| i as u8).collect::<Vec<_>>(),
    )]);
    for length in [0, 1, 10, good.len() / 2, good.len() - 1] {
        let error = unpacked(&good[..length], Format::TarGz, |_| {}).unwrap_err();
        assert!(
            matches!(error, UnpackError::Damaged { .. }),
            "{length}: {error:?}"
        );
    }
    // The decoder's own checksum, in the last eight bytes.
    let mut changed = good.clone();
    let end = changed.len() - 6;
    changed[end] ^= 1;
    let error = unpacked(&changed, Format::TarGz, |_| {}).unwrap_err();
    assert!(matches!(error, UnpackError::Damaged { .. }), "{error:?}");
    let error = unpacked(b"<html>gone</html>", Format::TarGz, |_| {}).unwrap_err();
    assert!(matches!(error, UnpackError::Damaged { .. }), "{error:?}");
}

#[test]
fn bad_zips() {
    let error = |files| unpacked(&zip(files), Format::Zip, |_| {}).unwrap_err();
    assert!(matches!(
        error(&[("../victim", b"x")]),
        UnpackError::Name { .. }
    ));
    assert!(matches!(
        error(&[("/victim", b"x")]),
        UnpackError::Name { .. }
    ));
    assert!(matches!(
        error(&[("top/a@", b"../victim")]),
        UnpackError::Kind { .. }
    ));
    assert!(matches!(
        error(&[("top/a", &[0; 100_001])]),
        UnpackError::Bomb { .. }
    ));
    assert!(matches!(
        error(&[("other/a", b"x")]),
        UnpackError::Empty { .. }
    ));
    let good = zip(&[("top/a", b"abc")]);
    let cut = unpacked(&good[..good.len() - 5], Format::Zip, |_| {}).unwrap_err();
    assert!(matches!(cut, UnpackError::Damaged { .. }), "{cut:?}");
}
