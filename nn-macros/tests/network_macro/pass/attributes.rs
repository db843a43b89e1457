//! Attributes reach the struct; a `cfg` takes the implementations with it.

use nn_train::{Declared, Network, network};

network! {
    #[cfg(any())]
    #[derive(This, Does, Not, Exist)]
    pub struct Absent<2 => 1>;
}
network! {
    #[cfg(all())]
    #[deprecated = "to see that the implementations do not warn"]
    pub struct Old<2 => 1>;
}
network! {
    /// Documented,
    #[doc = "twice."]
    #[allow(non_camel_case_types)]
    #[cfg_attr(all(), must_use = "a network that is not used")]
    struct snake_case<2 => 1>;
}
network! { #[derive()] struct r#Raw<2 => 1>; }
#[allow(non_camel_case_types)]
mod raw {
    nn_train::network! { pub struct r#type<2 => 1>; }
}
// The name is free where the network is not there.
struct Absent;

#[allow(deprecated)]
fn main() {
    let _ = Absent;
    assert_eq!(Old::new(1).parameters().len(), 3);
    assert_eq!(snake_case::new(1).parameters().len(), 3);
    assert_eq!(Raw::NAME, "Raw");
    assert_eq!(raw::r#type::NAME, "type");
}
