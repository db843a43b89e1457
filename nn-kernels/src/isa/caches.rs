//! The sizes of the caches, as the CPU tells them.

use std::sync::OnceLock;

/// What one core has near it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caches {
    /// The first level, for data.
    pub l1: usize,
    /// The second level.
    pub l2: usize,
}

/// What is assumed where the CPU does not tell: the least of common cores.
const ASSUMED: Caches = Caches { l1: 32 << 10, l2: 512 << 10 };

impl Caches {
    /// Those of the CPU, asked once in a process. Where it does not tell, or tells what no core has, 32 and 512 KiB are
    /// assumed.
    #[must_use]
    pub fn of_cpu() -> Self {
        static CACHES: OnceLock<Caches> = OnceLock::new();
        *CACHES.get_or_init(|| {
            let [l1, l2] = [1, 2].map(size_of_level);
            let within = |size: Option<usize>, least: usize, most: usize, assumed: usize| {
                size.filter(|size| (least..=most).contains(size)).unwrap_or(assumed)
            };
            Self {
                l1: within(l1, 8 << 10, 1 << 20, ASSUMED.l1),
                // A second level that many cores share is no core's own.
                l2: within(l2, 64 << 10, 32 << 20, ASSUMED.l2).min(4 << 20),
            }
        })
    }
}

/// The data cache of a level, by CPUID: leaf 4 of Intel and leaf 0x8000_001D of AMD have the same fields (Intel, "Software
/// Developer's Manual", volume 2, CPUID; AMD, "Architecture Programmer's Manual", volume 3, E.4.14).
#[cfg(target_arch = "x86_64")]
fn size_of_level(level: u32) -> Option<usize> {
    use std::arch::x86_64::{__cpuid, __cpuid_count};

    let leaf = match (__cpuid(0).eax, __cpuid(0x8000_0000).eax) {
        // AMD's topology extensions, without which the leaf says nothing.
        (_, extended) if extended >= 0x8000_001D && __cpuid(0x8000_0001).ecx & (1 << 22) != 0 => 0x8000_001D,
        (basic, _) if basic >= 4 => 4,
        _ => return None,
    };
    (0..16).map(|index| __cpuid_count(leaf, index)).take_while(|found| found.eax & 31 != 0).find_map(|found| {
        let (kind, of_level) = (found.eax & 31, found.eax >> 5 & 7);
        let holds_data = kind == 1 || kind == 3;
        let part = |shift: u32, bits: u32| (found.ebx >> shift & ((1 << bits) - 1)) as usize + 1;
        let size = part(0, 12) * part(12, 10) * part(22, 10) * (found.ecx as usize + 1);
        (holds_data && of_level == level).then_some(size)
    })
}

/// The data cache of a level, as Linux tells it of the first core.
#[cfg(not(target_arch = "x86_64"))]
fn size_of_level(level: u32) -> Option<usize> {
    let read = |index: u32, file: &str| {
        std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}")).ok()
    };
    (0..8).find_map(|index| {
        let of_level = read(index, "level")?.trim().parse() == Ok(level);
        let holds_data = read(index, "type")?.trim() != "Instruction";
        let kib: usize = read(index, "size")?.trim().strip_suffix('K')?.parse().ok()?;
        (of_level && holds_data).then_some(kib << 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_have_sizes_that_cores_have() {
        let Caches { l1, l2 } = Caches::of_cpu();
        assert!((8 << 10..=1 << 20).contains(&l1) && (64 << 10..=4 << 20).contains(&l2) && l1 < l2, "{l1} {l2}");
        assert_eq!(Caches::of_cpu(), Caches::of_cpu());
    }

    /// What the system says of the same caches, where it says anything.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn the_system_agrees() {
        let read = |index: u32, file: &str| {
            std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}")).ok()
        };
        for index in 0..8 {
            let (Some(level), Some(kind), Some(size)) =
                (read(index, "level"), read(index, "type"), read(index, "size"))
            else {
                continue;
            };
            let kib: Option<usize> = size.trim().strip_suffix('K').and_then(|kib| kib.parse().ok());
            if let (Ok(level @ 1..=2), true, Some(kib)) = (level.trim().parse(), kind.trim() != "Instruction", kib) {
                assert_eq!(size_of_level(level), Some(kib << 10), "level {level}");
            }
        }
    }
}
