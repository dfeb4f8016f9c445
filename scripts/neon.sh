#!/bin/sh
# Runs the engine's tests as a 64-bit ARM processor would, under QEMU: first with the NEON kernels, then in plain Rust.
#
#   scripts/neon.sh [NAME …]
#
# NAME: only tests with this in their names, as `cargo test` takes them. All together take about ten minutes on two cores.
# Needs `rustup target add aarch64-unknown-linux-gnu` and, on Debian,
# `apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user`.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
for isa in neon portable; do
    echo "== $isa"
    # One test starts its own program again for the other instruction sets, which has no emulator: the loop stands for it.
    CANDOR_ISA=$isa cargo test -p candor-engine --target aarch64-unknown-linux-gnu -- \
        --skip every_instruction_set_passes_the_same_tests "$@"
done
