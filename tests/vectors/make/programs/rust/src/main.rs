//! Oracle: the Rust Project's generator crates. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
//! CALL is a generator for its raw words, or generator:draw for `range` (i32), `range64` (u64), `f32` or `f64` on it.
use rand::Rng;
use rand_core::{RngCore, SeedableRng};

/// Marsaglia's xorshift128 with the state set directly: x = seed, then his three published words.
fn marsaglia(seed: u32) -> rand_xorshift::XorShiftRng {
    let mut bytes = [0u8; 16];
    for (slot, word) in bytes.chunks_mut(4).zip([seed, 362436069, 521288629, 88675123]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    rand_xorshift::XorShiftRng::from_seed(bytes)
}

/// The generator and the bits of its word.
fn generator(name: &str, seed: u64) -> (Box<dyn RngCore>, u32) {
    match name {
        "xorshift128" => (Box::new(marsaglia(seed as u32)), 32),
        "xoshiro128pp" => (Box::new(rand_xoshiro::Xoshiro128PlusPlus::seed_from_u64(seed)), 32),
        "pcg32" => (Box::new(rand_pcg::Pcg32::new(seed, 54)), 32),
        "splitmix64" => (Box::new(rand_xoshiro::SplitMix64::seed_from_u64(seed)), 64),
        "StdRng" => (Box::new(rand::rngs::StdRng::seed_from_u64(seed)), 32),
        "SmallRng" => (Box::new(rand::rngs::SmallRng::seed_from_u64(seed)), 64),
        "ChaCha8Rng" => (Box::new(rand_chacha::ChaCha8Rng::seed_from_u64(seed)), 32),
        "ChaCha12Rng" => (Box::new(rand_chacha::ChaCha12Rng::seed_from_u64(seed)), 32),
        "ChaCha20Rng" => (Box::new(rand_chacha::ChaCha20Rng::seed_from_u64(seed)), 32),
        "XorShiftRng" => (Box::new(rand_xorshift::XorShiftRng::seed_from_u64(seed)), 32),
        "Lcg64Xsh32" => (Box::new(rand_pcg::Lcg64Xsh32::seed_from_u64(seed)), 32),
        "Lcg128Xsl64" => (Box::new(rand_pcg::Lcg128Xsl64::seed_from_u64(seed)), 64),
        "Mcg128Xsl64" => (Box::new(rand_pcg::Mcg128Xsl64::seed_from_u64(seed)), 64),
        "IsaacRng" => (Box::new(rand_isaac::IsaacRng::seed_from_u64(seed)), 32),
        "Hc128Rng" => (Box::new(rand_hc::Hc128Rng::seed_from_u64(seed)), 32),
        _ => panic!("unknown generator {name}"),
    }
}

fn word(rng: &mut dyn RngCore, bits: u32) -> String {
    match bits {
        32 => format!("{:08x}", rng.next_u32()),
        _ => format!("{:016x}", rng.next_u64()),
    }
}

fn mapped(rng: &mut dyn RngCore, draw: &str, lo: i64, hi: i64) -> i64 {
    match draw {
        "range" => rng.gen_range(lo as i32..=hi as i32).into(),
        "range64" => lo + rng.gen_range(0..(hi - lo + 1) as u64) as i64,
        "f32" => lo + (f64::from(rng.gen::<f32>()) * (hi - lo + 1) as f64) as i64,
        "f64" => lo + (rng.gen::<f64>() * (hi - lo + 1) as f64) as i64,
        _ => panic!("unknown draw {draw}"),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, draw) = arguments[0].split_once(':').unwrap_or((&arguments[0], ""));
    let [lo, hi] = [1, 2].map(|i| arguments[i].parse::<i64>().expect("LO HI"));
    let count: usize = arguments[3].parse().expect("COUNT");
    for seed in &arguments[4..] {
        let (mut rng, bits) = generator(name, u64::from_str_radix(seed, 16).expect("SEED"));
        let one = |_| match draw {
            "" => word(&mut *rng, bits),
            _ => mapped(&mut *rng, draw, lo, hi).to_string(),
        };
        println!("{seed},{}", (0..count).map(one).collect::<Vec<_>>().join(","));
    }
}
