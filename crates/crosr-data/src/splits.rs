//! Published class splits: which classes of a dataset are known, which are not.

/// Published protocols in which some classes are known and others are not: five class splits each,
/// as Vaze et al. ("Open-Set Recognition: a Good Closed-Set Classifier is All You Need?", ICLR
/// 2022) and Chen et al. ("Adversarial Reciprocal Points Learning for Open Set Recognition", TPAMI
/// 2021) list them; after Neal et al. ("Open Set Learning with Counterfactual Images", ECCV 2018,
/// Section 5.1).
///
/// Two of CIFAR-10's five lists name the same classes, which is as published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishedSplit {
    /// Six digits of MNIST are known, four are not.
    Mnist,
    /// Six digits of SVHN are known, four are not.
    Svhn,
    /// Six classes of CIFAR-10 are known, four are not.
    Cifar10,
    /// Four classes of CIFAR-10 are known, ten of CIFAR-100 are not: CIFAR+10.
    CifarPlus10,
    /// Four classes of CIFAR-10 are known, fifty of CIFAR-100 are not: CIFAR+50.
    CifarPlus50,
    /// Twenty classes of TinyImageNet are known, 180 are not.
    TinyImageNet,
}

/// The five splits of a protocol: known classes, numbered as their dataset does, and unknown ones.
///
/// The unknown ones are empty where all others are meant; those of CIFAR+10 and CIFAR+50 are
/// classes of CIFAR-100.
///
/// ```
/// use crosr_data::{PublishedSplit, published_splits};
///
/// let [first, ..] = published_splits(PublishedSplit::CifarPlus10);
/// assert_eq!(first.0, [4, 7, 9, 1]);
/// assert_eq!(first.1.len(), 10);
/// ```
pub fn published_splits(protocol: PublishedSplit) -> [(Vec<usize>, Vec<usize>); 5] {
    match protocol {
        PublishedSplit::Mnist => known(&MNIST),
        PublishedSplit::Svhn => known(&SVHN),
        PublishedSplit::Cifar10 => known(&CIFAR10),
        PublishedSplit::CifarPlus10 => both(&CIFAR_PLUS, &PLUS_10),
        PublishedSplit::CifarPlus50 => both(&CIFAR_PLUS, &PLUS_50),
        PublishedSplit::TinyImageNet => known(&TINY_IMAGENET),
    }
}

fn known<const N: usize>(known: &[[u8; N]; 5]) -> [(Vec<usize>, Vec<usize>); 5] {
    both(known, &[[]; 5])
}

fn both<const N: usize, const M: usize>(
    known: &[[u8; N]; 5],
    unknown: &[[u8; M]; 5],
) -> [(Vec<usize>, Vec<usize>); 5] {
    let numbers = |classes: &[u8]| classes.iter().map(|&class| usize::from(class)).collect();
    std::array::from_fn(|split| (numbers(&known[split]), numbers(&unknown[split])))
}

const MNIST: [[u8; 6]; 5] = [
    [2, 4, 5, 9, 8, 3],
    [3, 2, 6, 9, 4, 0],
    [5, 8, 3, 2, 4, 6],
    [3, 7, 8, 4, 0, 5],
    [6, 3, 4, 9, 8, 2],
];

const SVHN: [[u8; 6]; 5] = [
    [5, 3, 7, 2, 8, 6],
    [3, 8, 7, 6, 2, 5],
    [8, 9, 4, 7, 2, 1],
    [3, 8, 2, 5, 0, 6],
    [4, 9, 2, 7, 1, 0],
];

const CIFAR10: [[u8; 6]; 5] = [
    [0, 6, 4, 9, 1, 7],
    [7, 6, 4, 9, 0, 1],
    [1, 5, 7, 3, 9, 4],
    [8, 6, 1, 9, 0, 7],
    [2, 4, 1, 7, 9, 6],
];

const CIFAR_PLUS: [[u8; 4]; 5] = [
    [4, 7, 9, 1],
    [6, 7, 1, 9],
    [9, 6, 1, 7],
    [6, 4, 9, 1],
    [1, 0, 9, 8],
];

const PLUS_10: [[u8; 10]; 5] = [
    [30, 25, 1, 9, 8, 0, 46, 52, 49, 71],
    [41, 9, 49, 40, 73, 60, 48, 30, 95, 71],
    [8, 9, 49, 40, 73, 60, 48, 95, 30, 71],
    [95, 60, 30, 73, 46, 49, 68, 99, 8, 71],
    [33, 2, 3, 97, 46, 21, 64, 63, 88, 43],
];

const PLUS_50: [[u8; 50]; 5] = [
    [
        27, 94, 29, 77, 88, 26, 69, 48, 75, 5, 59, 93, 39, 57, 45, 40, 78, 20, 98, 47, 66, 70, 91,
        76, 41, 83, 99, 32, 53, 72, 2, 95, 21, 73, 84, 68, 35, 11, 55, 60, 30, 25, 1, 9, 8, 0, 46,
        52, 49, 71,
    ],
    [
        65, 97, 86, 24, 45, 67, 2, 3, 91, 98, 79, 29, 62, 82, 33, 76, 0, 35, 5, 16, 54, 11, 99, 52,
        85, 1, 25, 66, 28, 84, 23, 56, 75, 46, 21, 72, 55, 68, 8, 69, 41, 9, 49, 40, 73, 60, 48,
        30, 95, 71,
    ],
    [
        20, 83, 65, 97, 94, 2, 93, 16, 67, 29, 62, 33, 24, 98, 5, 86, 35, 54, 0, 91, 52, 66, 85,
        84, 56, 11, 1, 76, 25, 55, 21, 99, 72, 41, 23, 75, 28, 68, 69, 46, 8, 9, 49, 40, 73, 60,
        48, 95, 30, 71,
    ],
    [
        92, 82, 77, 64, 5, 33, 62, 56, 70, 0, 20, 28, 67, 14, 84, 53, 91, 29, 85, 2, 52, 83, 75,
        35, 11, 21, 72, 98, 55, 1, 41, 76, 25, 66, 69, 9, 48, 54, 40, 23, 95, 60, 30, 73, 46, 49,
        68, 99, 8, 71,
    ],
    [
        47, 6, 19, 0, 62, 93, 59, 65, 54, 70, 34, 55, 23, 38, 72, 76, 53, 31, 78, 96, 77, 27, 92,
        18, 82, 50, 98, 32, 1, 75, 83, 4, 51, 35, 80, 11, 74, 66, 36, 42, 33, 2, 3, 97, 46, 21, 64,
        63, 88, 43,
    ],
];

const TINY_IMAGENET: [[u8; 20]; 5] = [
    [
        108, 147, 17, 58, 193, 123, 72, 144, 75, 167, 134, 14, 81, 171, 44, 197, 152, 66, 1, 133,
    ],
    [
        198, 161, 91, 59, 57, 134, 61, 184, 90, 35, 29, 23, 199, 38, 133, 19, 186, 18, 85, 67,
    ],
    [
        177, 0, 119, 26, 78, 80, 191, 46, 134, 92, 31, 152, 27, 60, 114, 50, 51, 133, 162, 93,
    ],
    [
        98, 36, 158, 177, 189, 157, 170, 191, 82, 196, 138, 166, 43, 13, 152, 11, 75, 174, 193, 190,
    ],
    [
        95, 6, 145, 153, 0, 143, 31, 23, 189, 81, 20, 21, 89, 26, 36, 170, 102, 177, 108, 169,
    ],
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_class_is_listed_twice_and_all_exist() {
        use PublishedSplit::{Cifar10, CifarPlus10, CifarPlus50, Mnist, Svhn, TinyImageNet};
        // Classes there are, known ones, unknown ones listed.
        for (protocol, classes, known, unknown) in [
            (Mnist, 10, 6, 0),
            (Svhn, 10, 6, 0),
            (Cifar10, 10, 6, 0),
            (CifarPlus10, 10, 4, 10),
            (CifarPlus50, 10, 4, 50),
            (TinyImageNet, 200, 20, 0),
        ] {
            for (known_there, unknown_there) in published_splits(protocol) {
                let distinct: BTreeSet<_> = known_there.iter().collect();
                assert_eq!(distinct.len(), known, "{protocol:?} {known_there:?}");
                assert!(known_there.iter().all(|&class| class < classes));
                let distinct: BTreeSet<_> = unknown_there.iter().collect();
                assert_eq!(distinct.len(), unknown, "{protocol:?} {unknown_there:?}");
                assert!(unknown_there.iter().all(|&class| class < 100));
            }
        }
    }
}
