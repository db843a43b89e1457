//! What every engine must do, in every instruction set. One binary, because every one that uses the engines compiles
//! all their kernels anew.

#[path = "../support/mod.rs"]
mod support;

mod against_the_reference;
mod blocked;
#[cfg(unix)]
mod guard_pages;
mod in_parts;
mod properties;
mod shares;
mod threads;
mod weights;
