//! The line of source that declares a network.

use nn_kernels::{Architecture, Element, Loss, number_text};

use crate::error::Error;

/// What no struct can be called: Rust's keywords, those that are reserved among them.
const KEYWORDS: [&str; 53] = [
    "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self", "static", "struct",
    "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield",
];

/// The `network!` line that declares a network of this architecture with numbers of type `T`: what a program needs to read a
/// file as a declared network. [`Network::declaration`](crate::Network::declaration) is that of a network.
///
/// ```
/// use nn_train::{Architecture, declaration};
///
/// let architecture: Architecture = "64 => 32 relu dropout(0.2) => 10 softmax, cross_entropy".parse()?;
/// assert_eq!(
///     declaration::<f64>("Digits", &architecture)?,
///     "network! { pub struct Digits<64 => 32 relu dropout(0.2) => 10 softmax>: f64; }"
/// );
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// The loss is left out where it is [the one](Loss::for_output) that goes with the output, and the element type where it
/// is `f32`. Initialisation and seed are not known of an architecture, and do not matter to a network that is read.
///
/// # Errors
/// [`Error::Argument`] for a name that is no identifier of ASCII letters, digits and `_`, or is a keyword.
pub fn declaration<T: Element>(name: &str, architecture: &Architecture) -> Result<String, Error> {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || KEYWORDS.contains(&name) {
        return Err(Error::argument("name", format_args!("{name:?}"), "a name for a struct, such as Digits"));
    }
    let mut text = format!("network! {{ pub struct {name}<{}", architecture.inputs());
    for layer in architecture.layers() {
        text += &format!(" => {} {}", layer.outputs, layer.activation);
        if layer.dropout > 0.0 {
            text += &format!(" dropout({})", number_text(layer.dropout));
        }
    }
    text += ">";
    if T::NAME != <f32 as Element>::NAME {
        text += &format!(": {}", T::NAME);
    }
    if architecture.loss() != Loss::for_output(architecture.output_activation()) {
        text += &format!(", loss = {}", architecture.loss());
    }
    Ok(text + "; }")
}
