//! The words of the grammar: every activation, loss, initialisation, option and element type, with what it takes.
//!
//! The tables are what checks, suggestions, the expansion and the tests read, so that a word stands in one place.

/// A word that stands for a variant of an enum of `nn-train`.
#[derive(Debug)]
pub(crate) struct Word {
    /// As a call writes it.
    pub(crate) name: &'static str,
    /// The variant's name.
    pub(crate) variant: &'static str,
    /// The number it takes in parentheses, if it takes one.
    pub(crate) argument: Option<Argument>,
}

/// A number in parentheses behind a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Argument {
    /// What the number is.
    pub(crate) meaning: &'static str,
    /// The word with a sensible number.
    pub(crate) example: &'static str,
    /// Which numbers are right, in words.
    pub(crate) range: &'static str,
    /// Which numbers are right. Literals are finite or, by overflow, infinite; never NaN.
    pub(crate) contains: fn(f64) -> bool,
    /// Whether the network computes with it in its own element type, in which it must not round to 0 or infinity.
    pub(crate) rounded: bool,
}

const fn plain(name: &'static str, variant: &'static str) -> Word {
    Word { name, variant, argument: None }
}

pub(crate) const SOFTMAX: &str = "softmax";
pub(crate) const CROSS_ENTROPY: &str = "cross_entropy";

pub(crate) static ACTIVATIONS: [Word; 10] = [
    plain("sigmoid", "Sigmoid"),
    plain("tanh", "Tanh"),
    plain("relu", "Relu"),
    Word {
        name: "leaky_relu",
        variant: "LeakyRelu",
        argument: Some(Argument {
            meaning: "slope",
            example: "leaky_relu(0.01)",
            range: "a finite number",
            contains: f64::is_finite,
            rounded: true,
        }),
    },
    plain("elu", "Elu"),
    plain("gelu", "Gelu"),
    plain("silu", "Silu"),
    plain("softplus", "Softplus"),
    plain("linear", "Linear"),
    plain(SOFTMAX, "Softmax"),
];

pub(crate) static LOSSES: [Word; 4] = [
    plain(CROSS_ENTROPY, "CrossEntropy"),
    plain("mse", "Mse"),
    plain("mae", "Mae"),
    Word {
        name: "huber",
        variant: "Huber",
        argument: Some(Argument {
            meaning: "threshold",
            example: "huber(1.0)",
            range: "a finite number above 0",
            contains: |value| value.is_finite() && value > 0.0,
            rounded: true,
        }),
    },
];

pub(crate) static INITS: [Word; 7] = [
    plain("xavier_uniform", "XavierUniform"),
    plain("xavier_normal", "XavierNormal"),
    plain("he_uniform", "HeUniform"),
    plain("he_normal", "HeNormal"),
    plain("lecun_uniform", "LecunUniform"),
    plain("lecun_normal", "LecunNormal"),
    Word {
        name: "symmetric",
        variant: "Symmetric",
        argument: Some(Argument {
            meaning: "epsilon",
            example: "symmetric(0.12)",
            range: "a finite number above 0",
            contains: |value| value.is_finite() && value > 0.0,
            rounded: true,
        }),
    },
];

/// Names of families that have a uniform and a normal member but none that is just the family, and how the
/// members begin.
pub(crate) const INIT_FAMILIES: [(&str, &str); 5] =
    [("xavier", "xavier"), ("glorot", "xavier"), ("he", "he"), ("kaiming", "he"), ("lecun", "lecun")];

/// `dropout(p)`, which follows a width as an activation does, but is not one.
pub(crate) static DROPOUT: Word = Word {
    name: "dropout",
    variant: "",
    argument: Some(Argument {
        meaning: "probability",
        example: "dropout(0.2)",
        range: "at least 0 and below 1",
        contains: |value| (0.0..1.0).contains(&value),
        rounded: false,
    }),
};

pub(crate) const OPTIONS: [&str; 4] = ["loss", "init", "seed", "crate"];
pub(crate) const ELEMENTS: [&str; 2] = ["f32", "f64"];

/// Other names under which people know a word, and the word.
const SYNONYMS: [(&str, &str); 36] = [
    ("logistic", "sigmoid"),
    ("sigma", "sigmoid"),
    ("swish", "silu"),
    ("rectifier", "relu"),
    ("lrelu", "leaky_relu"),
    ("identity", "linear"),
    ("id", "linear"),
    ("none", "linear"),
    ("bce", "cross_entropy"),
    ("ce", "cross_entropy"),
    ("xent", "cross_entropy"),
    ("log_loss", "cross_entropy"),
    ("nll", "cross_entropy"),
    ("binary_cross_entropy", "cross_entropy"),
    ("categorical_cross_entropy", "cross_entropy"),
    ("l2", "mse"),
    ("squared", "mse"),
    ("squared_error", "mse"),
    ("mean_squared_error", "mse"),
    ("l1", "mae"),
    ("absolute", "mae"),
    ("mean_absolute_error", "mae"),
    ("smooth_l1", "huber"),
    ("glorot_uniform", "xavier_uniform"),
    ("glorot_normal", "xavier_normal"),
    ("kaiming_uniform", "he_uniform"),
    ("kaiming_normal", "he_normal"),
    ("uniform", "symmetric"),
    ("cost", "loss"),
    ("objective", "loss"),
    ("initialisation", "init"),
    ("initialization", "init"),
    ("initialiser", "init"),
    ("initializer", "init"),
    ("float", "f32"),
    ("double", "f64"),
];

/// The names of a table.
pub(crate) fn names(words: &'static [Word]) -> Vec<&'static str> {
    words.iter().map(|word| word.name).collect()
}

/// What to write for `found`: the nearest of `known`, or else all of them.
pub(crate) fn mend(found: &str, known: &[&str]) -> String {
    match nearest(found, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("expected {}", listed(known)),
    }
}

/// The one of `known` that `found` most likely meant, if it is near to any.
pub(crate) fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found = snake_case(found);
    let synonym = SYNONYMS.iter().filter(|(other, _)| *other == found).find_map(|(_, name)| position(known, name));
    if synonym.is_some() {
        return synonym;
    }
    let squeezed = found.replace('_', "");
    known
        .iter()
        .map(|name| (strsim::osa_distance(&squeezed, &name.replace('_', "")), *name))
        .min_by_key(|(distance, _)| *distance)
        // A third of the letters wrong is a slip; more is another word.
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3) && *distance < squeezed.len())
        .map(|(_, name)| name)
}

fn position<'a>(known: &[&'a str], name: &str) -> Option<&'a str> {
    known.iter().copied().find(|other| *other == name)
}

/// `LeakyRelu` and `ReLU` as this grammar would write them, near enough for a comparison.
fn snake_case(found: &str) -> String {
    let mut name = String::with_capacity(found.len() + 4);
    let mut after_lower = false;
    for letter in found.chars() {
        if letter.is_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = letter.is_lowercase();
        name.extend(letter.to_lowercase());
    }
    name
}

/// `` `a`, `b` or `c` ``.
fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
