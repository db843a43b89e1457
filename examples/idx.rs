//! IDX files of unsigned bytes, the format of the MNIST data and its likes, plain or compressed by gzip.
//!
//! ```text
//! 00 00 08 D     08: unsigned bytes; D: the number of dimensions
//! D × 4 bytes    the size of each dimension, most significant byte first
//! bytes          as many as the product of the sizes, the last dimension running fastest
//! ```
//!
//! The crates that read the format panic where a file is damaged, or are under the GPL; it is four numbers and bytes.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use thiserror::Error;

/// What every gzip file begins with; an IDX file begins with zeros.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An array of bytes in `D` dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx<const D: usize> {
    /// The size of each dimension.
    pub sizes: [usize; D],
    /// The numbers, the last dimension running fastest.
    pub bytes: Vec<u8>,
}

/// A file that cannot be read, or is not what it should be.
#[derive(Debug, Error)]
#[error("{}: {fault}", path.display())]
pub struct IdxError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it. It is in the message already, and so no source of its own.
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Debug, Error)]
pub enum Fault {
    /// The system could not read it.
    #[error("{0}")]
    Read(io::Error),
    /// It begins as gzip does, and is not sound.
    #[error("damaged gzip: {0}")]
    Gzip(io::Error),
    /// It begins with other bytes.
    #[error("begins with {}, expected {} (IDX, unsigned bytes, dimensions: {})", Hex(found), Hex(expected), expected[3])]
    Magic {
        /// What stands there; fewer than four bytes where there are no more.
        found: Vec<u8>,
        /// What should.
        expected: [u8; 4],
    },
    /// It ends before its sizes do.
    #[error("ends after {found} bytes of sizes, expected {expected}")]
    Header {
        /// The bytes there are.
        found: usize,
        /// Four for each dimension.
        expected: usize,
    },
    /// Its sizes multiply to more than this machine can address.
    #[error("is {} bytes by its sizes, expected no more than memory can hold", Product(sizes))]
    TooLarge {
        /// The sizes.
        sizes: Vec<usize>,
    },
    /// It has fewer bytes than its sizes say.
    #[error("ends after {found} bytes, expected {} as its sizes say", Product(sizes))]
    Truncated {
        /// The bytes there are.
        found: usize,
        /// The sizes.
        sizes: Vec<usize>,
    },
    /// It goes on after all that its sizes say.
    #[error("goes on after {} bytes, expected to end there as its sizes say", Product(sizes))]
    Trailing {
        /// The sizes.
        sizes: Vec<usize>,
    },
}

/// Bytes as hexadecimal numbers.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("nothing"),
            [first, rest @ ..] => {
                write!(f, "{first:02x}")?;
                rest.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}

/// Sizes as a product.
struct Product<'a>(&'a [usize]);

impl fmt::Display for Product<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&sizes.join(" × "))
    }
}

impl<const D: usize> Idx<D> {
    /// Reads a file. Whether it is compressed is told by its first bytes, not by its name.
    ///
    /// # Errors
    /// An [`IdxError`] that says which file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, IdxError> {
        let file = File::open(path).map_err(Fault::Read);
        file.and_then(|file| Self::parse(BufReader::new(file)))
            .map_err(|fault| IdxError { path: path.to_owned(), fault })
    }

    /// Reads bytes, compressed or not.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(mut reader: impl BufRead) -> Result<Self, Fault> {
        let start = reader.fill_buf().map_err(Fault::Read)?;
        match start.starts_with(&GZIP) {
            true => Self::parse_plain(MultiGzDecoder::new(reader)).map_err(|fault| match fault {
                Fault::Read(error) => Fault::Gzip(error),
                other => other,
            }),
            false => Self::parse_plain(reader),
        }
    }

    fn parse_plain(mut reader: impl Read) -> Result<Self, Fault> {
        let expected = const {
            assert!(D > 0 && D < 256);
            [0, 0, 8, D as u8]
        };
        let found = up_to(&mut reader, expected.len())?;
        if found != expected {
            return Err(Fault::Magic { found, expected });
        }
        let header = up_to(&mut reader, 4 * D)?;
        if header.len() != 4 * D {
            return Err(Fault::Header { found: header.len(), expected: 4 * D });
        }
        let size = |d: usize| u32::from_be_bytes(std::array::from_fn(|i| header[4 * d + i]));
        let sizes: [u32; D] = std::array::from_fn(size);
        let sizes = sizes.map(|size| size as usize);
        let product = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        // A byte more is asked for below.
        let Some(count) = product.filter(|&count| count < isize::MAX as usize) else {
            return Err(Fault::TooLarge { sizes: sizes.to_vec() });
        };
        // The sizes may be lies: memory is taken for what is there.
        let mut bytes = up_to(&mut reader, count + 1)?;
        if bytes.len() < count {
            return Err(Fault::Truncated { found: bytes.len(), sizes: sizes.to_vec() });
        }
        if bytes.len() > count {
            return Err(Fault::Trailing { sizes: sizes.to_vec() });
        }
        bytes.shrink_to_fit();
        Ok(Self { sizes, bytes })
    }
}

/// The next `count` bytes, or as many as there are.
fn up_to(reader: &mut impl Read, count: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    reader.take(count as u64).read_to_end(&mut bytes).map_err(Fault::Read)?;
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    /// A file of the format.
    pub(crate) fn idx(sizes: &[usize], bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|&size| file.extend((size as u32).to_be_bytes()));
        file.extend(bytes);
        file
    }

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("a vector takes it");
        encoder.finish().expect("a vector takes it")
    }

    fn fault<const D: usize>(bytes: &[u8]) -> String {
        Idx::<D>::parse(bytes).expect_err("it is damaged").to_string()
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes: Vec<u8> = (0..24).collect();
        let expected = Idx { sizes: [2, 3, 4], bytes: bytes.clone() };
        let file = idx(&[2, 3, 4], &bytes);
        assert_eq!(Idx::parse(&file[..]).expect("it is sound"), expected);
        assert_eq!(Idx::parse(&gzip(&file)[..]).expect("it is sound"), expected);
        let members = [gzip(&file[..9]), gzip(&file[9..])].concat();
        assert_eq!(Idx::parse(&members[..]).expect("it is sound"), expected, "a gzip file may have several members");
        let empty = Idx::<1>::parse(&idx(&[0], &[])[..]).expect("it is sound");
        assert_eq!((empty.sizes, empty.bytes.len()), ([0], 0));
    }

    #[test]
    fn damage_is_named() {
        let file = idx(&[2, 3], &[7; 6]);
        for damaged in [file.clone(), gzip(&file)] {
            assert_eq!(
                fault::<1>(&damaged),
                "begins with 00 00 08 02, expected 00 00 08 01 (IDX, unsigned bytes, dimensions: 1)"
            );
        }
        assert!(fault::<2>(b"GIF8").starts_with("begins with 47 49 46 38, expected 00 00 08 02"));
        assert!(fault::<2>(&[]).starts_with("begins with nothing, expected 00 00 08 02"));
        assert!(fault::<2>(&[0]).starts_with("begins with 00, expected"));
        assert_eq!(fault::<2>(&file[..9]), "ends after 5 bytes of sizes, expected 8");
        assert_eq!(fault::<2>(&file[..15]), "ends after 3 bytes, expected 2 × 3 as its sizes say");
        let longer = [&file[..], &[0]].concat();
        for damaged in [longer.clone(), gzip(&longer)] {
            assert_eq!(fault::<2>(&damaged), "goes on after 2 × 3 bytes, expected to end there as its sizes say");
        }
        let huge = idx(&[u32::MAX as usize; 3], &[1, 2]);
        assert!(fault::<3>(&huge).starts_with("is 4294967295 × 4294967295 × 4294967295 bytes by its sizes"));
        // What is said to be large takes no memory before it is there.
        let lie = idx(&[u32::MAX as usize, 1 << 20], &[1, 2]);
        assert!(matches!(Idx::<2>::parse(&lie[..]), Err(Fault::Truncated { found: 2, .. })));
    }

    #[test]
    fn damaged_gzip_is_named() {
        let sound = gzip(&idx(&[9, 9], &[3; 81]));
        let cut = &sound[..sound.len() - 9];
        let mut flipped = sound.clone();
        let checksum = flipped.len() - 8;
        flipped[checksum] ^= 1;
        let followed = [&sound[..], b"more"].concat();
        for damaged in [cut, &flipped[..], &followed[..], &GZIP[..]] {
            let fault = fault::<2>(damaged);
            assert!(fault.starts_with("damaged gzip: "), "{fault}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let path = std::env::temp_dir().join(format!("nn-train-no-such-file-{}", std::process::id()));
        let error = Idx::<1>::read(&path).expect_err("there is no such file");
        assert!(matches!(&error.fault, Fault::Read(error) if error.kind() == io::ErrorKind::NotFound), "{error}");
        assert!(error.to_string().starts_with(&*path.to_string_lossy()), "{error}");
        // A folder opens, and cannot be read.
        assert!(matches!(Idx::<1>::read(&std::env::temp_dir()), Err(IdxError { fault: Fault::Read(_), .. })));
    }

    proptest! {
        #[test]
        fn garbage_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(idx) = Idx::<1>::parse(&bytes[..]) {
                prop_assert_eq!(idx.bytes.len(), idx.sizes[0]);
            }
            // Garbage that begins as a file does gets further.
            for start in [&[0, 0, 8, 3][..], &[0, 0, 8, 3, 0, 0, 0], &GZIP, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]] {
                let file = [start, &bytes].concat();
                if let Ok(idx) = Idx::<3>::parse(&file[..]) {
                    prop_assert_eq!(idx.bytes.len(), idx.sizes.iter().product::<usize>());
                }
            }
        }

        #[test]
        fn a_flipped_bit_gives_an_error_or_other_pixels(
            bytes in proptest::collection::vec(any::<u8>(), 12), place in any::<prop::sample::Index>(), bit in 0..8
        ) {
            let sound = idx(&[3, 4], &bytes);
            for (file, header) in [(sound.clone(), 12), (gzip(&sound), 0)] {
                let (mut damaged, place) = (file.clone(), place.index(file.len()));
                damaged[place] ^= 1_u8 << bit;
                match Idx::<2>::parse(&damaged[..]) {
                    // Of plain pixels any will do; gzip has a checksum, and header fields that mean nothing here.
                    Ok(found) if header == 0 => prop_assert_eq!(found.bytes, bytes.clone()),
                    Ok(found) => prop_assert!(place >= header && found.bytes != bytes),
                    Err(_) => prop_assert!(place < header || header == 0),
                }
            }
        }

        #[test]
        fn a_file_cut_anywhere_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 12)) {
            let plain = idx(&[3, 4], &bytes);
            for file in [plain.clone(), gzip(&plain)] {
                for end in 0..file.len() {
                    prop_assert!(Idx::<2>::parse(&file[..end]).is_err());
                }
            }
        }
    }
}
