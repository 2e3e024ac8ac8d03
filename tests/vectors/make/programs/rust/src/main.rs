//! Oracle: the Rust Project's generator crates. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
use rand_core::{RngCore, SeedableRng};

/// Marsaglia's xorshift128 with the state set directly: x = seed, then his three published words.
fn marsaglia(seed: u32) -> rand_xorshift::XorShiftRng {
    let mut bytes = [0u8; 16];
    for (slot, word) in bytes.chunks_mut(4).zip([seed, 362436069, 521288629, 88675123]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    rand_xorshift::XorShiftRng::from_seed(bytes)
}

fn words32(mut rng: impl RngCore, count: usize) -> Vec<String> {
    (0..count).map(|_| format!("{:08x}", rng.next_u32())).collect()
}

fn words(call: &str, seed: u64, count: usize) -> Vec<String> {
    match call {
        "xorshift128" => words32(marsaglia(seed as u32), count),
        "xoshiro128pp" => words32(rand_xoshiro::Xoshiro128PlusPlus::seed_from_u64(seed), count),
        "pcg32" => words32(rand_pcg::Pcg32::new(seed, 54), count),
        "splitmix64" => {
            let mut rng = rand_xoshiro::SplitMix64::seed_from_u64(seed);
            (0..count).map(|_| format!("{:016x}", rng.next_u64())).collect()
        }
        _ => panic!("unknown call {call}"),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: usize = arguments[3].parse().expect("COUNT");
    for seed in &arguments[4..] {
        let value = u64::from_str_radix(seed, 16).expect("SEED");
        println!("{seed},{}", words(&arguments[0], value, count).join(","));
    }
}
