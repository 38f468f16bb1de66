//! Downloads from a server on the loopback, archives that mean harm, and what is left behind.

mod archives;
mod downloading;
mod fetching;
mod server;
mod unpacking;

use std::io::{Error, ErrorKind};
use std::time::Duration;

use super::download::{DownloadError, Patience};
use super::sources::{Format, Sources};

/// Gives up quickly.
fn hurried() -> Patience {
    Patience {
        attempts: 3,
        first_pause: Duration::from_millis(2),
        silence: Duration::from_secs(10),
    }
}

#[test]
fn the_list_of_datasets_holds_what_the_loaders_expect() {
    let sources = Sources::parse(include_str!("../../../../data/sources.toml")).unwrap();
    let defaults: Vec<&str> = sources
        .datasets
        .iter()
        .filter(|d| d.default)
        .map(|d| d.name.as_str())
        .collect();
    assert_eq!(defaults, ["cifar-10", "tiny-imagenet-crop"]);
    for (name, format, pictures) in [
        ("cifar-10", Format::TarGz, "cifar-10-batches-bin"),
        ("cifar-100", Format::TarGz, "cifar-100-binary"),
        ("tiny-imagenet-crop", Format::TarGz, "Imagenet/test"),
        (
            "tiny-imagenet-resize",
            Format::TarGz,
            "Imagenet_resize/Imagenet_resize",
        ),
        ("lsun-crop", Format::TarGz, "LSUN/test"),
        ("lsun-resize", Format::TarGz, "LSUN_resize/LSUN_resize"),
        ("tiny-imagenet-200", Format::Zip, "tiny-imagenet-200"),
        ("mnist", Format::Plain, "mnist"),
    ] {
        let dataset = sources.find(name).unwrap();
        assert_eq!(
            (dataset.format, dataset.pictures()),
            (format, pictures),
            "{name}"
        );
    }
}

#[test]
fn sizes_that_cannot_be_added_up_are_unknown() {
    let sources = Sources::parse(include_str!("../../../../data/sources.toml")).unwrap();
    let mut dataset = sources.datasets[0].clone();
    let mut file = dataset.files[0].clone();
    file.size = Some(u64::MAX);
    dataset.files = vec![file.clone()];
    assert_eq!(dataset.size(), Some(u64::MAX));
    dataset.files.push(file);
    assert_eq!(dataset.size(), None);
}

#[test]
fn a_certificate_is_not_tried_again() {
    for (kind, transient) in [
        (ErrorKind::InvalidData, false),
        (ErrorKind::ConnectionReset, true),
    ] {
        let source = ureq::Error::Io(Error::from(kind));
        let error = DownloadError::Network {
            url: "https://x.y".to_owned(),
            source,
        };
        assert_eq!(error.is_transient(), transient, "{kind}");
    }
}

const LIST: &str = r#"
[[dataset]]
name = "a"
description = "d"
licence = "l"
home = "https://x.y"
format = "tar.gz"
folder = "a"
[[dataset.file]]
url = "https://x.y/a.tar.gz"
md5 = "00000000000000000000000000000000"
"#;

macro_rules! list_case {
    ($name:ident, $from:literal => $to:expr, $error:literal) => {
        #[test]
        fn $name() {
            assert!(Sources::parse(LIST).is_ok());
            let text = LIST.replace($from, $to);
            assert_ne!(text, LIST);
            let error = format!("{:#}", Sources::parse(&text).unwrap_err());
            assert!(error.contains($error), "{error}");
        }
    };
}

list_case!(folder_leads_out, "folder = \"a\"" => "folder = \"../a\"", "must be one plain name");
list_case!(folder_is_taken, "folder = \"a\"" => "folder = \"archives\"", "is taken");
list_case!(name_is_a_path, "name = \"a\"" => "name = \"a/b\"", "plain file name");
list_case!(url_without_name, "a.tar.gz\"" => "\"", "must end in a plain file name");
list_case!(url_of_a_file, "https://x.y/a" => "file:///a", "must begin with https");
list_case!(short_md5, "\"0000" => "\"", "32 lower-case hexadecimal digits");
list_case!(no_checksum, "md5 =" => "size = 1 #", "no checksum");
list_case!(mistyped_key, "md5 =" => "md6 =", "unknown field");
list_case!(two_archives, "[[dataset.file]]" => "[[dataset.file]]\nurl = \"https://x.y/b.tar.gz\"\nmd5 = \"00000000000000000000000000000000\"\n[[dataset.file]]", "an archive is one file, not 2");
list_case!(twice, "00\"
" => &format!("00\"
{LIST}"), "\"a\" stands there twice");
list_case!(
    pictures_elsewhere,
    "folder = \"a\"" => "folder = \"a\"\npictures = \"b\"",
    "must lie in"
);
