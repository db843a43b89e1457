//! A microcontroller's program, on x86-64 Linux: it predicts what the example `embedded` has exported, in all four forms, and
//! exits with 0 where every output is the library's to the bit.
//!
//! A panic would call a function that exists nowhere, so that a program which could panic does not link.
#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;

use nn_embedded::{Predictor, include_model};

/// What the example has written: `NN_EMBEDDED` is its folder.
macro_rules! exported {
    ($file:literal) => {
        concat!(env!("NN_EMBEDDED"), "/", $file)
    };
}

mod digits {
    include!(exported!("digits.rs"));
}
mod digits_int8 {
    include!(exported!("digits_int8.rs"));
}

static DIGITS: Predictor<f32, 64, 10, 96> = include_model!(exported!("digits.nne"));
static DIGITS_INT8: Predictor<i8, 64, 10, 128> = include_model!(exported!("digits_int8.nne"));

/// Images, and the bits of the outputs for each: in f32, and in 8 bits.
type Expected = [([f32; 64], [u32; 10], [u32; 10]); 10];
static EXPECTED: Expected = include!(exported!("expected.rs"));

fn are_right() -> bool {
    #[cfg(feature = "panics")]
    black_box(EXPECTED.as_slice()[black_box(0)].0[0]);
    black_box(&EXPECTED).iter().all(|(image, expected, expected_int8)| {
        let mut outputs = [[f32::NAN; 10]; 4];
        let [source, source_int8, file, file_int8] = &mut outputs;
        digits::predict(image, source);
        digits_int8::predict(image, source_int8);
        DIGITS.predict(image, file);
        DIGITS_INT8.predict(image, file_int8);
        let right = [expected, expected_int8, expected, expected_int8];
        outputs.iter().zip(right).all(|(found, right)| found.iter().zip(right).all(|(a, b)| a.to_bits() == *b))
            && digits::classify(image) == DIGITS.classify(image)
            && digits_int8::classify(image) == DIGITS_INT8.classify(image)
    })
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // SAFETY: the stack is aligned to 16 bytes here, and a function that is called finds it 8 bytes off.
    unsafe {
        asm!("and rsp, -16", "call {main}", "ud2", main = sym main, options(noreturn));
    }
}

extern "C" fn main() -> ! {
    let status = i32::from(!are_right());
    // SAFETY: the system call exit, which takes a number and does not return.
    unsafe { asm!("syscall", in("eax") 60, in("edi") status, options(noreturn)) }
}

unsafe extern "C" {
    fn this_program_could_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: it is defined nowhere, so it is never called: the program does not link.
    unsafe { this_program_could_panic() }
}

/// What the compiler calls to fill memory.
///
/// # Safety
/// There are `count` bytes at `place`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(place: *mut u8, byte: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the bytes; the direction flag is clear in every function.
    unsafe { asm!("rep stosb", inout("rdi") place => _, inout("rcx") count => _, in("al") byte as u8) }
    place
}
