//! What a call of `network!` says, word by word, before anyone asks whether it makes sense.
//!
//! Names are still names here and numbers still literals: [`crate::check`] is where they get their meaning.
//! Every node keeps the span at which a fault in it is reported.

use proc_macro2::{Group, Span, TokenStream};
use syn::{Attribute, ExprPath, Ident, Lit, Visibility};

/// A call of `network!`, in either form.
pub(crate) enum Call {
    /// `pub struct Digits<64 => 10>;`
    Item(Box<Item>),
    /// `2 => 4 => 4 => 4`, with or without `<…>` around it.
    Expression(Declaration),
    /// Nothing that would tell which form was meant.
    Unclear,
}

/// The item form: a type and what it is made of.
pub(crate) struct Item {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// `None` after a fault: there is then nothing to emit.
    pub(crate) name: Option<Ident>,
    pub(crate) declaration: Declaration,
}

/// `<SHAPE>: f32, option = value, …`.
#[derive(Default)]
pub(crate) struct Declaration {
    /// Layers of units, the input first.
    pub(crate) layers: Vec<Layer>,
    /// A fault left the shape as a whole unreadable, so that nothing may be concluded from what is missing in it.
    pub(crate) broken: bool,
    pub(crate) element: Option<Ident>,
    pub(crate) settings: Vec<Setting>,
}

/// One layer of units: `256 relu dropout(0.2)`.
pub(crate) struct Layer {
    pub(crate) width: Width,
    pub(crate) modifiers: Vec<Term>,
}

/// How many units a layer has.
#[derive(Clone)]
pub(crate) enum Width {
    /// An integer literal, or what a faulty literal most likely meant.
    Literal(u64, Span),
    /// A path to a `const …: usize`.
    Path(ExprPath),
    /// A constant expression in braces.
    Computed(Group),
    /// A fault, reported where it was found.
    Unknown,
}

/// A name with arguments in parentheses, or without them: `relu`, `dropout(0.2)`, `huber(1.0)`.
pub(crate) struct Term {
    pub(crate) name: Ident,
    pub(crate) arguments: Option<Arguments>,
}

/// The arguments of a [`Term`].
pub(crate) struct Arguments {
    pub(crate) span: Span,
    pub(crate) values: Vec<Value>,
}

/// `option = value`.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    /// `None` after a fault.
    pub(crate) value: Option<Value>,
}

/// What stands behind an option's `=`, or between parentheses.
pub(crate) enum Value {
    /// A literal, perhaps with a minus before it.
    Literal { negative: Option<Span>, literal: Lit },
    /// A name with or without arguments.
    Named(Term),
    /// Anything else.
    Other(TokenStream),
}
