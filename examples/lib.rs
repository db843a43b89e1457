//! What the examples share.

#![warn(missing_docs)]

pub mod arguments;
pub mod digit_images;
pub mod mnist;
pub mod program;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Every `[text](target)` of a Markdown document.
    fn links(text: &str) -> Vec<(&str, &str)> {
        let link = |(end, _): (usize, &str)| {
            let target = text[end + 2..].split(')').next()?;
            let label = text[..end].rfind('[').map(|start| &text[start + 1..end])?;
            Some((label, target))
        };
        text.match_indices("](").filter_map(link).collect()
    }

    /// What is wrong with the links of `document`: files that are not there, functions and types that the file
    /// lacks, and headings that the document lacks.
    fn faults(document: &Path) -> Vec<String> {
        let text = fs::read_to_string(document).expect("the document is part of the repository");
        let anchor = |heading: &str| {
            let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || "- _".contains(*c));
            kept.collect::<String>().to_lowercase().replace(' ', "-")
        };
        let headings = |text: &str| -> Vec<String> {
            text.lines().filter(|l| l.starts_with('#')).map(|l| anchor(l.trim_start_matches('#'))).collect()
        };
        let mut faults = Vec::new();
        for (label, target) in links(&text) {
            if let Some(wanted) = target.strip_prefix('#') {
                if !headings(&text).iter().any(|h| h == wanted) {
                    faults.push(format!("no heading #{wanted}"));
                }
                continue;
            }
            if target.contains("://") {
                continue;
            }
            let (target, wanted) = target.split_once('#').map_or((target, None), |(file, wanted)| (file, Some(wanted)));
            let path: PathBuf = document.parent().expect("a file has a folder").join(target);
            if let (Some(wanted), Ok(other)) = (wanted, fs::read_to_string(&path))
                && !headings(&other).iter().any(|h| h == wanted)
            {
                faults.push(format!("{target} has no heading #{wanted}"));
            }
            match (label.strip_prefix('`').and_then(|l| l.strip_suffix('`')), fs::read_to_string(&path)) {
                (_, Err(error)) if !path.exists() => faults.push(format!("{target}: {error}")),
                (Some(name), Ok(source)) if target.ends_with(".rs") && !target.ends_with(&format!("/{name}")) => {
                    let defined = [format!("fn {name}("), format!("fn {name}<"), format!("struct {name}")];
                    let module = source.starts_with("//!") && target.contains(&format!("/{name}/mod.rs"));
                    if !module && !defined.iter().any(|d| source.contains(d)) {
                        faults.push(format!("{target} has no fn {name}"));
                    }
                }
                _ => {}
            }
        }
        faults
    }

    #[test]
    fn the_documents_point_at_code_that_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let documents = [
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "docs/README.md",
            "docs/architecture.md",
            "docs/coming-from.md",
            "docs/command-line.md",
            "docs/data.md",
            "docs/derivation.md",
            "docs/distributed.md",
            "docs/embedded.md",
            "docs/larger-than-memory.md",
            "docs/models.md",
            "docs/pictures.md",
            "docs/side-by-side.md",
            "docs/tabular.md",
            "examples/data/README.md",
        ];
        for document in documents {
            assert_eq!(faults(&root.join(document)), Vec::<String>::new(), "{document}");
        }
    }

    #[test]
    fn a_link_that_points_nowhere_is_a_fault() {
        let folder = std::env::temp_dir().join(format!("nn-train-links-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        fs::write(folder.join("code.rs"), "//! A file.\nfn there() {}\n").expect("it can be written to");
        let document = folder.join("page.md");
        let text = "# A page\n[`there`](code.rs) [`gone`](code.rs) [x](none.rs) [y](#a-page) [z](#b) [w](https://a.b)";
        fs::write(&document, text).expect("it can be written to");
        let found = faults(&document);
        fs::remove_dir_all(&folder).expect("it can be removed");
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
