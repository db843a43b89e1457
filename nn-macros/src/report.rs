//! Faults: all of one call are collected, each at its own span, and go to the compiler together.
//!
//! The wording of every fault stands in the one table at the end. A message says what was found, and what to
//! write instead.

use std::fmt;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The faults of one call, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Report {
    faults: Vec<syn::Error>,
}

impl Report {
    /// A fault at one token.
    pub(crate) fn at(&mut self, span: Span, fault: Fault) {
        self.faults.push(syn::Error::new(span, fault));
    }

    /// A fault over all of `tokens`.
    pub(crate) fn over(&mut self, tokens: impl ToTokens, fault: Fault) {
        self.faults.push(syn::Error::new_spanned(tokens, fault));
    }

    /// The messages alone.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.faults.iter().map(ToString::to_string).collect()
    }

    /// One `compile_error!` a fault, or `None` if there is no fault.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        let combined = self.faults.into_iter().reduce(|mut all, fault| {
            all.combine(fault);
            all
        })?;
        Some(combined.into_compile_error())
    }
}

/// Writes the enum of faults and its `Display` from one table, so that a fault and its wording stand together.
macro_rules! faults {
    ($( $Fault:ident $({ $($field:ident),+ })? => $wording:literal; )+) => {
        /// Something that a person got wrong.
        #[derive(Debug, Clone)]
        pub(crate) enum Fault {
            $( $Fault $({ $($field: String),+ })?, )+
        }

        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$Fault $({ $($field),+ })? => write!(f, $wording), )+
                }
            }
        }
    };
}

faults! {
    // The call as a whole.
    Empty =>
        "there is no network here; declare a type with `network! {{ struct Digits<64 => 48 => 10>; }}` or make \
         a network with `network!(2 => 4 => 4 => 4)`";
    NotAStruct { found } =>
        "found `{found}`; a network is a struct: `struct Name<64 => 10>;`";
    StructMissing =>
        "the keyword `struct` is missing before the name; write `struct Name<64 => 10>;`";
    NamedExpression { name } =>
        "a network as a value has no name: leave `{name}` out, or declare the type with `struct {name}<…>;`";
    NameMissing { found } =>
        "expected the network's name after `struct`, found {found}; write `struct Name<64 => 10>;`";
    ShapeMissing { found } =>
        "expected the shape after the name, found {found}; write it in angle brackets: `<64 => 48 => 10>`";
    ShapeDelimiter { found } =>
        "the shape stands in angle brackets, found `{found}`; write `<64 => 48 => 10>`";
    ShapeOpen =>
        "the `<` before the shape is never closed; write `>` behind the last layer";
    ShapeTurbofish =>
        "there is no `::` between a declaration's name and its shape; write `Name<64 => 10>`";
    SemicolonMissing =>
        "the declaration does not end; write `;` behind it";
    SemicolonInExpression =>
        "a network as a value takes no `;` in its parentheses; remove it, or declare a type with `struct Name<…>;`";
    Body =>
        "a network has no fields but its layers; end the declaration with `;`";
    Where =>
        "a network has no type parameters and needs no `where`; remove the clause";
    Generics { found } =>
        "a network has no parameters of its own, found {found}; a width is a literal or a path to a constant";
    SecondItem =>
        "one call of `network!` declares one network; write another `network!` for this one";
    Unexpected { found } =>
        "unexpected {found}; behind the shape stand `: f32` or `: f64`, options such as `, seed = 1`, and the end";
    Syntax { message } =>
        "{message}";

    // Attributes.
    InnerAttribute =>
        "an attribute of the network stands outside of it; write `#[…]` without `!`";
    DeriveEmitted { name } =>
        "a network implements `{name}` already; remove it from the derive";
    DeriveCopy =>
        "a network may be megabytes large and is not `Copy`, lest it be copied through the stack unseen; use `clone` \
         on its box";
    DeriveImpossible { name } =>
        "`{name}` cannot be derived: the parameters are floating-point numbers; remove it from the derive";
    DeriveDefault =>
        "`Default` cannot be derived: a network starts from random parameters; make one with `Name::new(seed)`";
    DeriveSerde { name } =>
        "`{name}` comes with the feature `serde` of nn-train; enable that, and remove it from the derive";
    Repr =>
        "a network is always `#[repr(C)]`, on which its flat view of the parameters relies; remove the attribute";

    // The shape.
    LayersMissing { found } =>
        "a network needs an input and at least one layer, found {found}; write `64 => 10`";
    ArrowLeading =>
        "the shape starts with `=>`; the input's width comes first: `64 => 10`";
    ArrowTrailing =>
        "no layer follows this `=>`; write the next width behind it, or remove it";
    ArrowDoubled =>
        "no layer stands between this `=>` and the one before; write a width between them, or remove one";
    ArrowWrong { found } =>
        "expected `=>` between two layers, found `{found}`; write `=>`";
    ArrowMissing { found } =>
        "expected `=>` before the next width, found {found}; write `=>` between the two";
    CommaInShape =>
        "this `,` ends no layer and begins no option; remove it";
    WidthExpected { found } =>
        "expected a width, found {found}; a width is an integer literal or a path to a `const …: usize`";
    WidthExpression { found } =>
        "a width cannot be computed in place, found {found}; name the result, `const WIDTH: usize = …;`, and write \
         `WIDTH`";
    WidthIsActivation { name } =>
        "the width before `{name}` is missing; write it first: `48 {name}`";
    WidthZero =>
        "a layer of width 0 has no units; widths start at 1";
    WidthNegative { mend } =>
        "a width cannot be negative; write `{mend}`";
    WidthNotWhole { found } =>
        "a width is a whole number, found `{found}`; write it without point and exponent";
    WidthSuffix { suffix, digits } =>
        "a width is a `usize`, found the suffix `{suffix}`; write `{digits}`";
    WidthTooLarge { found } =>
        "the width {found} does not fit into a `usize`; no memory holds such a layer";
    WidthSelf =>
        "`Self` means nothing here; write the path to the constant with its type's name";
    TooManyParameters { layer, max } =>
        "the parameters up to layer {layer} are more than {max} numbers, which is as many as memory can hold; make \
         this layer or the one before it narrower";

    // What follows a width.
    ActivationUnknown { found, mend } =>
        "unknown activation `{found}`; {mend}";
    ActivationTwice { first, second } =>
        "this layer has the activation `{first}` already; keep one of `{first}` and `{second}`";
    ActivationOnInput { name } =>
        "the input layer is the sample itself and has no activation; remove `{name}`, or move it behind the next width";
    SoftmaxHidden =>
        "softmax can only be the last layer's activation; write another here, such as `relu`";
    DropoutOnInput =>
        "the input layer cannot drop units; move `dropout` behind a hidden layer's width";
    DropoutOnOutput =>
        "the output layer cannot drop units; move `dropout` behind a hidden layer's width, or remove it";
    DropoutTwice =>
        "this layer has a `dropout` already; keep one of them";
    DropoutUnparenthesised { example } =>
        "the probability of `dropout` stands in parentheses; write `{example}`";
    ModifierExpected { found } =>
        "expected an activation, `dropout(…)`, `=>` or the end of the shape, found {found}";
    ArgumentMissing { name, meaning, example } =>
        "`{name}` needs its {meaning}; write `{example}`";
    ArgumentUnwanted { name } =>
        "`{name}` takes no argument; remove the parentheses";
    ArgumentTooMany { name, example } =>
        "`{name}` takes one number; write `{example}`";
    ArgumentNotNumber { name, meaning, found, example } =>
        "the {meaning} of `{name}` must be a number literal, found `{found}`; write `{example}`";
    ArgumentRange { name, meaning, found, range, example } =>
        "the {meaning} of `{name}` is {found}; it must be {range}, as in `{example}`";

    // The element type.
    ElementMissing { found } =>
        "expected the element type behind `:`, found {found}; write `: f32` or `: f64`";
    ElementUnknown { found, mend } =>
        "unknown element type `{found}`; {mend}";
    ElementTwice =>
        "the element type is given twice; keep one";
    ElementInShape =>
        "the element type stands behind the shape; write `<64 => 10>: f64`";

    // Options.
    OptionExpected { found } =>
        "expected an option, found {found}; options are `loss = …`, `init = …` and `seed = …`";
    OptionUnknown { found, mend } =>
        "unknown option `{found}`; {mend}";
    OptionTwice { name } =>
        "the option `{name}` is given twice; keep one of them";
    OptionEquals { name } =>
        "expected `=` between the option and its value; write `{name} = …`";
    OptionValue { name, example } =>
        "the option `{name}` has no value; write `{example}`";
    OptionComma =>
        "options are separated by commas; write `,` before this one";
    OptionInShape =>
        "options stand behind the shape; write `<64 => 10>, loss = mse`";
    OptionOfLayer { name } =>
        "`{name}` belongs to a layer, not to the network; write it behind the layer's width, as in `48 {name}`";
    OptionOfElement =>
        "the element type is no option; write `: f32` or `: f64` behind the shape";
    OptionOfTrainer { name } =>
        "`{name}` is a matter of training, not of the network; give it to the `Trainer`";
    OptionQuoted { name } =>
        "names stand without quotes; write `{name}`";
    CommaDoubled =>
        "there is no option between this `,` and the one before; remove one of them";
    LossUnknown { found, mend } =>
        "unknown loss `{found}`; {mend}";
    LossNeedsProbabilities { output } =>
        "the loss `cross_entropy` needs a sigmoid or softmax output, but the output is {output}; write `loss = mse`, or \
         change the output's activation";
    LossOnSoftmax { loss } =>
        "the loss `{loss}` does not fit a softmax output, which goes with `cross_entropy` alone; write \
         `loss = cross_entropy`, or change the output's activation";
    InitUnknown { found, mend } =>
        "unknown initialisation `{found}`; {mend}";
    InitFamily { found, family } =>
        "`{found}` may be uniform or normal; write `{family}_uniform` or `{family}_normal`";
    SeedNotInteger { found } =>
        "the seed is an integer literal from 0 to 2^64 - 1, found `{found}`; write `seed = 42`";
}
