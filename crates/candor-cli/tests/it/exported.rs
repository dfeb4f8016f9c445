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

const PICTURES: &str = "
import sys, pathlib, json, tarfile, hashlib, pyarrow.parquet
out = pathlib.Path(sys.argv[1])
seen = {}
for layout in ('parquet', 'web-dataset'):
    found = []
    for file in sorted((out / layout).rglob('*.parquet')):
        table = pyarrow.parquet.read_table(file)
        names = json.loads(table.schema.metadata[b'huggingface'])['info']['features']['label']['names']
        for row in table.to_pylist():
            assert row['image']['path'].startswith(names[row['label']]), row['image']['path']
            found.append((file.name.split('-')[0], names[row['label']], hashlib.sha256(row['image']['bytes']).hexdigest()))
    for file in sorted((out / layout).rglob('*.tar')):
        with tarfile.open(file) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}
        for name in [name for name in members if name.endswith('.cls')]:
            key = name[:-4]
            told = json.loads(members[key + '.json'])
            assert told['class'] == ['dark', 'light'][int(members[name])]
            found.append((file.name.split('-')[0], told['class'], hashlib.sha256(members[key + '.bmp']).hexdigest()))
    seen[layout] = sorted(found)
assert seen['parquet'] == seen['web-dataset']
print(len(seen['parquet']), sum(subset == 'test' for subset, _, _ in seen['parquet']), len(set(seen['parquet'])))
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

#[test]
fn pyarrow_and_tarfile_read_the_pictures() {
    let candor = Candor::new();
    candor.write_photos("photos", 10);
    candor.json("import photos --study s");
    candor.json("split s --together none");
    for layout in ["parquet", "web-dataset"] {
        let written = candor.json(&format!("export s --to {layout} --out out/{layout}"));
        assert_eq!((&written["pictures"], &written["files"]), (&20.into(), &3.into()));
    }
    let words = candor.run("export s --to class-folders --out folders --split all").stdout;
    assert!(words.starts_with("Written into folders (class-folders): 20 pictures, files: 20."), "{words}");
    let refused = candor.run("export s --to class-folders --out folders");
    assert!(refused.code == 1 && refused.stderr.contains("not empty"), "{}", refused.stderr);
    for wrong in [
        "export s",
        "export s --to parquet",
        "export s --to nonsense --out x",
        "export s --onnx x --to parquet --out y",
    ] {
        assert_eq!(candor.run(wrong).code, 2, "{wrong}");
    }
    let Some(python) = Python::with("pyarrow", "pyarrow_and_tarfile_read_the_pictures") else { return };
    assert_eq!(python.ask(PICTURES, &candor.path("out")), "20 4 20");
}
