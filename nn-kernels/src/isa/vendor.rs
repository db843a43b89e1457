//! Who made the CPU, as it tells.

use std::sync::OnceLock;

/// Whose cores these are: what an operation costs is alike in the cores of one house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// Intel.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only x86-64 CPUs are theirs"))]
    Intel,
    /// Any other, AMD among them.
    Other,
}

impl Vendor {
    /// The CPU's, asked once in a process.
    pub(crate) fn of_cpu() -> Self {
        static VENDOR: OnceLock<Vendor> = OnceLock::new();
        *VENDOR.get_or_init(Self::ask)
    }

    /// By CPUID: leaf 0 spells a name.
    #[cfg(target_arch = "x86_64")]
    fn ask() -> Self {
        let found = std::arch::x86_64::__cpuid(0);
        let name = [found.ebx, found.edx, found.ecx].map(u32::to_le_bytes);
        if name.as_flattened() == b"GenuineIntel" { Self::Intel } else { Self::Other }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn ask() -> Self {
        Self::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the system says, where it says anything.
    #[test]
    fn the_system_agrees() {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if let Some(line) = info.lines().find(|line| line.starts_with("vendor_id")) {
            assert_eq!(Vendor::of_cpu() == Vendor::Intel, line.contains("GenuineIntel"));
        }
    }
}
