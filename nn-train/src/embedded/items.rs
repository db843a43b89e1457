//! The items of a Rust source that some code needs: what a file with no dependency is made of.

use std::collections::BTreeSet;

/// An item as rustfmt writes it: documentation, then code up to a line that is `}` or ends with `;` and begins no
/// block.
struct Item<'a> {
    text: &'a str,
    /// `None` of an `impl`.
    name: Option<&'a str>,
}

/// The items of `sources` that `code` names, and that these name, in the order in which they stand there, and all
/// `impl`s. They are private.
pub(super) fn needed(sources: &[&str], code: &str) -> String {
    let items: Vec<Item<'_>> = sources.iter().flat_map(|source| items(source)).collect();
    let mut wanted: BTreeSet<&str> = identifiers(code).collect();
    let mut taken = vec![false; items.len()];
    while let Some(next) =
        (0..items.len()).find(|&k| !taken[k] && items[k].name.is_none_or(|name| wanted.contains(name)))
    {
        taken[next] = true;
        wanted.extend(identifiers(items[next].text));
    }
    let mut text = String::new();
    for (item, _) in items.iter().zip(taken).filter(|(_, taken)| *taken) {
        // Constants of one line stand together.
        let close = text.is_empty() || (is_constant(item) && text.ends_with(";\n"));
        text.push_str(if close { "" } else { "\n" });
        for line in item.text.lines() {
            text.push_str(line.strip_prefix("pub ").unwrap_or(line));
            text.push('\n');
        }
    }
    text
}

fn is_constant(item: &Item<'_>) -> bool {
    item.text.ends_with(';')
}

/// The items behind the `use` lines.
fn items(source: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let (mut start, mut end) = (0, 0);
    for line in source.split_inclusive('\n') {
        end += line.len();
        let code = line.trim_end();
        if code.is_empty() && source[start..end].trim().is_empty()
            || code.starts_with("//!")
            || code.starts_with("use ")
        {
            start = end;
        } else if code == "}" || (!code.starts_with([' ', '/']) && code.ends_with(';')) {
            let text = source[start..end].trim();
            items.push(Item { text, name: name(text) });
            start = end;
        }
    }
    items
}

fn name(item: &str) -> Option<&str> {
    let code = item.lines().find(|line| !line.starts_with("//"))?;
    let code = code.strip_prefix("pub ").unwrap_or(code);
    let rest = ["fn ", "const ", "trait "].iter().find_map(|keyword| code.strip_prefix(keyword))?;
    identifiers(rest).next()
}

/// The words of code; comments are none.
fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')).filter(|word| !word.is_empty())
}
