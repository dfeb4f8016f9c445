//! The other tests use the best instruction set of the machine; here they run again on each of the others.

use std::process::Command;

use candor_engine::Isa;

/// The modules whose tests compare figures; this one is not among them, so that it does not call itself.
const MODULES: [&str; 4] = ["goldens::", "random_networks::", "promises::", "precision::"];

#[test]
fn every_instruction_set_passes_the_same_tests() {
    let in_use = Isa::detect();
    for isa in Isa::available().into_iter().filter(|isa| *isa != in_use) {
        let tests = std::env::current_exe().expect("a test knows its program");
        let output = Command::new(tests).args(MODULES).env("CANDOR_ISA", isa.name()).output();
        let output = output.expect("the program runs again");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("0 failed"), "on {isa}:\n{text}");
    }
}
