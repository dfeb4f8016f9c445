//! The published figures come out of the command itself.

use crate::fixtures::Candor;

#[test]
fn parameter_counts_are_the_published_ones() {
    let candor = Candor::new();
    let list = candor.json("models");
    let count = |name: &str| {
        let models = list["models"].as_array().unwrap();
        models.iter().find(|model| model["name"] == name).unwrap()["parameters"].as_u64().unwrap()
    };
    assert_eq!((count("mnist-cnn"), count("simple-cnn")), (34_826, 92_868));
    assert_eq!(candor.json("models vgg16")["base_parameters"], 14_714_688);
}

#[test]
fn a_table_shows_every_layer() {
    let candor = Candor::new();
    let table = candor.run("models simple-cnn --input 64x64x1 --classes 4 --svg net.svg").stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let parameters = |layer: &str| {
        let row =
            rows.iter().find(|row| row.first() == Some(&layer)).unwrap_or_else(|| panic!("{layer}: {table}"));
        row[row.len() - 2].replace(',', "").parse::<u64>().unwrap()
    };
    let layers = ["conv2d_1", "conv2d_2", "conv2d_3", "dense_1", "dense_2"];
    assert_eq!(layers.map(parameters), [320, 9_248, 9_248, 73_792, 260]);
    assert!(table.contains("Total: 92,868 parameters"), "{table}");
    assert!(candor.text("net.svg").contains("<svg"));
}

#[test]
fn every_architecture_s_table_fits_80_columns() {
    let candor = Candor::new();
    let list = candor.json("models");
    let names = list["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap());
    for name in names.chain([""]) {
        let text = candor.run(&format!("models {name}")).stdout;
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn what_cannot_be_built_says_which_layer_and_what_is_unknown_what_there_is() {
    let candor = Candor::new();
    let small = candor.run("models simple-cnn --input 8x8x1");
    assert_eq!(small.code, 1);
    assert!(small.stderr.contains("max_pool2d_2"), "{}", small.stderr);
    let unknown = candor.run("models alexnet");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("mnist-cnn, lenet5"), "{}", unknown.stderr);
    assert_eq!(candor.run("models linear --input 8x8").code, 2);
}
