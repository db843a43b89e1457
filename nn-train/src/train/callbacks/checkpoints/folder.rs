//! A folder of numbered checkpoints.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use nn_kernels::Element;

use crate::disk::{Disk, folder_of, remove_unfinished};
use crate::error::Error;
use crate::train::RunState;
use crate::train::checkpoint::{BestNumber, Contents, save};

const BEST: &str = "best.ckpt";
const EXTENSION: &str = ".ckpt";

/// A folder of one run.
pub(super) struct Folder {
    path: PathBuf,
    /// The number of the last file.
    last: u64,
    /// The checkpoints of another run, which go once there is one of this.
    others: Vec<PathBuf>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, last: 0, others: Vec::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn best(&self) -> PathBuf {
        self.path.join(BEST)
    }

    /// Makes the folder, or goes on in it where the run is resumed; one that is not may be let `overwrite`.
    pub(super) fn open<D: Disk>(&mut self, disk: &D, resumed: bool, overwrite: bool) -> Result<(), Error> {
        self.make(disk).map_err(|error| Error::io("make the folder", self.path.display(), &error))?;
        self.others = if resumed { Vec::new() } else { self.newest_first(disk)? };
        if let Some(newest) = self.others.first()
            && !overwrite
        {
            return Err(Error::Exists { place: newest.display().to_string() });
        }
        self.last = self.numbered(disk)?.first().map_or(0, |(number, _)| *number);
        remove_unfinished(disk, &self.path, |name| name.starts_with('.') && name.contains(&format!("{EXTENSION}.")))
    }

    /// Makes the folder, with those that it is in, unless it is there.
    fn make<D: Disk>(&self, disk: &D) -> io::Result<()> {
        let ancestors = self.path.ancestors().take_while(|folder| !folder.as_os_str().is_empty());
        let missing: Vec<&Path> = ancestors.take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(&self.path)?;
        // Each outlasts a power cut once the folder that names it is on the disk.
        missing.into_iter().try_for_each(|folder| disk.flush_folder(folder_of(folder)))
    }

    /// Its numbered files, the newest first.
    fn numbered<D: Disk>(&self, disk: &D) -> Result<Vec<(u64, String)>, Error> {
        let names =
            disk.names(&self.path).map_err(|error| Error::io("read the folder", self.path.display(), &error))?;
        let number = |name: &str| -> Option<u64> {
            let (number, steps) = name.strip_suffix(EXTENSION)?.split_once("-step-")?;
            steps.parse::<u64>().ok()?;
            number.parse().ok()
        };
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        let mut numbered: Vec<_> = names.filter_map(|name| Some((number(&name)?, name))).collect();
        numbered.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbered)
    }

    /// The paths of all checkpoints, the newest first and the best one last; none where there is no folder.
    pub(super) fn newest_first<D: Disk>(&self, disk: &D) -> Result<Vec<PathBuf>, Error> {
        let numbered = match self.numbered(disk) {
            Err(Error::Io { kind: ErrorKind::NotFound, .. }) => return Ok(Vec::new()),
            numbered => numbered?,
        };
        let paths = numbered.into_iter().map(|(_, name)| self.path.join(name));
        Ok(paths.chain(Some(self.best()).filter(|best| best.exists())).collect())
    }

    /// Writes the next file, and once it is on the disk removes those that are older than the last `keep`.
    pub(super) fn save<D: Disk, T: Element>(
        &mut self,
        disk: &D,
        state: &RunState<T>,
        keep: usize,
    ) -> Result<PathBuf, Error> {
        let number = self.last + 1;
        let path = self.path.join(format!("{number:06}-step-{}{EXTENSION}", state.session.steps));
        save(disk, &path, &Contents::Run(state, None))?;
        self.last = number;
        self.remove_others(disk)?;
        let old = self.numbered(disk)?.into_iter().skip(keep);
        old.map(|(_, name)| self.path.join(name)).try_for_each(|old| remove(disk, &old))?;
        Ok(path)
    }

    /// Writes the best one, and for what it is that.
    pub(super) fn save_best<D: Disk, T: Element>(
        &mut self,
        disk: &D,
        state: &RunState<T>,
        best: &BestNumber,
    ) -> Result<(), Error> {
        let path = self.best();
        save(disk, &path, &Contents::Run(state, Some(best)))?;
        self.others.retain(|other| *other != path);
        self.remove_others(disk)
    }

    /// Removes the checkpoints of another run, now that there is one of this.
    fn remove_others<D: Disk>(&mut self, disk: &D) -> Result<(), Error> {
        self.others.drain(..).try_for_each(|other| remove(disk, &other))
    }
}

fn remove<D: Disk>(disk: &D, path: &Path) -> Result<(), Error> {
    disk.remove(path).map_err(|error| Error::io("remove", path.display(), &error))
}
