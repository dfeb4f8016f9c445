//! One folder a class, in one folder a subset where there are subsets: what Keras' `image_dataset_from_directory` and
//! torchvision's `ImageFolder` read.

use super::{ExportError, Exporting, Layout, file_name, picture_name};

pub(super) static LAYOUT: Layout = Layout {
    name: "class-folders",
    summary: "one folder a class, within train, validation and test where there is a split: Keras, torchvision",
    write,
};

fn write(exporting: &mut Exporting<'_>) -> Result<(), ExportError> {
    exporting.each(|exporting, original| {
        let folder = match original.subset {
            Some(subset) => exporting.out.join(subset.name()),
            None => exporting.out.to_owned(),
        };
        let name = format!("{}.{}", picture_name(original.sample), original.ending);
        exporting.write_file(&folder.join(file_name(original.class)).join(name), &original.bytes)
    })
}
