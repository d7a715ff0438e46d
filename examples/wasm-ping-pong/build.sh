#!/bin/sh
# Builds the module and its JavaScript bindings into pkg/, beside the page.
# What it takes besides Rust: wasm-pack (cargo install wasm-pack).
set -eu
cd "$(dirname "$0")"

if ! command -v wasm-pack >/dev/null; then
    echo "wasm-pack is missing; get it with: cargo install wasm-pack" >&2
    exit 1
fi

wasm-pack build --target web --profile wasm-release "$@"
