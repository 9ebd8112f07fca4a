//! Deterministic numbers from a seed.

/// SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: i64) -> Self {
        Self(seed.cast_unsigned())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
}

/// A number that depends on the seed and every byte of `text`, and on nothing else: FNV-1a, mixed.
pub(crate) fn derive(seed: i64, text: &str) -> i64 {
    let hash = text.bytes().fold(
        0xcbf2_9ce4_8422_2325 ^ seed.cast_unsigned(),
        |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3),
    );
    mix(hash).cast_signed()
}

/// A number in `0.0..1.0` that depends on the salt and the attempt, and on nothing else.
pub(crate) fn unit(salt: i64, attempt: u32) -> f64 {
    let bits = mix(salt.cast_unsigned() ^ u64::from(attempt).rotate_left(32));
    // 53 bits: what a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let numerator = (bits >> 11) as f64;
    numerator / (1u64 << 53) as f64
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First outputs of SplitMix64 with seed 0, from the reference implementation.
        let mut random = Random::new(0);
        assert_eq!(random.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn derived_seeds_differ_by_text_and_by_seed() {
        assert_ne!(derive(1, "a"), derive(1, "b"));
        assert_ne!(derive(1, "a"), derive(2, "a"));
        assert_eq!(derive(1, "a"), derive(1, "a"));
    }
}
