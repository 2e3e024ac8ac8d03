//! Oracle: the Rust crate rand_xoshiro, seeded from one number. Arguments: CALL[%] LO HI COUNT SEED... (seeds in hex).
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::{Xoroshiro128Plus, Xoroshiro128PlusPlus, Xoroshiro128StarStar};

fn words<R: RngCore + SeedableRng>(seed: u64, count: usize) -> String {
    let mut source = R::seed_from_u64(seed);
    (0..count).map(|_| format!(",{:016x}", source.next_u64())).collect()
}

fn residues<R: RngCore + SeedableRng>(seed: u64, lo: i64, hi: i64, count: usize) -> String {
    let mut source = R::seed_from_u64(seed);
    let range = (hi - lo + 1) as u64;
    (0..count).map(|_| format!(",{}", lo + (source.next_u64() % range) as i64)).collect()
}

fn answer<R: RngCore + SeedableRng>(plain: bool, seed: u64, lo: i64, hi: i64, count: usize) -> String {
    if plain { words::<R>(seed, count) } else { residues::<R>(seed, lo, hi, count) }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: usize = arguments[3].parse().expect("COUNT");
    let (lo, hi) = (arguments[1].parse().expect("LO"), arguments[2].parse().expect("HI"));
    let name = arguments[0].trim_end_matches('%');
    let make = match name {
        "xoroshiro128plus" => answer::<Xoroshiro128Plus>,
        "xoroshiro128plusplus" => answer::<Xoroshiro128PlusPlus>,
        "xoroshiro128starstar" => answer::<Xoroshiro128StarStar>,
        call => panic!("unknown call {call}"),
    };
    for seed in &arguments[4..] {
        println!("{seed}{}", make(name == arguments[0], u64::from_str_radix(seed, 16).expect("SEED"), lo, hi, count));
    }
}
