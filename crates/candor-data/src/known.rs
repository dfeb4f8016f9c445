//! Well-known data sets: where they are, how large their files are, and the hashes by which they are told from
//! anything else. [`fetch`] brings them onto this machine.
//!
//! The hashes of the files as the mirrors serve them are those that TensorFlow Datasets pins (`url_checksums/`). The
//! hashes of what they unpack to were computed here from the pictures themselves where those were at hand (all of
//! Fashion-MNIST, MNIST's test set); those of MNIST's training files are the published ones, as are those of CIFAR-10.

mod archive;
mod download;
mod error;
mod fetch;
mod verify;

pub use error::{Attempt, AttemptError, FetchError};
pub use fetch::{FetchOptions, Fetched, fetch};

use crate::demo::FASHION_MNIST_CLASSES;
use crate::source::CIFAR10_CLASSES;

/// One file of a well-known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// The file's name, on the mirrors and here.
    pub name: &'static str,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
    /// SHA-256 of what the gzip file unpacks to. A local copy that was packed anew, or unpacked, is known by it.
    pub unpacked_sha256: Option<&'static str>,
}

/// A well-known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDataset {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it holds, in a line.
    pub summary: &'static str,
    /// Licence, as its authors or keepers state it.
    pub licence: &'static str,
    /// Addresses under which the files are found, tried in this order; each ends with a slash.
    pub mirrors: &'static [&'static str],
    /// The files.
    pub files: &'static [KnownFile],
    /// Class names, in the order of the labels.
    pub classes: &'static [&'static str],
}

impl KnownDataset {
    /// Bytes of all files together, as the mirrors serve them.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// All of them.
pub fn known_datasets() -> &'static [KnownDataset] {
    &[MNIST, FASHION_MNIST, CIFAR10]
}

/// The one called `name`.
pub fn find(name: &str) -> Option<&'static KnownDataset> {
    known_datasets().iter().find(|dataset| dataset.name == name)
}

const MNIST: KnownDataset = KnownDataset {
    name: "mnist",
    summary: "handwritten digits: 60,000 to learn from and 10,000 to test on, grey, 28×28",
    licence: "CC BY-SA 3.0",
    mirrors: &[
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ],
    files: &[
        KnownFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 9_912_422,
            sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            unpacked_sha256: Some("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        },
        KnownFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 28_881,
            sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            unpacked_sha256: Some("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        },
        KnownFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 1_648_877,
            sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            unpacked_sha256: Some("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        },
        KnownFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 4_542,
            sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            unpacked_sha256: Some("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        },
    ],
    classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
};

const FASHION_MNIST: KnownDataset = KnownDataset {
    name: "fashion-mnist",
    summary: "pieces of clothing: 60,000 to learn from and 10,000 to test on, grey, 28×28",
    licence: "MIT",
    mirrors: &[
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ],
    files: &[
        KnownFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 26_421_880,
            sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            unpacked_sha256: Some("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        },
        KnownFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 29_515,
            sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            unpacked_sha256: Some("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        },
        KnownFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 4_422_102,
            sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            unpacked_sha256: Some("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        },
        KnownFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 5_148,
            sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            unpacked_sha256: Some("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        },
    ],
    classes: &FASHION_MNIST_CLASSES,
};

const CIFAR10: KnownDataset = KnownDataset {
    name: "cifar10",
    summary: "things and animals: 50,000 to learn from and 10,000 to test on, colour, 32×32",
    licence: "none stated; cite Krizhevsky, \"Learning multiple layers of features from tiny images\", 2009",
    mirrors: &[
        "https://www.cs.toronto.edu/~kriz/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ],
    files: &[KnownFile {
        name: "cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        unpacked_sha256: None,
    }],
    classes: &CIFAR10_CLASSES,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_pinned_and_every_mirror_is_a_folder() {
        for dataset in known_datasets() {
            assert_eq!(find(dataset.name), Some(dataset));
            assert!(dataset.mirrors.iter().all(|mirror| mirror.starts_with("http") && mirror.ends_with('/')));
            for file in dataset.files {
                for hash in std::iter::once(file.sha256).chain(file.unpacked_sha256) {
                    assert!(candor_core::SampleId::from_hex(hash).is_some(), "{} {hash}", file.name);
                }
            }
        }
        assert_eq!(find("imagenet"), None);
    }
}
