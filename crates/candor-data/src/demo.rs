//! The pictures inside the binary: the test set of Fashion-MNIST, 10,000 grey pictures of 28×28 in ten classes.
//!
//! Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms",
//! 2017; MIT licence, see `assets/fashion-mnist/LICENSE`.

use candor_core::Channels;
use flate2::read::GzDecoder;

use crate::source::{Source, idx};

/// The class names of Fashion-MNIST, in the order of its labels.
#[rustfmt::skip]
pub const FASHION_MNIST_CLASSES: [&str; 10] = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
];

const PICTURES: &[u8] = include_bytes!("../assets/fashion-mnist/t10k-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../assets/fashion-mnist/t10k-labels-idx1-ubyte.gz");

/// Unpacks the 10,000 pictures, 1,000 a class; no predefined split.
pub fn fashion_mnist() -> Source {
    let unpacks = "the binary holds whole IDX files";
    let (sizes, pixels) =
        idx::read_values::<3>(GzDecoder::new(PICTURES), "pictures", 1 << 30).expect(unpacks);
    let (_, labels) = idx::read_values::<1>(GzDecoder::new(LABELS), "labels", 1 << 30).expect(unpacks);
    let labels: Vec<usize> = labels.into_iter().map(usize::from).collect();
    let [_, height, width] = sizes;
    let size = (height, width, Channels::Grey);
    Source::in_memory("fashion-mnist t10k", &FASHION_MNIST_CLASSES, &labels, size, pixels)
}

#[cfg(test)]
mod tests {
    use candor_core::Dataset;

    use super::*;

    #[test]
    fn there_are_a_thousand_pictures_a_class() {
        let source = fashion_mnist();
        let mut counts = [0; 10];
        source.samples().iter().for_each(|sample| counts[sample.class] += 1);
        assert_eq!(counts, [1000; 10]);
        let first = source.image(0).unwrap();
        assert_eq!((first.width(), first.height(), source.samples()[0].class), (28, 28, 9));
        assert_eq!(source.classes()[9], "Ankle boot");
    }
}
