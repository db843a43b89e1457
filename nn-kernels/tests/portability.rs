//! What belongs to one kind of CPU stays in `isa`: the rest is generic over instruction sets, or it runs on one kind only.

use std::fs;
use std::path::{Path, PathBuf};

/// What source code calls an instruction set of one kind of CPU, or asks for.
const NAMES: [&str; 9] = [
    "target_arch",
    "target_feature",
    "is_x86_feature_detected",
    "std::arch",
    "core::arch",
    "_mm256_",
    "_mm512_",
    "Avx",
    "asm!",
];

/// All Rust files under a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn lines_with_names(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter(|(_, line)| NAMES.iter().any(|name| line.contains(name)))
        .map(|(number, line)| format!("{}:{}: {}", path.display(), number + 1, line.trim()))
        .collect()
}

#[test]
fn no_name_of_an_instruction_set_leaves_isa() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let isa = package.join("src/isa");
    let mut files = Vec::new();
    sources(&package.join("src"), &mut files);
    // The other packages lie beside this one, but not where it comes from a registry.
    let beside = ["nn-train/src", "nn-macros/src", "nn-embedded/src"].map(|folder| package.join("..").join(folder));
    beside.iter().filter(|folder| folder.is_dir()).for_each(|folder| sources(folder, &mut files));
    let (inside, outside): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.starts_with(&isa));
    let leaked: Vec<String> = outside.iter().flat_map(|path| lines_with_names(path)).collect();
    assert_eq!(leaked, Vec::<String>::new());
    // That the names would be found is seen where they belong.
    assert!(outside.len() > 40 && inside.iter().map(|path| lines_with_names(path).len()).sum::<usize>() > 20);
}
