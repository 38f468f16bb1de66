//! The texts of the data folder: the list of datasets, the lock file, lists of sums.
#![no_main]

include!("house.rs");

use std::fs;
use std::path::{Component, Path};

use files::DataDir;
use libfuzzer_sys::fuzz_target;
use manifest::Manifest;
use sources::{Lock, Sources};

/// Nothing that a list names leads out of the data folder.
fn check(sources: &Sources) {
    let data = DataDir::new("data".into());
    let inside = |path: &Path| {
        let inner = path.strip_prefix("data").expect("below it");
        let plain = |part| matches!(part, Component::Normal(_));
        assert!(inner.components().all(plain), "{path:?}");
    };
    for dataset in &sources.datasets {
        inside(&data.folder(dataset));
        inside(&data.unpacking(dataset));
        inside(&data.manifest(dataset));
        inside(&data.root().join(dataset.pictures()));
        assert!(!dataset.archive_root().is_empty());
        let sizes = dataset.files.iter().filter_map(|file| file.size);
        assert!(
            dataset
                .size()
                .is_none_or(|size| sizes.max().is_none_or(|most| most <= size))
        );
        for file in &dataset.files {
            inside(&data.archive(dataset, file));
            assert!(file.address(Some("http://mirror/")).ends_with(file.name()));
            let expected = Lock::default().expected(file);
            assert!(expected.md5.is_some() || expected.sha256.is_some());
        }
        let found = sources.find(&dataset.name).map(|found| &found.folder);
        assert_eq!(found, Some(&dataset.folder));
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(sources) = Sources::parse(text) {
        check(&sources);
    }
    let path = std::env::temp_dir().join(format!("crosr-fuzz-{}", std::process::id()));
    fs::write(&path, data).expect("writable");
    if let Ok(lock) = Lock::read(&path) {
        let written = toml::to_string(&lock).expect("plain values");
        fs::write(&path, &written).expect("writable");
        let again = Lock::read(&path).expect("just written");
        assert_eq!(toml::to_string(&again).expect("plain values"), written);
    }
    fs::write(&path, data).expect("writable");
    if let Ok(list) = Manifest::read(&path, "folder") {
        list.write(&path, "folder").expect("writable");
        assert_eq!(Manifest::read(&path, "folder").expect("just written"), list);
    }
    fs::remove_file(&path).expect("there");
});
