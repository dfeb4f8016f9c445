//! `docs/report.schema.json` says what is in every record, and nothing else is in one.

use candor_report::{Report, to_json};
use serde_json::Value;

use crate::fixture::{Wanted, report};

fn published() -> Value {
    serde_json::from_str(include_str!("../../../../docs/report.schema.json")).expect("the schema is JSON")
}

/// The schema without its tolerance of new fields: for readers the record may grow, for us it may not grow in silence.
fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(map) => {
            if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            map.values_mut().for_each(|value| *value = strict(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| *value = strict(value.take())),
        _ => {}
    }
    schema
}

/// What is wrong with `record`, one line a fault.
fn faults(schema: &Value, record: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("the schema is one");
    validator.iter_errors(record).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn record(report: &Report) -> Value {
    serde_json::from_str(&to_json(report)).expect("the record is JSON")
}

#[test]
fn every_record_is_as_the_schema_says_and_has_no_field_that_it_does_not_name() {
    let wanted = |classes, models| report(&Wanted { classes, models, layers: 6, picture_px: 20 });
    let mut diverged = wanted(2, 1);
    diverged.models[0].training.history.epochs[3].train.loss = f64::NAN;
    let mut unjudged = wanted(2, 1);
    unjudged.models[0].evaluations.clear();
    (unjudged.data.sizes, unjudged.models[0].training.history.best_epoch) = (None, None);
    for (name, report) in
        [("two", wanted(2, 1)), ("six", wanted(6, 2)), ("diverged", diverged), ("unjudged", unjudged)]
    {
        let record = record(&report);
        assert_eq!(faults(&published(), &record), [""; 0], "{name}");
        let unnamed = faults(&strict(published()), &record);
        assert_eq!(unnamed, [""; 0], "{name}: add new fields to docs/report.schema.json");
    }
}

#[test]
fn a_record_that_is_not_as_the_schema_says_is_refused() {
    let mut wrong = record(&report(&Wanted { classes: 2, models: 1, layers: 6, picture_px: 20 }));
    wrong["models"][0]["evaluations"][0]["evaluation"]["accuracy"]["value"] = 1.5.into();
    wrong["data"]["samples"][0]["id"] = "short".into();
    assert_eq!(faults(&published(), &wrong).len(), 2);
}
