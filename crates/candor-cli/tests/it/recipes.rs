//! Recipes in files and flags.

use crate::fixtures::Candor;

#[test]
fn mistakes_are_named_with_file_key_and_line_and_leave_nothing_behind() {
    let candor = Candor::new();
    candor.write_photos("photos", 6);
    candor.write("misspelt.toml", "[training]\nepohcs = 3\n");
    candor.write(
        "layer.toml",
        "[[network.layers]]\nkind = \"flatten\"\n\n[[network.layers]]\nkind = \"dens\"\n",
    );
    candor.write(
        "outputs.toml",
        "[[network.layers]]\nkind = \"flatten\"\n[[network.layers]]\nkind = \"dense\"\nunits = 5\nactivation = \"softmax\"\n",
    );
    let cases = [
        ("--recipe misspelt.toml", &["misspelt.toml", "line 2", "epohcs", "epochs"][..]),
        ("--recipe layer.toml", &["layer.toml", "layer 2", "line 4", "dens", "dense"]),
        ("--recipe missing.toml", &["missing.toml", "cannot be read"]),
        ("--recipe outputs.toml", &["5 outputs", "2 classes"]),
        ("--epochs ten", &["--epochs ten"]),
        ("--epochs 0", &["training.epochs = 0", "at least 1"]),
        ("--momentum 0.9", &["momentum", "adam"]),
        ("--architecture alexnet", &["alexnet", "simple-cnn"]),
        ("--architecture mnist-cnn --width-multiplier 0.5", &["width_multiplier = 0.5", "mobilenet-v2"]),
        ("--channels blue", &["blue", "grey"]),
        ("--batch-sise 3", &["--batch-sise", "--batch-size"]),
    ];
    for (flags, needles) in cases {
        let answer = candor.run(&format!("train photos --out run {flags}"));
        assert_eq!(answer.code, 2, "{flags}: {}", answer.stderr);
        for needle in needles {
            assert!(answer.stderr.contains(needle), "{flags}: {needle} is missing in {}", answer.stderr);
        }
        assert!(!candor.path("run").exists(), "{flags} left a folder behind");
    }
}

#[test]
fn flags_override_the_file_and_the_saved_recipe_makes_the_same_run_again() {
    let candor = Candor::new();
    candor.write_photos("photos", 8);
    candor.write(
        "mine.toml",
        r#"
        [preprocessing]
        height = 12
        width = 12
        channels = "grey"
        [[network.layers]]
        kind = "conv2d"
        filters = 4
        kernel = 3
        activation = "relu"
        [[network.layers]]
        name = "pool"
        kind = "global-avg-pool"
        [[network.layers]]
        kind = "dense"
        units = 1
        activation = "sigmoid"
        [training]
        epochs = 50
        "#,
    );
    let first = candor.json("train photos --recipe mine.toml --epochs 3 --out first");
    assert_eq!((&first["epochs"], &first["model"]["parameters"]), (&3.into(), &(40 + 5).into()));
    let saved = candor.text("first/recipe.toml");
    assert!(saved.contains("loss = \"binary-cross-entropy\""), "{saved}");
    candor.json("train photos --recipe first/recipe.toml --out second --threads 1");
    assert_eq!(candor.read("first/model.safetensors"), candor.read("second/model.safetensors"));
}
