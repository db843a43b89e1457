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
        "expected angle brackets around the shape, found `{found}`; write `<64 => 48 => 10>`";
    ShapeOpen =>
        "the `<` before the shape has no `>`; write `>` behind the last layer";
    ShapeTurbofish =>
        "there is no `::` between a declaration's name and its shape; write `Name<64 => 10>`";
    SemicolonMissing =>
        "expected `;` at the end of the declaration; write it behind the last option";
    SemicolonInExpression =>
        "a network as a value ends without `;`; remove it, or declare a type with `struct Name<…>;`";
    Body =>
        "a network has no fields of its own; end the declaration with `;`";
    Where =>
        "a network has no type parameters and needs no `where`; remove the clause";
    Generics { found } =>
        "a network has no generic parameters, found {found}; write widths as literals or constants";
    SecondItem =>
        "one call of `network!` declares one network; write another `network!` for this one";
    Unexpected { found } =>
        "unexpected {found}; after the shape come `: f32` or `: f64`, then options such as `, seed = 1`";
    Syntax { message } =>
        "{message}";

    // Attributes.
    InnerAttribute =>
        "`#![…]` is an attribute of a module or crate; write `#[…]` without `!`";
    DeriveEmitted { name } =>
        "a network implements `{name}` already; remove it from the derive";
    DeriveCopy =>
        "a network owns memory on the heap and cannot be `Copy`; remove it from the derive, and use `clone`";
    DeriveImpossible { name } =>
        "`{name}` cannot be derived: the parameters are floating-point numbers; remove it from the derive";
    DeriveSerde { name } =>
        "`{name}` comes with the feature `serde` of nn-train; enable that, and remove it from the derive";

    // The shape.
    LayersMissing { found } =>
        "a network needs an input and at least one layer, found {found}; write `64 => 10`";
    ArrowLeading =>
        "the input's width is missing before this `=>`; write it first: `64 => 10`";
    ArrowTrailing =>
        "expected a width after this `=>`; write one, or remove the `=>`";
    ArrowDoubled =>
        "expected a width between two `=>`; write one, or remove this `=>`";
    ArrowWrong { found } =>
        "expected `=>` between two layers, found `{found}`; write `=>`";
    ArrowMissing { found } =>
        "expected `=>` before the next width, found {found}; write `=>` between the two";
    CommaInShape =>
        "unexpected `,` in the shape; remove it";
    WidthExpected { found } =>
        "expected a width, found {found}; write an integer, a path to a `const …: usize`, or an expression in braces";
    WidthExpression { found } =>
        "expected a single width, found {found}; write a computed width in braces: `{{ WIDTH + 1 }}`";
    WidthIsActivation { name } =>
        "the width before `{name}` is missing; write it first: `48 {name}`";
    WidthZero =>
        "the width is 0; a layer has at least one unit";
    WidthNegative { mend } =>
        "a width cannot be negative; write `{mend}`";
    WidthNotWhole { found } =>
        "expected a whole number as width, found `{found}`; write it without point and exponent";
    WidthSuffix { suffix, digits } =>
        "expected a `usize` as width, found the suffix `{suffix}`; write `{digits}`";
    WidthTooLarge { found } =>
        "the width {found} is too large for a `usize`; write a smaller one";
    WidthSelf =>
        "`Self` is not known here; write the name of the type that has the constant";
    TooManyParameters { layer, max } =>
        "the network has more than {max} parameters up to layer {layer}, too many for memory; make this layer or the \
         one before it narrower";

    // What follows a width.
    ActivationUnknown { found, mend } =>
        "unknown activation `{found}`; {mend}";
    ActivationTwice { first, second } =>
        "this layer has the activation `{first}` already; keep one of `{first}` and `{second}`";
    ActivationOnInput { name } =>
        "the input layer has no activation; remove `{name}`, or move it behind the next width";
    SoftmaxHidden =>
        "only the last layer can have `softmax`; write another activation here, such as `relu`";
    SoftmaxOneUnit =>
        "softmax over one unit is 1 whatever the sample; write `sigmoid`, or use at least 2 units";
    DropoutOnInput =>
        "the input layer cannot drop units; move `dropout` behind a hidden layer's width";
    DropoutOnOutput =>
        "the output layer cannot drop units; move `dropout` behind a hidden layer's width, or remove it";
    DropoutTwice =>
        "this layer has a `dropout` already; keep one of them";
    DropoutUnparenthesised { example } =>
        "expected the probability of `dropout` in parentheses; write `{example}`";
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

    ArgumentRounded { name, meaning, found, becomes, example } =>
        "the {meaning} of `{name}` is {found}, which is {becomes} as an `f32`; write a number that an `f32` can hold, as \
         in `{example}`, or declare the network with `: f64`";

    // The element type.
    ElementMissing { found } =>
        "expected the element type behind `:`, found {found}; write `: f32` or `: f64`";
    ElementUnknown { found, mend } =>
        "unknown element type `{found}`; {mend}";
    ElementTwice =>
        "the element type is given twice; keep one";
    ElementInShape =>
        "the element type comes after the shape; write `<64 => 10>: f64`";

    // Options.
    OptionExpected { found } =>
        "expected an option, found {found}; options are `loss = …`, `init = …`, `seed = …` and `crate = …`";
    OptionUnknown { found, mend } =>
        "unknown option `{found}`; {mend}";
    OptionTwice { name } =>
        "the option `{name}` is given twice; keep one of them";
    OptionEquals { name } =>
        "expected `=` between the option and its value; write `{name} = …`";
    OptionValue { name, example } =>
        "the option `{name}` has no value; write `{example}`";
    OptionComma =>
        "expected `,` before this option; write it";
    OptionInShape =>
        "options come after the shape; write `<64 => 10>, loss = mse`";
    OptionOfLayer { name } =>
        "`{name}` belongs to a layer, not to the network; write it behind the layer's width, as in `48 {name}`";
    OptionOfElement =>
        "the element type is not an option; write `: f32` or `: f64` after the shape";
    OptionOfTrainer { name } =>
        "`{name}` is a setting of training, not of the network; give it to the `Trainer`";
    OptionQuoted { name } =>
        "expected a name without quotes; write `{name}`";
    CommaDoubled =>
        "expected an option between two commas; remove one of them";
    LossUnknown { found, mend } =>
        "unknown loss `{found}`; {mend}";
    LossNeedsProbabilities { output } =>
        "the loss `cross_entropy` needs a sigmoid or softmax output, but the output is {output}; write `loss = mse`, or \
         change the output's activation";
    LossOnSoftmax { loss } =>
        "the loss `{loss}` does not fit a softmax output; write `loss = cross_entropy`, or change the output's activation";
    InitUnknown { found, mend } =>
        "unknown initialisation `{found}`; {mend}";
    InitFamily { found, family } =>
        "`{found}` is a family of two; write `{family}_uniform` or `{family}_normal`";
    SeedNotInteger { found } =>
        "expected an integer from 0 to 2^64 - 1 as seed, found `{found}`; write `seed = 42`";
    CrateNotPath { found } =>
        "expected the path of nn-train, found `{found}`; write `crate = \"my_nn\"`";
}
