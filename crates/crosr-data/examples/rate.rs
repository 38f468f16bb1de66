//! Pictures a second, read, changed and normalised into batches:
//! `rate cifar DIR AUGMENT [SECONDS]`, `rate folder DIR AUGMENT [SECONDS]`, `rate index DIR`.
//!
//! `AUGMENT` is none, flip-crop or reference. Set `RAYON_NUM_THREADS=1` for one core. Prints a line
//! of JSON; `benches/torchvision_rate.py` prints the same of torchvision.

#![allow(clippy::print_stdout)] // printing is what it is for

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosr_data::{
    Augmentation, BatchPlan, Cifar10, Dataset, ImageFolder, Normalisation, Order, Split, batches,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (kind, folder, augment, seconds) = match args.as_slice() {
        ["index", folder] => return index(Path::new(folder)),
        [kind, folder, augment] => (*kind, Path::new(folder), *augment, 5.0),
        [kind, folder, augment, seconds] => (*kind, Path::new(folder), *augment, seconds.parse()?),
        _ => return Err("rate cifar|folder DIR none|flip-crop|reference [SECONDS]".into()),
    };
    let data: Arc<dyn Dataset> = match kind {
        "cifar" => Arc::new(Cifar10::open(folder, Split::Test)?),
        _ => Arc::new(ImageFolder::flat(folder)?),
    };
    let mut plan = BatchPlan {
        batch_size: 128,
        order: Order::Shuffled,
        normalisation: Normalisation::CIFAR10,
        augmentation: match augment {
            "none" => None,
            "flip-crop" => Some(Augmentation::flip_and_crop()),
            "reference" => Some(Augmentation::reference()),
            _ => return Err("AUGMENT is none, flip-crop or reference".into()),
        },
        ..BatchPlan::default()
    };
    // One pass warms the file cache.
    for batch in batches(data.clone(), &plan)? {
        batch?;
    }
    let (start, patience) = (Instant::now(), Duration::from_secs_f64(seconds));
    let (mut images, mut sum) = (0, 0.0);
    while start.elapsed() < patience {
        plan.epoch += 1;
        for batch in batches(data.clone(), &plan)? {
            let batch = batch?;
            images += batch.labels.len();
            sum += f64::from(batch.images[0]);
        }
    }
    let rate = images as f64 / start.elapsed().as_secs_f64();
    println!("{{\"images_per_second\": {rate:.1}, \"images\": {images}, \"check\": {sum:.3}}}");
    Ok(())
}

/// How long it takes to list a folder.
fn index(folder: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let files = ImageFolder::flat(folder)?.len();
    let seconds = start.elapsed().as_secs_f64();
    println!("{{\"files\": {files}, \"seconds\": {seconds:.3}}}");
    Ok(())
}
