//! Tells this crate's test programs where the solver library lies: an rpath from a dependency would not reach them.

fn main() {
    // Test programs lie in `target/<profile>/deps`, the library in `.z3/lib` beside `target`.
    let origin =
        if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") { "@loader_path" } else { "$ORIGIN" };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{origin}/../../../.z3/lib");
    println!("cargo::rerun-if-changed=build.rs");
}
