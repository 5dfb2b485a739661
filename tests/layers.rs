//! Within each crate, what imports what runs one way: no circle between its topmost folders and files.
//!
//! Reads `crate::…` in the sources, outside of comments and tests. Parents and their children are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Imports = BTreeMap<String, BTreeSet<String>>;

/// The sources of crates whose layers hold.
const CRATES: [&str; 6] = ["src", "protocol/src", "smtlib/src", "verifier/src", "simulator/src", "actors/src"];

/// What no module imports, and tests.
fn is_left_out(name: &str) -> bool {
    ["main", "lib", "bin", "tests", "testing"].contains(&name)
}

/// The code of a file without its comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that stand behind `crate::`, alone or in braces.
fn imported(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut is_first) = (0, true);
        for (at, c) in list.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => is_first = true,
                c if c.is_whitespace() => {}
                _ if is_first => {
                    found.insert(word(&list[at..]));
                    is_first = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn read(path: &Path, module: &str, imports: &mut Imports) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if is_left_out(name) {
            continue;
        }
        let module = if module.is_empty() { name } else { module };
        if path.is_dir() {
            read(&path, module, imports);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            imports.entry(module.to_owned()).or_default().extend(imported(&code(&fs::read_to_string(&path).unwrap())));
        }
    }
}

/// Takes away what imports nothing that is left, again and again: what remains is in circles, or imports one.
fn circles(imports: &Imports) -> BTreeSet<&str> {
    let mut left: BTreeSet<&str> = imports.keys().map(String::as_str).collect();
    loop {
        let is_free =
            |module: &&str| imports[*module].iter().all(|other| other == *module || !left.contains(other.as_str()));
        let free: BTreeSet<&str> = left.iter().copied().filter(is_free).collect();
        if free.is_empty() {
            return left;
        }
        left.retain(|module| !free.contains(module));
    }
}

#[test]
fn no_folder_imports_what_imports_it() {
    for source in CRATES {
        let mut imports = Imports::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source), "", &mut imports);
        assert!(imports.len() > 4, "{source} has modules: {imports:?}");
        let circles = circles(&imports);
        let shown: Vec<_> = circles.iter().map(|module| format!("{module} imports {:?}", imports[*module])).collect();
        assert!(circles.is_empty(), "in {source} these are in a circle, or import one:\n{}", shown.join("\n"));
    }
}

#[test]
fn imports_are_found_alone_and_in_braces_and_a_circle_by_them() {
    let text = "//! crate::not_this\nuse crate::{a::{x, y}, b};\nfn f() { crate::c::g() }\n#[cfg(test)]\nmod tests {\nuse crate::d;";
    assert_eq!(imported(&code(text)), ["a", "b", "c"].map(str::to_owned).into());
    let imports = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "e")];
    let imports: Imports = imports.iter().map(|(from, to)| ((*from).into(), [(*to).into()].into())).collect();
    assert_eq!(circles(&imports), ["a", "b", "c"].into());
}
