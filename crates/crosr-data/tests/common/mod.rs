//! The picture that every loader is shown.

#![allow(dead_code, unreachable_pub, missing_docs)] // each test file uses some of it

use std::fs;
use std::path::{Path, PathBuf};

use crosr_data::{DataError, Image, PixelFormat};
use tempfile::{TempDir, tempdir};

/// Pixel (x, y) of picture `k`: no symmetry, no two channels alike.
pub fn rgb(k: usize, x: usize, y: usize) -> [u8; 3] {
    [
        (x * 7 + y + k) as u8,
        (y * 5 + 3) as u8,
        (x * 3 + y * 2 + 90 * k) as u8,
    ]
}

/// Picture `k`, 32 x 32.
pub fn interleaved(k: usize) -> Vec<u8> {
    (0..1024).flat_map(|p| rgb(k, p % 32, p / 32)).collect()
}

/// Its pixels in red, green and blue planes.
pub fn planes(k: usize) -> Vec<u8> {
    let plane = |c: usize| (0..1024).map(move |p| rgb(k, p % 32, p / 32)[c]);
    plane(0).chain(plane(1)).chain(plane(2)).collect()
}

pub fn picture(k: usize) -> Image {
    Image::new(32, 32, PixelFormat::Rgb, interleaved(k)).unwrap()
}

/// A grey picture without symmetry: the red plane, 5 pixels wide and 4 high.
pub fn grey(k: usize) -> Image {
    let pixels = (0..20).map(|p| rgb(k, p % 5, p / 5)[0]).collect();
    Image::new(5, 4, PixelFormat::Grey, pixels).unwrap()
}

/// Writes picture `k` as a PNG file.
pub fn save_png(path: &Path, k: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::save_buffer(path, &interleaved(k), 32, 32, image::ColorType::Rgb8).unwrap();
}

/// Picture `k` as a PNG file.
pub fn png(k: usize) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let buffer = image::RgbImage::from_raw(32, 32, interleaved(k)).unwrap();
    buffer
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A folder with these files.
pub fn folder(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// What was wrong.
pub fn text_of<T>(result: Result<T, DataError>) -> String {
    match result {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    }
}

/// A file that another program wrote.
pub fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/files")
        .join(name)
}
