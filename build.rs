//! Tells `pop-verifier` where the solver library lies: an rpath from a dependency would not reach it.
//!
//! `pop` itself is not linked to the library: it calls nothing of it.

fn main() {
    let origin =
        if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") { "@loader_path" } else { "$ORIGIN" };
    // In order: installed under a prefix; beside the program, for a foreign target folder; `target/<profile>`; and one
    // folder deeper, for tests and benches.
    for place in ["../lib/proof-of-proof", ".", "../../.z3/lib", "../../../.z3/lib"] {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{origin}/{place}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
