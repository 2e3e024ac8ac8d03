//! Oracle: the Rust crate rand_xoshiro, seeded from one number. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::{Xoroshiro128Plus, Xoroshiro128PlusPlus, Xoroshiro128StarStar};

fn words<R: RngCore + SeedableRng>(seed: u64, count: usize) -> String {
    let mut source = R::seed_from_u64(seed);
    (0..count).map(|_| format!(",{:016x}", source.next_u64())).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: usize = arguments[3].parse().expect("COUNT");
    let make = match arguments[0].as_str() {
        "xoroshiro128plus" => words::<Xoroshiro128Plus>,
        "xoroshiro128plusplus" => words::<Xoroshiro128PlusPlus>,
        "xoroshiro128starstar" => words::<Xoroshiro128StarStar>,
        call => panic!("unknown call {call}"),
    };
    for seed in &arguments[4..] {
        println!("{seed}{}", make(u64::from_str_radix(seed, 16).expect("SEED"), count));
    }
}
