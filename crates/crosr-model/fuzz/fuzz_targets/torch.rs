//! PyTorch checkpoints: as they come, and pickles in an archive made here, since no change of a
//! record survives its checksum.
#![no_main]

use std::io::{Cursor, Write};
use std::path::Path;

use candle_core::Device;
use crosr_model::{DhrNet, ModelError, ReconstructionActivation, TorchCheckpoint, TorchError};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Beyond this, numbers are not converted to wider ones here.
const MUCH: usize = 1 << 20;

/// An archive with this pickle and two storages of a few numbers.
fn zipped(pickle: &[u8]) -> Vec<u8> {
    let storage: Vec<u8> = (0..12_u8)
        .flat_map(|n| f32::from(n).to_le_bytes())
        .collect();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [
        ("archive/data.pkl", pickle),
        ("archive/data/0", &storage),
        ("archive/data/1", &storage[..8]),
    ] {
        writer.start_file(name, options).expect("in memory");
        writer.write_all(bytes).expect("in memory");
    }
    writer.finish().expect("in memory").into_inner()
}

/// What was read is as it says; and it is a network or it is not.
fn check(checkpoint: &TorchCheckpoint, file_bytes: usize) {
    let mut total = 0;
    for (name, tensor) in &checkpoint.tensors {
        let n = tensor.n_elements();
        assert_eq!(n, tensor.shape.iter().product::<usize>(), "{name}");
        assert_eq!(n * tensor.dtype.size(), tensor.data().len(), "{name}");
        total += tensor.data().len();
        if n <= MUCH {
            assert_eq!(tensor.to_f32().len(), n);
            assert_eq!(tensor.to_f64().len(), n);
            let integers = tensor.to_i64();
            assert_eq!(integers.is_none(), tensor.dtype.is_float(), "{name}");
            assert!(integers.is_none_or(|integers| integers.len() == n));
        }
    }
    assert!(total <= 4 * file_bytes + (64 << 20), "{total} bytes");
    if total <= MUCH {
        let network = DhrNet::from_torch(
            checkpoint,
            Path::new("checkpoint"),
            ReconstructionActivation::Relu,
            &Device::Cpu,
        );
        if let Err(error) = network {
            // Never a failure of an operation half-way.
            assert!(!matches!(error, ModelError::Candle(_)), "{error}");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let read = TorchCheckpoint::from_bytes(data);
    if let Ok(checkpoint) = &read {
        check(checkpoint, data.len());
    } else if matches!(read, Err(TorchError::Container { .. })) {
        // Neither container: a pickle, then.
        let archive = zipped(data);
        match TorchCheckpoint::from_bytes(&archive) {
            Ok(checkpoint) => check(&checkpoint, archive.len()),
            Err(TorchError::Zip { source, .. }) => panic!("the archive is sound: {source}"),
            Err(_) => {}
        }
    }
});
