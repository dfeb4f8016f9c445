//! What a run leaves for other programs: they read it with their own readers.

use serde_json::Value;

use crate::fixtures::Candor;
use crate::python::Python;

const TABLES: &str = "
import sys, pathlib, pandas
run = pathlib.Path(sys.argv[1])
texts = {name: str for name in ('split', 'id', 'source', 'url', 'group', 'truth', 'predicted')}
csv = pandas.read_csv(run / 'predictions.csv', dtype={**texts, 'p(dark)': 'float32', 'p(light)': 'float32'})
parquet = pandas.read_parquet(run / 'predictions.parquet', engine='pyarrow')
assert list(csv) == list(parquet), (list(csv), list(parquet))
for name in parquet:
    numbers = name in ('index', 'row') or name.startswith('p(')
    assert pandas.api.types.is_numeric_dtype(parquet[name]) == numbers, name
    assert (csv[name].isna() == parquet[name].isna()).all(), name
    there = ~csv[name].isna()
    assert (csv[name][there] == parquet[name][there]).all(), name
print(len(parquet), (parquet['split'] == 'test').sum(), parquet['row'].isna().all())
";

const CROISSANT: &str = "
import sys, logging, mlcroissant
dataset = mlcroissant.Dataset(jsonld=sys.argv[1])
records = list(dataset.records('pictures'))
issues = dataset.metadata.ctx.issues
first = records[0]
print(dataset.metadata.ctx.conforms_to.name, len(issues.errors), len(records), first['pictures/class'].decode(), len(first['pictures/id']))
";

const QUICK: &str = "--architecture linear --height 8 --width 8 --epochs 1 --no-baselines";

#[test]
fn pandas_reads_the_same_predictions_from_both_tables() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    candor.json(&format!("study photos --out run {QUICK}"));
    assert_eq!(candor.read("run/predictions.parquet")[..4], *b"PAR1");
    let Some(python) = Python::with("pandas, pyarrow", "pandas_reads_the_same_predictions_from_both_tables")
    else {
        return;
    };
    assert_eq!(python.ask(TABLES, &candor.path("run")), "40 8 True");
}

#[test]
fn the_pictures_are_described_in_croissant() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    candor.json(&format!("train photos --out run {QUICK}"));
    candor.json("report run --croissant described");
    let description: Value = serde_json::from_str(&candor.text("described/croissant.json")).unwrap();
    let file = &description["distribution"][0];
    let table = candor.read("described/pictures.csv");
    assert_eq!(file["sha256"], candor_core::SampleId::of(&table).to_string());
    assert_eq!(file["contentSize"], format!("{} B", table.len()));
    assert!(!candor.path("run/looks.json").exists(), "which picture is where is no look");
    let Some(python) = Python::with("mlcroissant", "the_pictures_are_described_in_croissant") else { return };
    assert_eq!(python.ask(CROISSANT, &candor.path("described/croissant.json")), "V_1_1 0 40 dark 64");
}
