//! One file from a server that does what servers do.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::hurried;
use super::server::{Reply, Request, Server};
use crate::data::digest::{self, Digests, Expected};
use crate::data::download::{DownloadError, Downloader, Wanted, part_of};
use crate::ui::Progress;

/// 300,000 bytes in no order.
fn content() -> Vec<u8> {
    (0_u32..300_000)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

struct Case {
    folder: TempDir,
    server: Server,
    expected: Expected,
}

impl Case {
    fn new(answer: impl Fn(&Request, usize) -> Reply + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reference");
        fs::write(&path, content()).unwrap();
        let found = digest::of_file(&path).unwrap();
        let expected = Expected {
            md5: Some(found.md5),
            sha256: None,
        };
        Self {
            folder,
            server: Server::start(answer),
            expected,
        }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("deep/file.bin")
    }

    /// Something was here before.
    fn with_part(self, bytes: &[u8]) -> Self {
        let part = part_of(&self.target());
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(part, bytes).unwrap();
        self
    }

    fn part(&self) -> Option<Vec<u8>> {
        fs::read(part_of(&self.target())).ok()
    }

    fn url(&self) -> String {
        format!("{}/file.bin", self.server.base())
    }

    fn run(&self) -> Result<Digests, DownloadError> {
        let target = self.target();
        let url = self.url();
        let wanted = Wanted {
            url: &url,
            target: &target,
            expected: &self.expected,
            limit: 1_000_000,
        };
        Downloader::without_proxy(hurried()).download(&wanted, &mut Progress::new("file.bin"))
    }

    /// The file is there, in one piece, after these requests.
    #[track_caller]
    fn succeeds(&self, ranges: &[Option<usize>]) {
        let found = self.run().unwrap();
        assert_eq!(found.size, 300_000);
        assert!(fs::read(self.target()).unwrap() == content());
        assert_eq!(self.part(), None);
        assert_eq!(self.server.ranges(), ranges);
    }

    /// No file is there, after these requests.
    #[track_caller]
    fn fails(&self, ranges: &[Option<usize>]) -> DownloadError {
        let error = self.run().unwrap_err();
        assert!(!self.target().exists());
        assert_eq!(self.server.ranges(), ranges);
        assert!(!error.to_string().contains('\n'));
        error
    }
}

#[test]
fn whole_at_once() {
    Case::new(|_, _| Reply::whole(&content())).succeeds(&[None]);
}

#[test]
fn without_a_length_the_end_is_the_end() {
    Case::new(|_, _| Reply::raw("200 OK", &content())).succeeds(&[None]);
}

#[test]
fn dropped_midway_then_resumed() {
    Case::new(|request, earlier| match earlier {
        0 => Reply::announcing(300_000, &content()[..100_000]),
        _ => Reply::ranged(request, &content()),
    })
    .succeeds(&[None, Some(100_000)]);
}

#[test]
fn dropped_often_but_always_further() {
    // More failures than attempts are allowed in a row.
    Case::new(|request, _| {
        let from = request.from.unwrap_or(0);
        let until = (from + 50_000).min(300_000);
        let head = if from == 0 {
            "200 OK\r\nContent-Length: 300000".to_owned()
        } else {
            format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-299999/300000\r\nContent-Length: {}",
                300_000 - from
            )
        };
        Reply::raw(&head, &content()[from..until])
    })
    .succeeds(&[None, Some(50_000), Some(100_000), Some(150_000), Some(200_000), Some(250_000)]);
}

#[test]
fn resumed_from_an_earlier_run() {
    Case::new(|request, _| Reply::ranged(request, &content()))
        .with_part(&content()[..1234])
        .succeeds(&[Some(1234)]);
}

#[test]
fn server_that_refuses_ranges() {
    Case::new(|_, _| Reply::whole(&content()))
        .with_part(&content()[..1234])
        .succeeds(&[Some(1234)]);
}

#[test]
fn complete_but_not_renamed() {
    Case::new(|request, _| Reply::ranged(request, &content()))
        .with_part(&content())
        .succeeds(&[Some(300_000)]);
}

#[test]
fn too_much_is_here() {
    let mut more = content();
    more.push(0);
    Case::new(|request, _| Reply::ranged(request, &content()))
        .with_part(&more)
        .succeeds(&[Some(300_001), None]);
}

#[test]
fn something_else_is_here() {
    // The rest fits, the sum does not: once more from the start.
    Case::new(|request, _| Reply::ranged(request, &content()))
        .with_part(b"something else")
        .succeeds(&[Some(14), None]);
}

macro_rules! wrong_range {
    ($name:ident, $range:literal, $length:literal) => {
        #[test]
        fn $name() {
            Case::new(|request, _| match request.from {
                None => Reply::whole(&content()),
                Some(_) => Reply::raw(
                    concat!(
                        "206 Partial Content\r\nContent-Range: ",
                        $range,
                        "\r\nContent-Length: ",
                        $length
                    ),
                    &content()[1000..],
                ),
            })
            .with_part(&content()[..1000])
            .succeeds(&[Some(1000), None]);
        }
    };
}

wrong_range!(range_from_elsewhere, "bytes 999-299999/300000", "299001");
wrong_range!(range_backwards, "bytes 1000-10/300000", "299000");
wrong_range!(
    range_that_is_not_the_rest,
    "bytes 1000-299998/300000",
    "298999"
);
wrong_range!(
    range_of_another_length,
    "bytes 1000-299999/300000",
    "298000"
);
wrong_range!(range_that_is_none, "nonsense", "299000");
wrong_range!(
    range_beyond_numbers,
    "bytes 1000-18446744073709551615/*",
    "299000"
);

#[test]
fn server_error_then_fine() {
    Case::new(|_, earlier| match earlier {
        0 => Reply::status("500 Internal Server Error"),
        1 => Reply::status("429 Too Many Requests"),
        _ => Reply::whole(&content()),
    })
    .succeeds(&[None, None, None]);
}

#[test]
fn connection_lost_before_the_answer() {
    Case::new(|_, earlier| match earlier {
        0 => Reply::hang_up(),
        _ => Reply::whole(&content()),
    })
    .succeeds(&[None, None]);
}

#[test]
fn moved() {
    let case = Case::new(|request, _| match request.path.as_str() {
        "/files/file.bin" => Reply::status("302 Found\r\nLocation: /elsewhere"),
        _ => Reply::whole(&content()),
    });
    case.succeeds(&[None, None]);
    assert_eq!(case.server.requests()[1].path, "/elsewhere");
}

#[test]
fn encoding_header_changes_no_byte() {
    // Servers that mark a .tar.gz so would have it unpacked on the way, and the sum would be off.
    Case::new(|_, _| {
        Reply::raw(
            "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 300000",
            &content(),
        )
    })
    .succeeds(&[None]);
}

#[test]
fn not_found_is_final() {
    let error = Case::new(|_, _| Reply::status("404 Not Found")).fails(&[None]);
    assert!(
        error
            .to_string()
            .ends_with("/file.bin: the server answered 404 Not Found"),
        "{error}"
    );
}

#[test]
fn server_error_for_ever() {
    let error = Case::new(|_, _| Reply::status("503 Busy")).fails(&[None, None, None]);
    assert!(matches!(error, DownloadError::Status { .. }), "{error}");
}

#[test]
fn nobody_there() {
    let mut case = Case::new(|_, _| Reply::hang_up());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file.bin", nobody.local_addr().unwrap());
    drop(nobody);
    let target = case.target();
    case.expected.sha256 = None;
    let wanted = Wanted {
        url: &url,
        target: &target,
        expected: &case.expected,
        limit: 10,
    };
    let downloader = Downloader::without_proxy(hurried());
    let error = downloader
        .download(&wanted, &mut Progress::new("x"))
        .unwrap_err();
    assert!(matches!(error, DownloadError::Network { .. }), "{error}");
    assert!(!target.exists());
}

#[test]
fn wrong_checksum() {
    let mut other = content();
    other[7] ^= 1;
    let case = Case::new(move |_, _| Reply::whole(&other));
    let error = case.fails(&[None]);
    let text = error.to_string();
    let md5 = case.expected.md5.clone().unwrap();
    assert!(text.contains(&case.url()) && text.contains(&md5), "{text}");
    match error {
        DownloadError::Checksum {
            kind: "MD5",
            expected,
            found,
            ..
        } => {
            assert_eq!(expected, md5);
            assert!(text.contains(&found));
            assert_ne!(found, md5);
        }
        other => panic!("{other}"),
    }
    assert_eq!(case.part(), None);
}

#[test]
fn sha256_decides_where_it_is_known() {
    let mut case = Case::new(|_, _| Reply::whole(&content()));
    case.expected.sha256 = Some("0".repeat(64));
    let error = case.fails(&[None]);
    assert!(
        matches!(
            error,
            DownloadError::Checksum {
                kind: "SHA-256",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn body_shorter_than_announced_for_ever() {
    let case = Case::new(|_, _| Reply::announcing(300_000, &content()[..200_000]));
    // The first attempt brought something new, the following ones did not.
    match case.fails(&[None, Some(200_000), Some(200_000)]) {
        DownloadError::Short {
            received: 200_000,
            announced: 300_000,
            ..
        } => {}
        other => panic!("{other}"),
    }
    assert!(
        case.part().is_some_and(|part| part.len() == 200_000),
        "kept for the next run"
    );
}

#[test]
fn announced_longer_than_it_is() {
    let case = Case::new(|request, _| match request.from {
        None => Reply::announcing(300_010, &content()),
        Some(_) => Reply::ranged(request, &content()),
    });
    // The 416 that answers the request for the rest gives the true length.
    case.succeeds(&[None, Some(300_000)]);
}

#[test]
fn announced_shorter_than_it_is() {
    let case = Case::new(|_, _| Reply::announcing(299_990, &content()));
    let error = case.fails(&[None]);
    assert!(matches!(error, DownloadError::Checksum { .. }), "{error}");
    assert_eq!(case.part(), None);
}

#[test]
fn never_ending() {
    let case = Case::new(|_, _| Reply::raw("200 OK", &vec![0; 1_100_000]));
    let error = case.fails(&[None]);
    assert!(
        matches!(
            error,
            DownloadError::TooLarge {
                limit: 1_000_000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(case.part(), None);
}

#[test]
fn a_file_in_the_way() {
    let case = Case::new(|_, _| Reply::whole(&content()));
    fs::write(
        case.folder.path().join("deep"),
        b"a file where a folder should be",
    )
    .unwrap();
    let error = case.fails(&[]);
    assert!(matches!(error, DownloadError::Disk { .. }), "{error}");
}
