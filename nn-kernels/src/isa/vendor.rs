//! Who made the CPU, as it tells.

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

/// Whether Intel made the CPU, asked once in a process: what an operation costs is alike in the cores of one house.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_intel() -> bool {
    static INTEL: OnceLock<bool> = OnceLock::new();
    // Leaf 0 of CPUID spells a name.
    *INTEL.get_or_init(|| {
        let found = std::arch::x86_64::__cpuid(0);
        [found.ebx, found.edx, found.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
    })
}

/// Intel makes CPUs of x86-64 only.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const fn is_intel() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the system says, where it says anything.
    #[test]
    fn the_system_agrees() {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if let Some(line) = info.lines().find(|line| line.starts_with("vendor_id")) {
            assert_eq!(is_intel(), line.contains("GenuineIntel"));
        }
    }
}
