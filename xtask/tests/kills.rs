//! `fetch-data` killed at any instant: nothing under its final name that is not whole, and the
//! command said again ends as if nothing had happened.
//!
//! `CROSR_KILLS=50 cargo test -p xtask --test kills -- --nocapture` kills more often, and shows how
//! often.

// Counts, for whoever asks with --nocapture.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use sha2::Sha256;

#[allow(dead_code)]
#[path = "../src/data/tests/archives.rs"]
mod archives;
#[allow(dead_code)]
#[path = "../src/data/tests/server.rs"]
mod server;

use server::{Reply, Server};

/// Pictures in the archive, and the size of each: a download and an unpacking of some length.
const PICTURES: usize = 100;
const PICTURE: usize = 160_000;

/// Numbers that only the seed decides.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// What no packing makes smaller.
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let numbers = std::iter::repeat_with(|| self.next().to_le_bytes());
        numbers.flatten().take(count).collect()
    }

    /// Any time in the life of a fetch that takes about `usual`, or, as often, while it downloads.
    fn moment(&mut self, usual: Duration) -> Moment {
        let time = usual.mul_f64(self.part());
        if self.next().is_multiple_of(2) {
            Moment::After(time)
        } else {
            Moment::Downloading(time / 8)
        }
    }
}

fn hex(sum: &[u8]) -> String {
    sum.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// When a fetch is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after an incomplete download has been seen.
    Downloading(Duration),
}

type Files = BTreeMap<String, Vec<u8>>;

/// Every file in a folder and below, by its path from there.
fn files(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            let inner = self::files(&path).into_iter();
            files.extend(inner.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            files.insert(name.into_owned(), fs::read(&path).expect("readable"));
        }
    }
    files
}

/// A packed dataset and one of plain files, on a server and in a list.
struct Published {
    folder: tempfile::TempDir,
    server: Server,
    /// Downloads as they are kept until they are in the dataset's folder.
    copies: Files,
}

impl Published {
    fn new() -> Self {
        let mut draws = Draws(1);
        let pictures: Vec<(String, Vec<u8>)> = (0..PICTURES)
            .map(|i| (format!("packed/{}/{i}.png", i % 3), draws.bytes(PICTURE)))
            .collect();
        let entries: Vec<(&str, &[u8])> = pictures
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        let packed = archives::tar_gz(&entries);
        let (a, b) = (draws.bytes(3_000_000), draws.bytes(1_000_000));
        let dataset = |name: &str, format: &str, files: &[(&str, String)]| {
            let mut text = format!(
                "[[dataset]]\nname = \"{name}\"\ndefault = true\ndescription = \"d\"\n\
                 licence = \"l\"\nhome = \"http://h\"\nfolder = \"{name}\"\nformat = \"{format}\"\n"
            );
            for (file, sum) in files {
                text += &format!("[[dataset.file]]\nurl = \"http://h/{file}\"\n{sum}\n");
            }
            text
        };
        let md5 = |bytes: &[u8]| format!("md5 = \"{}\"", hex(&Md5::digest(bytes)));
        let sha256 = format!("sha256 = \"{}\"", hex(&Sha256::digest(&packed)));
        let list = dataset("packed", "tar.gz", &[("packed.tar.gz", sha256)])
            + &dataset("plain", "plain", &[("a.bin", md5(&a)), ("b.bin", md5(&b))]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("list.toml"), list).expect("writable");
        let copy = |name: &str, bytes: &[u8]| (format!("archives/plain/{name}"), bytes.to_vec());
        let copies = Files::from([copy("a.bin", &a), copy("b.bin", &b)]);
        let server = Server::start(move |request, _| {
            let body = match request.path.as_str() {
                "/files/packed.tar.gz" => &packed,
                "/files/a.bin" => &a,
                "/files/b.bin" => &b,
                _ => return Reply::status("404 Not Found"),
            };
            Reply::ranged(request, body)
        });
        Self {
            folder,
            server,
            copies,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `cargo xtask TASK`, not yet started.
    fn xtask(&self, task: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .arg(task)
            .args(more)
            .arg("--data-dir")
            .arg(self.data());
        command
            .arg("--sources")
            .arg(self.folder.path().join("list.toml"));
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            command
                .env_remove(name)
                .env_remove(name.to_ascii_uppercase());
        }
        command
    }

    /// Fetches until the end, or until it is killed; says whether it came to its end.
    fn fetch(&self, killed: Option<Moment>) -> bool {
        let mut command = self.xtask("fetch-data", &["--mirror", &self.server.base()]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut fetching = command.spawn().expect("starts");
        let mut due = match killed {
            Some(Moment::After(time)) => Some(Instant::now() + time),
            _ => None,
        };
        while fetching.try_wait().expect("our child").is_none() {
            if due.is_some_and(|due| due <= Instant::now()) {
                fetching.kill().expect("our child");
                break;
            }
            if let (None, Some(Moment::Downloading(time))) = (due, killed)
                && self.is_downloading()
            {
                due = Some(Instant::now() + time);
            }
            sleep(Duration::from_micros(200));
        }
        let output = fetching.wait_with_output().expect("our child");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), None | Some(0)), "{error}");
        output.status.success()
    }

    fn is_downloading(&self) -> bool {
        let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
        entries(self.data().join("archives"))
            .flat_map(|dataset| entries(dataset.path()))
            .any(|file| file.file_name().to_string_lossy().ends_with(".part"))
    }

    /// Checks what a kill has left: under a final name only what will be there in the end.
    fn check(&self, expected: &Files, tally: &mut Tally) {
        let found = files(&self.data());
        for (path, bytes) in &found {
            if path.ends_with(".part") {
                tally.downloading += 1;
            } else if path == "sources.lock.toml" {
                let text = str::from_utf8(bytes).expect("UTF-8");
                toml::from_str::<toml::Table>(text).expect("TOML");
            } else if !path.starts_with('.') && !path.ends_with(".tmp") {
                let whole = expected.get(path).or_else(|| self.copies.get(path));
                assert!(whole == Some(bytes), "{path}, {} bytes", bytes.len());
            }
        }
        tally.unpacking += usize::from(found.keys().any(|path| path.contains(".unpacking.")));
        for folder in ["packed/", "plain/"] {
            let of = |files: &Files| files.keys().filter(|path| path.starts_with(folder)).count();
            assert!(
                [0, of(expected)].contains(&of(&found)),
                "{folder} is not whole"
            );
        }
    }
}

/// What was survived.
#[derive(Default)]
struct Tally {
    kills: usize,
    downloading: usize,
    unpacking: usize,
}

#[test]
fn fetching_ends_as_if_it_had_not_been_killed() {
    let wanted = std::env::var("CROSR_KILLS").map_or(6, |text| text.parse().expect("CROSR_KILLS"));
    let published = Published::new();
    let start = Instant::now();
    assert!(published.fetch(None));
    let usual = start.elapsed();
    let expected = files(&published.data());
    assert_eq!(
        expected
            .keys()
            .filter(|path| path.starts_with("packed/"))
            .count(),
        PICTURES
    );
    let mut draws = Draws(2);
    let mut tally = Tally::default();
    let mut fetched = 0;
    while tally.kills < wanted {
        fs::remove_dir_all(published.data()).expect("ours");
        // The last kill that is wanted is the last one.
        let mut moment = |kills| (kills < wanted).then(|| draws.moment(usual));
        while !published.fetch(moment(tally.kills)) {
            tally.kills += 1;
            published.check(&expected, &mut tally);
        }
        let found = files(&published.data());
        let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(&found),
            names(&expected),
            "something is left for ever"
        );
        assert!(found == expected, "other content");
        fetched += 1;
    }
    let verified = published
        .xtask("verify-data", &[])
        .output()
        .expect("starts");
    assert!(verified.status.success());
    let Tally {
        kills,
        downloading,
        unpacking,
    } = tally;
    println!(
        "fetch-data: {kills} kills survived in {fetched} fetches, {downloading} incomplete \
         downloads and {unpacking} incomplete folders left and cleared away"
    );
}

/// A kill between the last step but one and the last one.
#[test]
fn files_are_not_kept_twice_for_ever() {
    let published = Published::new();
    assert!(published.fetch(None));
    let expected = files(&published.data());
    for (path, bytes) in &published.copies {
        let path = published.data().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, bytes).expect("writable");
    }
    assert!(published.fetch(None));
    assert!(files(&published.data()) == expected);
}
