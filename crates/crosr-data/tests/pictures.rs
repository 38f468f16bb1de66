//! Batches of pictures from a list, and lists of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use crosr_data::{
    BatchPlan, DataError, ImageFolder, Listed, PictureBatch, batches, is_named_picture,
    picture_batches, walk,
};
use tempfile::{TempDir, tempdir};

fn save(path: &Path, side: u32, shade: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels: Vec<u8> = (0..side * side * 3)
        .map(|i| shade.wrapping_add(i as u8))
        .collect();
    image::save_buffer(path, &pixels, side, side, image::ColorType::Rgb8).unwrap();
}

fn plan(batch_size: usize) -> BatchPlan {
    BatchPlan {
        batch_size,
        width: 8,
        height: 8,
        ..BatchPlan::default()
    }
}

/// Seven pictures of different sizes.
fn seven() -> (TempDir, Vec<PathBuf>) {
    let folder = tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..7)
        .map(|k| folder.path().join(format!("{k}.png")))
        .collect();
    for (k, path) in paths.iter().enumerate() {
        save(path, 1 + 3 * k as u32, 40 * k as u8);
    }
    (folder, paths)
}

#[test]
fn pictures_give_the_bits_that_a_dataset_of_them_does() {
    let (_folder, paths) = seven();
    let dataset = Arc::new(ImageFolder::files(paths.clone()));
    let expected: Vec<_> = batches(dataset, &plan(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let listed = paths.into_iter().map(Listed::from);
    let found: Vec<_> = picture_batches(listed, &plan(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(found.len(), 3);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.batch.images, expected.images);
        assert_eq!(found.batch.shape, expected.shape);
        assert!(found.pictures.iter().all(|listed| listed.error.is_none()));
    }
}

#[test]
fn what_cannot_be_read_keeps_its_place_and_costs_no_other_picture() {
    let (folder, paths) = seven();
    fs::write(&paths[2], "no picture").unwrap();
    fs::remove_file(&paths[0]).unwrap();
    let mut listed: Vec<Listed> = paths.iter().cloned().map(Listed::from).collect();
    let known = DataError::NoPictures {
        path: folder.path().to_owned(),
    };
    listed.insert(4, Listed::failed(folder.path(), known));
    let mut found = picture_batches(listed, &plan(8)).unwrap();
    let PictureBatch { pictures, batch } = found.next().unwrap().unwrap();
    assert!(found.next().is_none());
    let errors: Vec<_> = pictures
        .iter()
        .map(|listed| listed.error.as_ref())
        .collect();
    assert!(matches!(errors[0], Some(DataError::Missing { .. })));
    assert!(matches!(errors[2], Some(DataError::Picture { .. })));
    assert!(matches!(errors[4], Some(DataError::NoPictures { .. })));
    assert_eq!(batch.indices, [1, 3, 5, 6, 7]);
    assert_eq!(batch.shape, [5, 3, 8, 8]);
    assert_eq!(batch.labels, [None; 5]);
    let rest = [1, 3, 4, 5, 6].map(|k| paths[k].clone()).to_vec();
    let alone = batches(Arc::new(ImageFolder::files(rest)), &plan(8)).unwrap();
    let alone = alone.map(Result::unwrap).next().unwrap();
    assert_eq!(batch.images, alone.images);

    let nothing = picture_batches([Listed::from(paths[0].clone())], &plan(8)).unwrap();
    let nothing = nothing.map(Result::unwrap).next().unwrap();
    assert_eq!(nothing.batch.shape, [0, 3, 8, 8]);
    assert!(picture_batches([], &plan(8)).unwrap().next().is_none());
}

#[test]
fn an_endless_list_is_read_a_little_ahead_only() {
    let (_folder, paths) = seven();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let endless = std::iter::repeat_with(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        paths[1].clone().into()
    });
    let mut found = picture_batches(endless, &plan(4)).unwrap();
    for _ in 0..5 {
        assert_eq!(found.next().unwrap().unwrap().batch.indices.len(), 4);
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    // Five batches taken, three ahead or in the making, twice a batch of paths, one in hand.
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked <= 4 * (5 + 3 + 2) + 1, "{asked}");
}

#[test]
fn a_slow_list_is_answered_as_it_comes() {
    let (_folder, paths) = seven();
    let (sender, receiver) = channel::<PathBuf>();
    let list = receiver.into_iter().map(Listed::from);
    let mut found = picture_batches(list, &plan(128)).unwrap();
    for path in paths {
        // Nothing more is sent until this one has been answered.
        sender.send(path.clone()).unwrap();
        let answer = found.next().unwrap().unwrap();
        assert_eq!(answer.pictures.len(), 1);
        assert_eq!(answer.pictures[0].path, path);
    }
    drop(sender);
    assert!(found.next().is_none());
}

#[test]
fn a_list_that_panics_does_not_look_like_one_that_ends() {
    let (_folder, paths) = seven();
    let list = paths.into_iter().map(|path| {
        assert!(!path.ends_with("4.png"), "this list is broken");
        Listed::from(path)
    });
    let all: Vec<_> = picture_batches(list, &plan(2)).unwrap().collect();
    assert_eq!(all.len(), 3);
    assert!(matches!(all[2], Err(DataError::Worker { .. })));
}

#[cfg(unix)]
#[test]
fn a_device_without_an_end_is_no_picture() {
    let found = picture_batches([Listed::from(PathBuf::from("/dev/zero"))], &plan(2)).unwrap();
    let first = found.map(Result::unwrap).next().unwrap();
    assert!(matches!(
        first.pictures[0].error,
        Some(DataError::Io { .. })
    ));
}

#[test]
fn walking_goes_by_the_path_and_leaves_hidden_names_out() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    for name in [
        "b/c/2.png",
        "b/1.txt",
        "b.png",
        "a/z.gif",
        ".git/x.png",
        "a/.y.png",
    ] {
        save_text(&root.join(name));
    }
    let listed: Vec<Listed> = walk(root).collect();
    let names: Vec<_> = listed
        .iter()
        .map(|l| l.path.strip_prefix(root).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["a/z.gif", "b/1.txt", "b/c/2.png", "b.png"]);
    assert!(listed.iter().all(|listed| listed.error.is_none()));
    let pictures = names
        .iter()
        .filter(|name| is_named_picture(Path::new(name)));
    assert_eq!(pictures.count(), 3);
    assert!(is_named_picture(Path::new("A.JPeG")));
    assert!(!is_named_picture(Path::new("png")));

    let absent: Vec<Listed> = walk(&root.join("absent")).collect();
    assert!(matches!(&absent[..], [one] if matches!(one.error, Some(DataError::Missing { .. }))));
}

fn save_text(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "text").unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_round_in_a_circle_is_left_out() {
    let folder = tempdir().unwrap();
    save_text(&folder.path().join("a/1.png"));
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/round")).unwrap();
    assert_eq!(walk(folder.path()).count(), 1);
    // The folder that is named may be a link itself.
    let link = folder.path().join("a/round");
    assert_eq!(walk(&link).count(), 1);
}
