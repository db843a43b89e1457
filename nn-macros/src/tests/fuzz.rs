//! Whatever the input, the macro returns tokens that parse, and does not panic.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::tokens;
use crate::expand::expand;

/// What the random calls are made of: the grammar's own words, and what comes near them.
const WORDS: [&str; 62] = [
    "struct",
    "enum",
    "pub",
    "pub(crate)",
    "pub(in a::b)",
    "#[repr(C)]",
    "#[derive(Clone, Eq)]",
    "#[x]",
    "#",
    "!",
    "Digits",
    "Name",
    "WIDTH",
    "crate",
    "::",
    "a::WIDTH",
    "Self",
    "self",
    "_",
    "r#type",
    "type",
    "const",
    "'a",
    "64",
    "0",
    "1",
    "18446744073709551615",
    "99999999999999999999999",
    "64u8",
    "1.5",
    "1e400",
    "0x10",
    "-",
    "\"mse\"",
    "'c'",
    "true",
    "=>",
    "=>",
    "=>",
    "->",
    "=",
    "==",
    ">=",
    "<",
    ">",
    ":",
    ";",
    ",",
    ".",
    "..",
    "+",
    "relu",
    "softmax",
    "leaky_relu",
    "dropout",
    "(0.2)",
    "loss",
    "init",
    "seed",
    "huber",
    "f32",
    "where",
];

/// A small generator of its own (xorshift64*, Vigna 2016), so that the cases are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn call(&mut self, depth: usize) -> TokenStream {
        let mut call = TokenStream::new();
        for _ in 0..self.below(14) {
            if depth > 0 && self.below(12) == 0 {
                let delimiter = match self.below(4) {
                    0 => Delimiter::Parenthesis,
                    1 => Delimiter::Brace,
                    2 => Delimiter::Bracket,
                    _ => Delimiter::None,
                };
                call.extend([TokenTree::from(Group::new(delimiter, self.call(depth - 1)))]);
            } else {
                call.extend(tokens(WORDS[self.below(WORDS.len())]));
            }
        }
        call
    }
}

/// The expansion is items or an expression, as the compiler asks of it.
fn assert_parses(call: TokenStream) {
    let written = call.to_string();
    let expansion = expand(call);
    let parses =
        syn::parse2::<syn::File>(expansion.clone()).is_ok() || syn::parse2::<syn::Expr>(expansion.clone()).is_ok();
    assert!(parses, "{written}\nexpands to what does not parse:\n{expansion}");
}

#[test]
fn random_tokens_expand_to_something_that_parses() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..5_000 {
        assert_parses(random.call(2));
    }
}

/// Good calls with one token left out, doubled or replaced, and every prefix of them, as an editor sees them.
#[test]
fn nearly_right_calls_expand_to_something_that_parses() {
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    let calls = [
        "#[doc = \"x\"] pub(crate) struct Digits<64 => crate::H leaky_relu(-0.5) dropout(0.2) => 10 softmax>: f64, \
         loss = cross_entropy, init = symmetric(0.1), seed = 3;",
        "struct Tiny<2 => 4 => 1>;",
        "2 => <T as Widths>::HIDDEN tanh => 4 linear: f32, loss = huber(1.5),",
        "<2 => 4 => 4>, seed = 1",
    ];
    for call in calls {
        let whole: Vec<TokenTree> = tokens(call).into_iter().collect();
        for end in 0..=whole.len() {
            assert_parses(whole[..end].iter().cloned().collect());
        }
        for index in 0..whole.len() {
            let (before, after) = (&whole[..index], &whole[index + 1..]);
            let between = |middle: TokenStream| -> TokenStream {
                before.iter().cloned().chain(middle).chain(after.iter().cloned()).collect()
            };
            assert_parses(between(TokenStream::new()));
            assert_parses(between([whole[index].clone(), whole[index].clone()].into_iter().collect()));
            for _ in 0..5 {
                assert_parses(between(tokens(WORDS[random.below(WORDS.len())])));
            }
        }
    }
}
