//! Code: a checked [`Network`] to the type and its implementations.
//!
//! What is emitted names only paths of `::nn_train` and, for the compiler's own macros, `::core`, so that nothing
//! that the caller has in scope can be mistaken for what is meant. All of it but the type stands in a `const _`,
//! where its helpers have names of their own.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Visibility};

use crate::ast::{Call, Width};
use crate::check::{self, Choice, Network, shown};
use crate::parse::parse;
use crate::report::Report;

/// What a call of `network!` with these tokens stands for.
pub(crate) fn expand(call: TokenStream) -> TokenStream {
    let mut report = Report::default();
    match parse(call, &mut report) {
        Call::Item(item) => {
            let network = check::check(&item.declaration, &mut report);
            let attributes = check::attributes(item.attributes, &mut report);
            let errors = report.into_compile_errors();
            match item.name {
                Some(name) => {
                    let written = name.unraw().to_string();
                    Expansion { network, name, written, attributes, visibility: item.visibility, errors }.item()
                }
                None => errors.unwrap_or_default(),
            }
        }
        Call::Expression(declaration) => {
            let network = check::check(&declaration, &mut report);
            if let Some(errors) = report.into_compile_errors() {
                // A block that ends in `compile_error!` has the type of an error, about which the compiler
                // raises no further complaints.
                return quote!({ #errors });
            }
            let name = Ident::new("__Network", Span::call_site());
            let written = format!("network!({})", shape(&network));
            let (attributes, visibility) = (Vec::new(), Visibility::Inherited);
            let expansion = Expansion { network, name, written, attributes, visibility, errors: None };
            let (name, item) = (expansion.name.clone(), expansion.item());
            quote!({
                #item
                <#name as ::nn_train::Network>::initialized()
            })
        }
        Call::Unclear => report.into_compile_errors().unwrap_or_default(),
    }
}

/// Everything that the emitted code depends on.
struct Expansion {
    network: Network,
    name: Ident,
    /// The network's name as people see it.
    written: String,
    attributes: Vec<Attribute>,
    visibility: Visibility,
    errors: Option<TokenStream>,
}

impl Expansion {
    fn item(&self) -> TokenStream {
        let Self { name, visibility, attributes, .. } = self;
        // What removes the type must remove what is implemented for it.
        let conditions: Vec<_> = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
        let errors = self.unknown();
        // Behind the caller's own documentation, in a paragraph of its own.
        let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        let paragraph = documented.then(|| quote!(#[doc = ""]));
        let documentation = self.documentation();
        let fields = self.indices().map(|layer| {
            let field = field(layer);
            let documentation = format!(" Θ^({layer}): {}.", self.describe(layer));
            let dense = self.dense(layer);
            quote!(#[doc = #documentation] #visibility #field: #dense)
        });
        let widths = self.width_constants();
        let network = self.impl_network();
        let layers = self.indices().map(|layer| self.impl_has_layer(layer));
        let std_traits = self.impl_std_traits();
        quote! {
            #errors
            #(#attributes)*
            #paragraph
            #[doc = #documentation]
            #[repr(C)]
            #visibility struct #name { #(#fields),* }

            #(#conditions)*
            #[allow(deprecated)]
            const _: () = {
                #widths
                #network
                #(#layers)*
                #std_traits
                ::nn_train::__private::impl_serde!(#name);
            };
        }
    }

    /// The faults, and the constant that stands for a width that could not be read: its value is one of the
    /// faults, so that the compiler takes it for equal to whatever the caller's code expects.
    fn unknown(&self) -> Option<TokenStream> {
        let errors = self.errors.as_ref()?;
        let unknown = unknown_width(&self.name);
        let used = self.network.widths.iter().any(|width| matches!(width, Width::Unknown));
        Some(if used {
            quote!(#[doc(hidden)] #[allow(non_upper_case_globals)] const #unknown: usize = { #errors };)
        } else {
            errors.clone()
        })
    }

    /// A constant for each width that is a path, and its check: only the compiler knows the value.
    fn width_constants(&self) -> TokenStream {
        let constants = self.network.widths.iter().enumerate().filter_map(|(index, width)| {
            let Width::Path(path) = width else { return None };
            let constant = width_constant(index);
            let message = format!("the width `{}` is 0; a layer has at least one unit", shown(width));
            // The span of the path, and call-site hygiene: the message is shown where the width stands.
            let span = path.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
            let assertion = quote_spanned!(span => const _: () = ::core::assert!(#path != 0, #message););
            Some(quote! {
                #assertion
                // At least 1, so that a 0 is one message and not several.
                const #constant: usize = if #path == 0 { 1 } else { #path };
            })
        });
        quote!(#(#constants)*)
    }

    /// # Safety of what it emits
    ///
    /// `Network` asks that the type be nothing but its parameters, in the order of its architecture: the struct is
    /// `#[repr(C)]`, and its fields are `Dense<element, inputs, outputs>` in the order of the layers of
    /// `ARCHITECTURE`, of the same widths, which are written here and nowhere else. `Dense` is `#[repr(C)]` too,
    /// of arrays of one element type, so there is no padding between them. An attribute of the caller's might still
    /// change the struct; that it has these fields and no others is what the emitted `clone` and `layer` need to
    /// compile, and that it has no padding is asserted.
    fn impl_network(&self) -> TokenStream {
        let Self { network, name, written, .. } = self;
        let element = &network.element;
        let input = self.width(0);
        let output = self.width(network.layers.len());
        let layers = network.layers.iter().enumerate().map(|(index, theta)| {
            let (inputs, outputs) = (self.checked_width(index), self.checked_width(index + 1));
            let activation = choice("Activation", theta.activation);
            let dropout = theta.dropout.map(|probability| {
                let probability = float(probability);
                quote!(.with_dropout(#probability))
            });
            quote!(::nn_train::Layer::new(#inputs, #outputs, #activation) #dropout)
        });
        let loss = choice("Loss", network.loss);
        let init = match network.init {
            Some(init) => {
                let init = choice("Init", init);
                quote!(::nn_train::__private::Option::Some(#init))
            }
            None => quote!(::nn_train::__private::Option::None),
        };
        let denses = self.indices().map(|layer| self.dense(layer));
        let padding = "an attribute changes the layout of the network; remove it";
        let seed = Literal::u64_unsuffixed(network.seed);
        quote! {
            // A free constant is evaluated in every build, so a fault that only the compiler can see is an error
            // even if the network is never used.
            const __ARCHITECTURE: &::nn_train::Architecture =
                &::nn_train::Architecture::from_static(&[#(#layers),*], #loss);

            const _: () = {
                // First, because types too large for memory have no size.
                let _ = __ARCHITECTURE;
                let __bytes = 0 #(+ ::core::mem::size_of::<#denses>())*;
                ::core::assert!(::core::mem::size_of::<#name>() == __bytes, #padding);
            };

            #[allow(unsafe_code)]
            unsafe impl ::nn_train::Network for #name {
                type Scalar = #element;
                type Input = [#element; #input];
                type Output = [#element; #output];
                const NAME: &'static str = #written;
                const ARCHITECTURE: &'static ::nn_train::Architecture = __ARCHITECTURE;
                const INIT: ::nn_train::__private::Option<::nn_train::Init> = #init;
                const SEED: u64 = #seed;
            }
        }
    }

    fn impl_has_layer(&self, layer: usize) -> TokenStream {
        let (name, field, dense) = (&self.name, field(layer), self.dense(layer));
        let layer = Literal::usize_unsuffixed(layer);
        quote! {
            impl ::nn_train::HasLayer<#layer> for #name {
                type Layer = #dense;
                fn layer(&self) -> &Self::Layer {
                    &self.#field
                }
            }
        }
    }

    fn impl_std_traits(&self) -> TokenStream {
        // The parameters have names that no constant of the caller's has: `other` would be taken for that.
        let Self { name, visibility, .. } = self;
        let fields: Vec<_> = self.indices().map(field).collect();
        quote! {
            impl ::nn_train::__private::Clone for #name {
                fn clone(&self) -> Self {
                    Self { #(#fields: ::nn_train::__private::Clone::clone(&self.#fields)),* }
                }
            }

            impl ::nn_train::__private::PartialEq for #name {
                fn eq(&self, __other: &Self) -> bool {
                    #(::nn_train::__private::PartialEq::eq(&self.#fields, &__other.#fields))&&*
                }
            }

            impl ::nn_train::__private::fmt::Debug for #name {
                fn fmt(
                    &self,
                    __formatter: &mut ::nn_train::__private::fmt::Formatter<'_>,
                ) -> ::nn_train::__private::fmt::Result {
                    ::nn_train::__private::debug_network::<Self>(__formatter)
                }
            }

            impl #name {
                /// A copy, made on the heap.
                ///
                /// `Box`'s own `clone` would build the copy on the stack and then move it; this method comes
                /// before it wherever a boxed network is cloned with a method call.
                #[allow(dead_code, clippy::borrowed_box, clippy::should_implement_trait, clippy::unnecessary_box_returns)]
                #[must_use]
                #visibility fn clone(self: &::nn_train::__private::Box<Self>) -> ::nn_train::__private::Box<Self> {
                    ::nn_train::__private::clone_boxed::<Self>(self)
                }
            }
        }
    }

    /// The layers' numbers, from 1.
    fn indices(&self) -> impl Iterator<Item = usize> + use<> {
        1..=self.network.layers.len()
    }

    /// `Dense<f32, 64, 48>`.
    fn dense(&self, layer: usize) -> TokenStream {
        let (element, inputs, outputs) = (&self.network.element, self.width(layer - 1), self.width(layer));
        quote!(::nn_train::Dense<#element, #inputs, #outputs>)
    }

    /// S_(index + 1) in a type.
    fn width(&self, index: usize) -> TokenStream {
        match &self.network.widths[index] {
            Width::Literal(units, span) => {
                let mut literal = Literal::u64_unsuffixed(*units);
                literal.set_span(*span);
                literal.into_token_stream()
            }
            // In braces, without which a path with `::` is no argument.
            Width::Path(path) => quote!({ #path }),
            Width::Unknown => {
                let unknown = unknown_width(&self.name);
                quote!({ #unknown })
            }
        }
    }

    /// S_(index + 1) in the architecture.
    fn checked_width(&self, index: usize) -> TokenStream {
        match &self.network.widths[index] {
            Width::Path(_) => width_constant(index).into_token_stream(),
            _ => self.width(index),
        }
    }

    fn documentation(&self) -> String {
        let Network { element, loss, .. } = &self.network;
        format!(" A network of `{element}`, `{}`, with the loss `{}`.", shape(&self.network), shown_choice(*loss))
    }

    /// `64 => 48, relu, dropout 0.2`.
    fn describe(&self, layer: usize) -> String {
        let Network { widths, layers, .. } = &self.network;
        let theta = &layers[layer - 1];
        let dropout = theta.dropout.map_or_else(String::new, |p| format!(", dropout({p})"));
        let activation = shown_choice(theta.activation);
        format!("`{} => {}`, {activation}{dropout}", shown(&widths[layer - 1]), shown(&widths[layer]))
    }
}

/// The shape as a call would write it, defaults left out.
fn shape(network: &Network) -> String {
    let mut text = network.widths.first().map_or_else(String::new, shown);
    for (width, theta) in network.widths.iter().skip(1).zip(&network.layers) {
        text += &format!(" => {}", shown(width));
        if theta.activation.word.variant != "Sigmoid" {
            text += &format!(" {}", shown_choice(theta.activation));
        }
        if let Some(probability) = theta.dropout {
            text += &format!(" dropout({probability})");
        }
    }
    text
}

fn shown_choice(choice: Choice) -> String {
    match choice.argument {
        Some(argument) => format!("{}({argument})", choice.word.name),
        None => choice.word.name.to_owned(),
    }
}

/// The field of Θ^(layer).
fn field(layer: usize) -> Ident {
    format_ident!("layer{layer}")
}

/// The constant with the value of a path, inside the `const _`.
fn width_constant(index: usize) -> Ident {
    format_ident!("__WIDTH_{}", index + 1)
}

/// The constant that stands for a faulty width, beside the type.
fn unknown_width(name: &Ident) -> Ident {
    format_ident!("__unknown_width_of_{}", name.unraw())
}

/// `::nn_train::Activation::LeakyRelu(0.01)`.
fn choice(of: &str, choice: Choice) -> TokenStream {
    let of = Ident::new(of, Span::call_site());
    let variant = Ident::new(choice.word.variant, Span::call_site());
    // A word whose number was at fault gets one that is right.
    let argument = choice.word.argument.map(|_| float(choice.argument.unwrap_or(1.0)));
    let argument = argument.map(|number| quote!((#number)));
    quote!(::nn_train::#of::#variant #argument)
}

/// A finite number as a literal. A negative one is two tokens, as it would be in source.
fn float(number: f64) -> TokenStream {
    let magnitude = Literal::f64_unsuffixed(number.abs());
    if number.is_sign_negative() { quote!(-#magnitude) } else { magnitude.into_token_stream() }
}
