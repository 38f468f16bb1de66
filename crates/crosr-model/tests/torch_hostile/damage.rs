//! Damage anywhere: an error, never a panic, never much memory.

use super::builder::*;

#[test]
fn cut_short_anywhere() {
    for name in TINY {
        let bytes = tiny(name);
        for length in 0..bytes.len() {
            assert!(
                TorchCheckpoint::from_bytes(&bytes[..length]).is_err(),
                "{name}, {length}"
            );
        }
        assert!(TorchCheckpoint::from_bytes(&bytes).is_ok(), "{name}");
    }
    // The pickle alone cut short, in an archive that is whole.
    let pickle = dict(&[("w", honest())]);
    for length in 0..pickle.len() {
        let error = read_pickle(&pickle[..length]).unwrap_err();
        assert!(
            matches!(error, TorchError::Pickle { .. }),
            "{length}: {error}"
        );
    }
}

/// Reads a damaged file. What still reads must keep within the promised memory.
fn survive(bytes: &[u8]) -> bool {
    match TorchCheckpoint::from_bytes(bytes) {
        Ok(checkpoint) => {
            let total: usize = checkpoint.tensors.values().map(|t| t.data().len()).sum();
            assert!(total <= 4 * bytes.len() + (64 << 20), "{total}");
            true
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 2000, "{text}");
            false
        }
    }
}

/// Every bit flipped alone, and every byte set to a few telling values.
fn damages(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    const VALUES: [u8; 12] = [
        0, 1, 0x7f, 0x80, 0xff, b'(', b'h', b'2', b'R', b'Q', b'u', b'.',
    ];
    (0..bytes.len()).flat_map(move |at| {
        let flips = (0..8).map(move |bit| bytes[at] ^ (1 << bit));
        flips.chain(VALUES).map(move |value| {
            let mut damaged = bytes.to_vec();
            damaged[at] = value;
            damaged
        })
    })
}

#[test]
fn bit_flips() {
    for name in TINY {
        let bytes = tiny(name);
        let survived = damages(&bytes).filter(|damaged| survive(damaged)).count();
        assert!(
            survived > 0 && survived < 20 * bytes.len(),
            "{name}: {survived}"
        );
    }
    assert!(
        peak_mebibytes().is_none_or(|peak| peak < 1000),
        "{:?}",
        peak_mebibytes()
    );
}

#[test]
fn bit_flips_behind_a_right_checksum() {
    for name in ["tiny_zip.pt", "tiny_views.pt"] {
        let records = unzipped(&tiny(name));
        let pickle = records
            .iter()
            .find(|(name, _)| name.ends_with("data.pkl"))
            .unwrap();
        let mut survived = 0;
        for damaged in damages(&pickle.1) {
            let records: Vec<(&str, &[u8])> = records
                .iter()
                .map(|(name, bytes)| {
                    let bytes = if *name == pickle.0 { &damaged } else { bytes };
                    (name.as_str(), bytes.as_slice())
                })
                .collect();
            survived += usize::from(survive(&zipped(&records)));
        }
        assert!(survived > 0, "{name}");
    }
}

/// Opcodes in random order with operands from a small set, so that many get far.
#[test]
fn random_programs() {
    let pieces: Vec<Vec<u8>> = [
        b"(".as_slice(),
        b"0",
        b"1",
        b"2",
        b"N",
        b"K\x03",
        b"]",
        b"}",
        b")",
        b"t",
        b"l",
        b"d",
        b"a",
        b"e",
        b"s",
        b"u",
        b"b",
        b"R",
        b"Q",
        b"\x81",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x88",
        b"\x8f",
        b"\x90",
        b"\x91",
        b"\x93",
        b"\x94",
        b"q\0",
        b"q\x01",
        b"h\0",
        b"h\x01",
        b"X\0\0\0\0",
        b"X\x07\0\0\0storage",
        b"X\x01\0\0\0\x30",
        b"ccollections\nOrderedDict\n",
        b"ctorch\nFloatStorage\n",
        b"ctorch\nSize\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch._utils\n_rebuild_tensor_v3\n",
        b"ctorch\nfloat16\n",
    ]
    .iter()
    .map(|piece| piece.to_vec())
    .chain([
        storage("ctorch\nFloatStorage\n", "0", 12),
        honest(),
        ints(&[2, 2]),
        ints(&[3, 0]),
    ])
    .collect();
    let mut state = 20_260_611_u64;
    let mut next = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % n
    };
    let mut finished = 0;
    for _ in 0..40_000 {
        let mut pickle = b"\x80\x02}".to_vec();
        for _ in 0..next(24) {
            pickle.extend_from_slice(&pieces[next(pieces.len())]);
        }
        pickle.push(b'.');
        let bytes = with_pickle(&pickle);
        survive(&bytes);
        let whole = matches!(
            TorchCheckpoint::from_bytes(&bytes),
            Ok(_) | Err(TorchError::NoStateDict { .. })
        );
        finished += usize::from(whole);
    }
    assert!(finished > 1000, "{finished}");
}
