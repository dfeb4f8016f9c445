//! The pictures inside the binary: the test set of Fashion-MNIST, 10,000 grey pictures of 28×28 in ten classes.
//!
//! Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms",
//! 2017; MIT licence, see `assets/fashion-mnist/LICENSE`.

use crate::source::Source;

/// The class names of Fashion-MNIST, in the order of its labels.
pub const FASHION_MNIST_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Unpacks the 10,000 pictures; no predefined split.
pub fn fashion_mnist() -> Source {
    todo!()
}
