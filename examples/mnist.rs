//! MNIST, Fashion-MNIST, and whatever else comes as the same four IDX files: 28 × 28 pixels in ten classes.

use std::path::{Path, PathBuf};

use nn_train::arrays::Array;
use thiserror::Error;

/// Pixels on each side of an image.
pub const SIDE: usize = 28;
/// Pixels in an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Classes, 0 to 9.
pub const CLASSES: usize = 10;

/// Where Fashion-MNIST is looked for unless a folder is named: the folder of the same name in the data set's own
/// repository, and where Debian's package puts it.
pub const FOLDERS: [&str; 2] = ["data/fashion", "/usr/share/datasets/fashion-mnist"];

/// Images and their classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// [`PIXELS`] for each image, row by row from the top left, 0 for paper to 255 for ink.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u8>,
}

/// The images to train on, and those to test with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mnist {
    /// To train on.
    pub train: Images,
    /// To test with.
    pub test: Images,
}

/// Why the data cannot be read.
#[derive(Debug, Error)]
pub enum MnistError {
    /// There are no such files.
    #[error(
        "no {} in {}; each may be plain or end in .gz, and may be spelt like train-images.idx3-ubyte.\n\
         Fashion-MNIST is Debian's package dataset-fashion-mnist, and in the folder data/fashion of the repository \
         zalandoresearch/fashion-mnist on GitHub; MNIST's own files do as well. --data says where they are.",
        missing.join(", no "),
        folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" or ")
    )]
    Missing {
        /// The names of the files.
        missing: Vec<String>,
        /// Where they were looked for.
        folders: Vec<PathBuf>,
    },
    /// A file is no IDX file, or damaged.
    #[error(transparent)]
    Idx(#[from] nn_train::Error),
    /// A file of images is one of labels, or the other way round.
    #[error("{}: has {found} dimensions, expected {expected}", path.display())]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// 3 of images, 1 of labels.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Its images have another size.
    #[error("{}: the images are {} × {} pixels, expected {SIDE} × {SIDE}", path.display(), found[0], found[1])]
    Size {
        /// The file.
        path: PathBuf,
        /// Rows and columns.
        found: [usize; 2],
    },
    /// It holds no image.
    #[error("{}: holds 0 images, expected at least 1", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A label is no class.
    #[error("{}: label {place} is {found}, expected 0 to {}", path.display(), CLASSES - 1)]
    Label {
        /// The file.
        path: PathBuf,
        /// Which label, from 0.
        place: usize,
        /// What it is.
        found: u8,
    },
    /// There is not a label for each image.
    #[error("{}: holds {found} labels, expected {expected}, one for each image of {}", labels.display(), images.display())]
    Counts {
        /// The file of the images.
        images: PathBuf,
        /// How many there are.
        expected: usize,
        /// The file of the labels.
        labels: PathBuf,
        /// How many there are.
        found: usize,
    },
}

impl Mnist {
    /// Reads the four files in `folder`, or where it is `None`, in the first of [`FOLDERS`] that has any of them.
    ///
    /// # Errors
    /// An [`MnistError`] that says which file, what is wrong with it and what was expected.
    pub fn read(folder: Option<&Path>) -> Result<Self, MnistError> {
        let folders: Vec<PathBuf> = match folder {
            Some(folder) => vec![folder.to_owned()],
            None => FOLDERS.map(PathBuf::from).to_vec(),
        };
        Self::read_first(folders)
    }

    fn read_first(folders: Vec<PathBuf>) -> Result<Self, MnistError> {
        const FILES: [(&str, usize); 4] =
            [("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1)];
        for folder in &folders {
            let found = FILES.map(|(stem, dimensions)| find(folder, stem, dimensions));
            if let [Some(train_images), Some(train_labels), Some(test_images), Some(test_labels)] = &found {
                let train = Images::read(train_images, train_labels)?;
                let test = Images::read(test_images, test_labels)?;
                return Ok(Self { train, test });
            }
            if found.iter().any(Option::is_some) {
                let missing = FILES.iter().zip(&found).filter(|(_, found)| found.is_none());
                let missing = missing.map(|((stem, dimensions), _)| name(stem, '-', *dimensions)).collect();
                return Err(MnistError::Missing { missing, folders: vec![folder.clone()] });
            }
        }
        let missing = FILES.map(|(stem, dimensions)| name(stem, '-', dimensions)).to_vec();
        Err(MnistError::Missing { missing, folders })
    }
}

fn name(stem: &str, mark: char, dimensions: usize) -> String {
    format!("{stem}{mark}idx{dimensions}-ubyte")
}

/// The file by one of its names.
fn find(folder: &Path, stem: &str, dimensions: usize) -> Option<PathBuf> {
    let names = ['-', '.'].map(|mark| name(stem, mark, dimensions));
    let mut paths = names.iter().flat_map(|name| ["", ".gz"].map(|end| folder.join(format!("{name}{end}"))));
    paths.find(|path| path.exists())
}

fn dimensions(path: &Path, expected: usize, found: &Array<u8>) -> MnistError {
    MnistError::Dimensions { path: path.to_owned(), expected, found: found.sizes().len() }
}

impl Images {
    /// Reads images and their labels.
    fn read(images: &Path, labels: &Path) -> Result<Self, MnistError> {
        let found = Array::<u8>::read_idx(images)?;
        let &[count, rows, columns] = found.sizes() else {
            return Err(dimensions(images, 3, &found));
        };
        if [rows, columns] != [SIDE; 2] {
            return Err(MnistError::Size { path: images.to_owned(), found: [rows, columns] });
        }
        let pixels = found.into_numbers();
        if count == 0 {
            return Err(MnistError::Empty { path: images.to_owned() });
        }
        let read = Array::<u8>::read_idx(labels)?;
        let &[found] = read.sizes() else {
            return Err(dimensions(labels, 1, &read));
        };
        let bytes = read.into_numbers();
        if found != count {
            let (images, labels) = (images.to_owned(), labels.to_owned());
            return Err(MnistError::Counts { images, expected: count, labels, found });
        }
        match bytes.iter().position(|&label| usize::from(label) >= CLASSES) {
            Some(place) => Err(MnistError::Label { path: labels.to_owned(), place, found: bytes[place] }),
            None => Ok(Self { pixels, labels: bytes }),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none; files have at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Keeps the first `count`, or all if there are no more.
    pub fn truncate(&mut self, count: usize) {
        self.labels.truncate(count);
        self.pixels.truncate(self.labels.len() * PIXELS);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// A file of the format.
    fn idx(sizes: &[usize], bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|&size| file.extend((size as u32).to_be_bytes()));
        file.extend(bytes);
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("a vector takes it");
        encoder.finish().expect("a vector takes it")
    }

    /// A folder of its own, removed when it is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("nn-train-mnist-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a temporary folder can be made");
            Self(path)
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            fs::write(self.0.join(name), bytes).expect("it can be written to");
        }

        fn read(&self) -> Result<Mnist, MnistError> {
            Mnist::read(Some(&self.0))
        }

        fn fault(&self) -> String {
            self.read().expect_err("something is wrong").to_string().replace(&*self.0.to_string_lossy(), "FOLDER")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("it can be removed");
        }
    }

    fn pixels(count: usize) -> Vec<u8> {
        (0..count * PIXELS).map(|i| (i % 251) as u8).collect()
    }

    /// Three images to train on and two to test with, the files under four kinds of name.
    fn sound(name: &str) -> Folder {
        let folder = Folder::new(name);
        folder.write("train-images-idx3-ubyte.gz", &gzip(&idx(&[3, SIDE, SIDE], &pixels(3))));
        folder.write("train-labels-idx1-ubyte", &idx(&[3], &[0, 9, 5]));
        folder.write("t10k-images.idx3-ubyte", &idx(&[2, SIDE, SIDE], &pixels(2)));
        folder.write("t10k-labels.idx1-ubyte.gz", &gzip(&idx(&[2], &[1, 2])));
        folder
    }

    #[test]
    fn files_are_read_under_all_their_names() {
        let folder = sound("names");
        let data = folder.read().expect("all is there");
        assert_eq!(data.train, Images { pixels: pixels(3), labels: vec![0, 9, 5] });
        assert_eq!(data.test, Images { pixels: pixels(2), labels: vec![1, 2] });

        // The first folder that has a file is the one meant.
        let (none, empty) = (folder.0.join("none"), Folder::new("empty"));
        let found = Mnist::read_first(vec![none, empty.0.clone(), folder.0.clone()]);
        assert_eq!(found.expect("all is there"), data);

        let mut first = data.train.clone();
        first.truncate(2);
        assert_eq!(first, Images { pixels: pixels(2), labels: vec![0, 9] });
        first.truncate(5);
        assert_eq!((first.len(), first.is_empty()), (2, false));
    }

    #[test]
    fn what_is_missing_is_named_with_where_to_get_it() {
        let folder = sound("missing");
        fs::remove_file(folder.0.join("t10k-images.idx3-ubyte")).expect("it is there");
        let fault = folder.fault();
        assert!(fault.starts_with("no t10k-images-idx3-ubyte in FOLDER; each may be plain or end in .gz"), "{fault}");
        assert!(fault.contains("dataset-fashion-mnist") && fault.contains("zalandoresearch/fashion-mnist"), "{fault}");

        let folders = vec![folder.0.join("a"), folder.0.join("b")];
        let fault = Mnist::read_first(folders).expect_err("neither exists").to_string();
        let all = "no train-images-idx3-ubyte, no train-labels-idx1-ubyte, no t10k-images-idx3-ubyte, \
                   no t10k-labels-idx1-ubyte in ";
        assert!(fault.starts_with(all), "{fault}");
        let both = [folder.0.join("a").display().to_string(), folder.0.join("b").display().to_string()].join(" or ");
        assert!(fault.contains(&both), "{fault}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        let folder = sound("wrong");
        let labels = |bytes: &[u8]| folder.write("train-labels-idx1-ubyte", bytes);
        labels(&idx(&[2], &[0, 1]));
        assert_eq!(
            folder.fault(),
            "FOLDER/train-labels-idx1-ubyte: holds 2 labels, expected 3, one for each image of \
             FOLDER/train-images-idx3-ubyte.gz"
        );
        labels(&idx(&[3], &[0, 10, 255]));
        assert_eq!(folder.fault(), "FOLDER/train-labels-idx1-ubyte: label 1 is 10, expected 0 to 9");
        labels(&idx(&[3], &[0, 1]));
        assert_eq!(folder.fault(), "FOLDER/train-labels-idx1-ubyte: ends after 2 bytes, expected 3 as its sizes say");
        labels(&idx(&[1, SIDE, SIDE], &pixels(1)));
        assert_eq!(folder.fault(), "FOLDER/train-labels-idx1-ubyte: has 3 dimensions, expected 1");

        labels(&idx(&[3], &[0, 1, 2]));
        let images = |bytes: &[u8]| folder.write("t10k-images.idx3-ubyte", bytes);
        images(&idx(&[2, 8, 98], &pixels(2)));
        assert_eq!(folder.fault(), "FOLDER/t10k-images.idx3-ubyte: the images are 8 × 98 pixels, expected 28 × 28");
        images(&idx(&[0, SIDE, SIDE], &[]));
        assert_eq!(folder.fault(), "FOLDER/t10k-images.idx3-ubyte: holds 0 images, expected at least 1");
        images(&gzip(&idx(&[2, SIDE, SIDE], &pixels(2)))[..40]);
        assert!(folder.fault().starts_with("FOLDER/t10k-images.idx3-ubyte: damaged gzip: "), "{}", folder.fault());
    }
}
