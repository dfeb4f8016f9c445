//! The drawing as a file of its own.

use std::path::Path;

use candor_report::network_svg;

use crate::fixture::drawing;

/// Names of the elements that are open at each closing tag match; there is no HTML shorthand.
fn check_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in xml.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)) {
        let name = tag.split_whitespace().next().unwrap_or(tag);
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "in <{tag}>"),
            None if name.starts_with('?') || tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn it_is_well_formed_at_any_depth() {
    for layers in [6, 12, 40] {
        let svg = network_svg(&drawing(layers, 10));
        check_well_formed(&svg);
        assert!(svg.contains("xmlns=\"http://www.w3.org/2000/svg\""));
        assert_eq!(svg.matches("class=\"label\"").count(), layers + 1, "every layer and the input");
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("network-{layers}.svg"));
        std::fs::write(copy, svg).expect("the drawing can be kept for a person to look at");
    }
}
