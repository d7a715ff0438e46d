#!/bin/sh
# Builds the module and its JavaScript bindings into pkg/, beside the page.
# What it takes besides Rust: wasm-pack (cargo install wasm-pack). With rustc's own std, it is a
# tenth larger than what `cargo xtask` builds. This is the plain page, with ticks alone; with the
# editor of specs that `cargo xtask demo` shows: ./build.sh . --features spec
set -eu
cd "$(dirname "$0")"

if ! command -v wasm-pack >/dev/null; then
    echo "wasm-pack is missing; get it with: cargo install wasm-pack" >&2
    exit 1
fi

# Releases of wasm-opt before 119 (Debian 12 has 108) write a wrong index where a second table is
# exported, and wasm-bindgen exports one. Larger is better than broken.
wasm_opt=$(wasm-opt --version 2>/dev/null | cut -d ' ' -f 3)
if [ -n "$wasm_opt" ] && [ "$wasm_opt" -lt 119 ]; then
    echo "wasm-opt $wasm_opt is too old and stays unused; npm's binaryen has a newer one" >&2
    set -- --no-opt "$@"
fi

# The folders of this machine, off the file names of panics: they are kilobytes of the module.
std="$(rustc --print sysroot)/lib/rustlib/src/rust/library"
CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$std=std"
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    CARGO_ENCODED_RUSTFLAGS="$CARGO_ENCODED_RUSTFLAGS$(printf '\037')--remap-path-prefix=$registry="
done
export CARGO_ENCODED_RUSTFLAGS

wasm-pack build --target web --profile wasm-release "$@"
