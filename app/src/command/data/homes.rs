//! Data sets with homes of their own: where their files lie, and the checksums that are published for them.

use std::path::{Path, PathBuf};

/// A data set that is fetched.
pub(super) struct Home {
    /// How it is asked for.
    pub(super) name: &'static str,
    /// What it is called.
    pub(super) title: &'static str,
    /// The format it comes in.
    pub(super) format: &'static str,
    /// URLs under which all of its files lie; where the first does not answer, the next is asked.
    pub(super) homes: &'static [&'static str],
    pub(super) files: &'static [File],
}

/// A file of a data set.
pub(super) struct File {
    pub(super) name: &'static str,
    /// How long it is, for the progress bar.
    pub(super) bytes: u64,
    /// MD5 as its home, or torchvision for it, publishes; it tells damage, not malice.
    pub(super) md5: &'static str,
}

impl Home {
    /// How long all files are.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// What `--data` takes once the files are in `folder`.
    pub(super) fn path_in(&self, folder: &Path) -> PathBuf {
        match self.files {
            [only] => folder.join(only.name),
            _ => folder.to_owned(),
        }
    }
}

const fn file(name: &'static str, bytes: u64, md5: &'static str) -> File {
    File { name, bytes, md5 }
}

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte.gz";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte.gz";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte.gz";

pub(super) const HOMES: &[Home] = &[
    Home {
        name: "mnist",
        title: "MNIST",
        format: "mnist",
        // Yann LeCun's page asks for a password since 2024; torchvision and Google keep the same files.
        homes: &["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
        files: &[
            file(TRAIN_IMAGES, 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            file(TRAIN_LABELS, 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            file(TEST_IMAGES, 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            file(TEST_LABELS, 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ],
    },
    Home {
        name: "fashion-mnist",
        title: "Fashion-MNIST",
        format: "mnist",
        homes: &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ],
        files: &[
            file(TRAIN_IMAGES, 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            file(TRAIN_LABELS, 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            file(TEST_IMAGES, 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            file(TEST_LABELS, 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ],
    },
    Home {
        name: "kmnist",
        title: "KMNIST (Kuzushiji)",
        format: "mnist",
        homes: &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        files: &[
            file(TRAIN_IMAGES, 18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
            file(TRAIN_LABELS, 29_497, "e144d726b3acfaa3e44228e80efcd344"),
            file(TEST_IMAGES, 3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
            file(TEST_LABELS, 5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
        ],
    },
    Home {
        name: "cifar10",
        title: "CIFAR-10",
        format: "cifar",
        homes: &["https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"],
        files: &[file("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a")],
    },
    Home {
        name: "cifar100",
        title: "CIFAR-100",
        format: "cifar",
        homes: &["https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"],
        files: &[file("cifar-100-python.tar.gz", 169_001_437, "eb9058c3a382ffc7106e4002c42a8d85")],
    },
    Home {
        name: "svhn",
        title: "SVHN (street view house numbers, cropped)",
        format: "svhn",
        homes: &["http://ufldl.stanford.edu/housenumbers/"],
        files: &[
            file("train_32x32.mat", 182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
            file("test_32x32.mat", 64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
        ],
    },
];
