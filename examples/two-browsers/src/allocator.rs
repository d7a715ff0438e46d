//! Rust's own allocator takes 7 KB of a module, this one a quarter of that.

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
