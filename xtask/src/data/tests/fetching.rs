//! Whole datasets: where they end up, and what is left when something goes wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tar::EntryType::{Regular, Symlink};
use tempfile::TempDir;

use super::archives::{gz, tar, tar_gz, zip};
use super::hurried;
use super::server::{Reply, Server};
use crate::data::digest;
use crate::data::download::Downloader;
use crate::data::files::DataDir;
use crate::data::sources::{Dataset, Lock, Sources};
use crate::data::{Fetched, Fetching, check};
use crate::ui::Bars;

/// A data folder, a server that has these files, and a dataset made of them.
struct Case {
    folder: TempDir,
    server: Server,
    dataset: Dataset,
}

impl Case {
    fn new(format: &str, more: &str, files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut list = format!(
            "[[dataset]]\nname = \"d\"\ndescription = \"d\"\nlicence = \"l\"\nhome = \"http://h\"\n\
             folder = \"Top\"\nformat = \"{format}\"\nmax_mb = 1\n{more}\n"
        );
        let served: Vec<(String, Vec<u8>)> = files
            .iter()
            .map(|(name, bytes)| (format!("/files/{name}"), bytes.to_vec()))
            .collect();
        for (name, bytes) in files {
            let path = folder.path().join("sum");
            fs::write(&path, bytes).unwrap();
            let md5 = digest::of_file(&path).unwrap().md5;
            list += &format!("[[dataset.file]]\nurl = \"http://h/{name}\"\nmd5 = \"{md5}\"\n");
        }
        let dataset = Sources::parse(&list).unwrap().datasets.remove(0);
        let server = Server::start(move |request, _| {
            match served.iter().find(|(path, _)| *path == request.path) {
                Some((_, bytes)) => Reply::ranged(request, bytes),
                None => Reply::status("404 Not Found"),
            }
        });
        Self {
            folder,
            server,
            dataset,
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn data(&self) -> DataDir {
        DataDir::new(self.root())
    }

    fn fetch(&self, offline: bool) -> anyhow::Result<Fetched> {
        let data = self.data();
        let downloader = Downloader::without_proxy(hurried());
        let base = self.server.base();
        let fetching = Fetching {
            data: &data,
            downloader: (!offline).then_some(&downloader),
            mirror: Some(&base),
            bars: Bars::default(),
            pinning: Mutex::default(),
        };
        fetching.dataset(&self.dataset)
    }

    fn faults(&self) -> Vec<String> {
        let lock = Lock::read(&self.data().lock()).unwrap();
        check(&self.data(), &lock, &self.dataset).unwrap()
    }

    /// Every file in the data folder.
    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                names.push(crate::shown(&self.root(), &path));
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        names.sort();
        names
    }
}

fn good() -> Case {
    let archive = tar_gz(&[("Top/test/1.png", b"one"), ("Top/test/2.png", b"two")]);
    Case::new(
        "tar.gz",
        "pictures = \"Top/test\"",
        &[("d.tar.gz", &archive)],
    )
}

#[test]
fn fetched_once_and_only_once() {
    let case = good();
    assert_eq!(case.fetch(false).unwrap(), Fetched::New { files: 2 });
    assert_eq!(
        fs::read(case.root().join("Top/test/2.png")).unwrap(),
        b"two"
    );
    let files = [
        "Top",
        "Top/test",
        "Top/test/1.png",
        "Top/test/2.png",
        "archives",
        "archives/d",
        "archives/d/d.tar.gz",
        "manifests",
        "manifests/d.sha256",
        "sources.lock.toml",
    ];
    assert_eq!(case.files(), files);
    assert_eq!(case.faults(), Vec::<String>::new());
    assert_eq!(case.fetch(false).unwrap(), Fetched::There);
    assert_eq!(case.files(), files);
    assert_eq!(case.server.requests().len(), 1);
}

#[test]
fn unpacked_again_from_the_kept_archive() {
    let case = good();
    case.fetch(false).unwrap();
    fs::remove_dir_all(case.root().join("Top")).unwrap();
    assert_eq!(case.fetch(true).unwrap(), Fetched::New { files: 2 });
    assert_eq!(case.server.requests().len(), 1);
}

#[test]
fn offline_with_nothing_here() {
    let case = good();
    let error = case.fetch(true).unwrap_err().to_string();
    assert!(
        error.contains("d.tar.gz: not downloaded; put http://h/d.tar.gz there"),
        "{error}"
    );
    assert_eq!(case.files(), Vec::<String>::new());
    assert!(case.server.requests().is_empty());
}

#[test]
fn a_damaged_archive_in_the_way() {
    let case = good();
    let archive = case.root().join("archives/d/d.tar.gz");
    fs::create_dir_all(archive.parent().unwrap()).unwrap();
    fs::write(&archive, b"damaged").unwrap();
    let error = case.fetch(true).unwrap_err().to_string();
    assert!(error.contains("wrong checksum: MD5"), "{error}");
    assert!(archive.exists() && !case.root().join("Top").exists());
    assert_eq!(case.fetch(false).unwrap(), Fetched::New { files: 2 });
}

#[test]
fn somebody_elses_folder_is_left_alone() {
    let case = good();
    fs::create_dir_all(case.root().join("Top")).unwrap();
    assert_eq!(case.fetch(false).unwrap(), Fetched::Foreign);
    assert_eq!(case.files(), ["Top"]);
    assert!(
        case.faults()[0].contains("nothing to compare it with"),
        "{:?}",
        case.faults()
    );
}

#[test]
fn wrong_checksum_leaves_nothing() {
    let mut case = good();
    case.dataset.files[0].md5 = Some("0".repeat(32));
    let error = case.fetch(false).unwrap_err().to_string();
    assert!(error.contains("/d.tar.gz: wrong checksum"), "{error}");
    assert!(error.contains(&"0".repeat(32)), "{error}");
    assert_eq!(case.files(), ["archives", "archives/d"]);
}

#[test]
fn missing_on_the_server() {
    let mut case = good();
    case.dataset.files[0].url = "http://h/e.tar.gz".to_owned();
    let error = case.fetch(false).unwrap_err().to_string();
    assert!(
        error.contains("404 Not Found; try --mirror, or put the file at"),
        "{error}"
    );
    assert_eq!(case.files(), ["archives", "archives/d"]);
}

#[test]
fn what_an_md5_confirmed_is_pinned() {
    let mut case = good();
    case.fetch(false).unwrap();
    let archive = case.root().join("archives/d/d.tar.gz");
    let lock = fs::read_to_string(case.root().join("sources.lock.toml")).unwrap();
    let sha256 = digest::sha256_of_file(&archive).unwrap();
    assert!(
        lock.contains("http://h/d.tar.gz") && lock.contains(&sha256),
        "{lock}"
    );
    // The same address and MD5 with another content: as after a forged MD5.
    let forged = lock.replace(&sha256, &"0".repeat(64));
    fs::write(case.root().join("sources.lock.toml"), &forged).unwrap();
    fs::remove_dir_all(case.root().join("Top")).unwrap();
    let error = case.fetch(true).unwrap_err().to_string();
    assert!(error.contains("wrong checksum: SHA-256"), "{error}");
    // A SHA-256 in the list itself stands above the pin.
    case.dataset.files[0].sha256 = Some(sha256);
    assert_eq!(case.fetch(true).unwrap(), Fetched::New { files: 2 });
}

#[test]
fn hostile_archives_leave_no_folder() {
    for entries in [
        [
            ("Top/a", Regular, &b"x"[..]),
            ("Top/../../evil", Regular, b"x"),
        ],
        [("Top/a", Regular, b"x"), ("/tmp/crosr-evil", Regular, b"x")],
        [("Top/a", Symlink, b"../.."), ("Top/a/evil", Regular, b"x")],
        [
            ("Top/a", Regular, b"x"),
            ("Top/b", Regular, &[0; 1_000_001]),
        ],
        [("a", Regular, b"x"), ("b", Regular, b"x")],
    ] {
        let archive = gz(&tar(&entries));
        let case = Case::new("tar.gz", "", &[("d.tar.gz", &archive)]);
        let error = case.fetch(false).unwrap_err().to_string();
        assert!(error.contains("d.tar.gz: "), "{error}");
        let files = [
            "archives",
            "archives/d",
            "archives/d/d.tar.gz",
            "sources.lock.toml",
        ];
        assert_eq!(case.files(), files, "{entries:?}");
        assert!(!case.folder.path().join("evil").exists());
        assert!(!Path::new("/tmp/crosr-evil").exists());
    }
}

#[test]
fn what_a_kill_left_is_cleared() {
    let case = good();
    let left = case.data().unpacking(&case.dataset);
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("half"), b"x").unwrap();
    assert_eq!(case.fetch(false).unwrap(), Fetched::New { files: 2 });
    assert!(!left.exists() && !case.root().join("Top/half").exists());
}

#[test]
fn zip_under_another_name() {
    let archive = zip(&[("gzip/a.gz", b"a"), ("gzip/b.gz", b"b")]);
    let case = Case::new("zip", "archive_root = \"gzip\"", &[("gzip.zip", &archive)]);
    assert_eq!(case.fetch(false).unwrap(), Fetched::New { files: 2 });
    assert_eq!(fs::read(case.root().join("Top/b.gz")).unwrap(), b"b");
    assert_eq!(case.faults(), Vec::<String>::new());
}

#[test]
fn plain_files() {
    let case = Case::new(
        "plain",
        "",
        &[("a-ubyte.gz", b"not unpacked"), ("b.mat", b"b")],
    );
    assert_eq!(case.fetch(false).unwrap(), Fetched::New { files: 2 });
    assert_eq!(
        fs::read(case.root().join("Top/a-ubyte.gz")).unwrap(),
        b"not unpacked"
    );
    assert!(
        !case.root().join("archives/d").exists(),
        "kept once, not twice"
    );
    assert_eq!(case.faults(), Vec::<String>::new());
    assert_eq!(case.fetch(true).unwrap(), Fetched::There);
}

#[test]
fn plain_files_of_which_one_is_missing() {
    let mut case = Case::new("plain", "", &[("a", b"a"), ("b", b"b")]);
    case.dataset.files[1].url = "http://h/c".to_owned();
    assert!(case.fetch(false).is_err());
    assert!(!case.root().join("Top").exists());
    // The first one need not be fetched again.
    case.dataset.files[1].url = "http://h/b".to_owned();
    assert_eq!(case.fetch(false).unwrap(), Fetched::New { files: 2 });
    let asked: Vec<String> = case.server.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(asked, ["/files/a", "/files/c", "/files/b"]);
}

#[test]
fn verify_sees_every_difference() {
    let case = good();
    case.fetch(false).unwrap();
    let folder = case.root().join("Top/test");
    fs::write(folder.join(".DS_Store"), b"no matter").unwrap();
    assert_eq!(case.faults(), Vec::<String>::new());

    fs::write(folder.join("1.png"), b"One").unwrap();
    fs::remove_file(folder.join("2.png")).unwrap();
    fs::write(folder.join("3.png"), b"three").unwrap();
    fs::write(case.root().join("archives/d/d.tar.gz"), b"x").unwrap();
    let faults = case.faults();
    assert_eq!(faults.len(), 4, "{faults:?}");
    for part in [
        "1.png: SHA-256",
        "2.png: missing",
        "3.png: not part of the dataset",
        "d.tar.gz: SHA-256",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(part)),
            "{part}: {faults:?}"
        );
    }
}

#[test]
fn one_fetch_at_a_time() {
    let case = good();
    let data = case.data();
    let first = data.reserve().unwrap();
    let error = data.reserve().unwrap_err().to_string();
    assert!(error.contains("another fetch-data is at work"), "{error}");
    drop(first);
    assert!(data.reserve().is_ok());
}

#[test]
fn datasets_come_at_the_same_time_and_one_that_fails_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path().join("data"));
    // Each server answers once the other has been asked, which never happens one after the other.
    let asked = Arc::new(AtomicUsize::new(0));
    let servers = [(); 2].map(|()| {
        let asked = Arc::clone(&asked);
        Server::start(move |request, before| {
            asked.fetch_add(usize::from(before == 0), Ordering::SeqCst);
            let patience = Instant::now() + Duration::from_secs(5);
            while asked.load(Ordering::SeqCst) < 2 && Instant::now() < patience {
                std::thread::yield_now();
            }
            match request.path.as_str() {
                "/files/gone.bin" => Reply::status("404 Not Found"),
                _ if asked.load(Ordering::SeqCst) < 2 => Reply::status("400 Bad Request"),
                _ => Reply::whole(b"content"),
            }
        })
    });
    let list: String = ["a", "b", "gone", "c"]
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let base = servers[i % 2].base();
            // The MD5 of "content".
            format!(
                "[[dataset]]\nname = \"{name}\"\ndescription = \"d\"\nlicence = \"l\"\n\
                 home = \"http://h\"\nfolder = \"{name}\"\nformat = \"plain\"\n\
                 [[dataset.file]]\nurl = \"{base}/{name}.bin\"\n\
                 md5 = \"9a0364b9e99bb480dd25e1f0284c8555\"\n"
            )
        })
        .collect();
    let sources = Sources::parse(&list).unwrap();
    let downloader = Downloader::without_proxy(hurried());
    let fetching = Fetching {
        data: &data,
        downloader: Some(&downloader),
        mirror: None,
        bars: Bars::default(),
        pinning: Mutex::default(),
    };
    let chosen: Vec<&Dataset> = sources.datasets.iter().collect();
    let outcome = fetching.all(&chosen, 2, |dataset, _| dataset.name.clone());
    let error = format!("{:#}", outcome.unwrap_err());
    assert!(
        error.contains("gone.bin: the server answered 404"),
        "{error}"
    );
    let lock = fs::read_to_string(data.lock()).unwrap();
    for name in ["a", "b", "c"] {
        let file = data.root().join(name).join(format!("{name}.bin"));
        assert_eq!(fs::read(file).unwrap(), b"content");
        // Every pin was kept, whoever wrote the file last.
        assert!(lock.contains(&format!("/{name}.bin")), "{lock}");
    }
    assert!(!data.root().join("gone").exists());
}
