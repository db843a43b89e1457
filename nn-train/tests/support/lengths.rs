//! Checkpoints and bundles that say that something in them is longer than they are.

use crate::sealed::sealed;

/// Files with a length in place of each byte of the contents, with the place and the length.
pub(crate) fn any_lengths(bytes: &[u8]) -> impl Iterator<Item = ((usize, u64), Vec<u8>)> {
    let lengths = [127, 1 << 14, 1 << 20, 1 << 30, 1 << 60, u64::MAX];
    (20..bytes.len() - 4).flat_map(move |at| {
        lengths.map(|length| {
            let written = postcard::to_stdvec::<u64>(&length).unwrap();
            ((at, length), sealed([&bytes[..at], &written, &bytes[at + 1..]].concat()))
        })
    })
}
