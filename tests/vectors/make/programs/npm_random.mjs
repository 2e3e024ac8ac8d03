// Oracle: generators that people install from npm. Arguments: MODULES PACKAGE.GENERATOR.CALL LO HI COUNT SEED... (seeds in hex).
import { createRequire } from 'node:module';

const [modules, name, low, high, count, ...seeds] = process.argv.slice(2);
const [lo, hi] = [Number(low), Number(high)];
const [pack, generator, call] = name.split('.');
const load = (path) => createRequire(`${modules}/`)(path);
const floor = (fraction) => lo + Math.floor(fraction * (hi - lo + 1));
const hex = (word) => (word >>> 0).toString(16).padStart(8, '0');

const packages = {
  // gnablib is a module of ES alone, so it is imported
  gnablib: async () => {
    const { Mulberry32, Sfc32 } = await import(`${modules}/gnablib/dist/prng/index.js`);
    const sfc32 = (seed) => {
      const state = Uint32Array.of(0x9e3779b9, 0x243f6a88, 0xb7e15162, Number(seed) ^ 0xdeadbeef);
      const source = Sfc32.restore(new Uint8Array(state.buffer), true);
      for (let i = 0; i < 15; ++i) source.rawNext();
      return source;
    };
    const make = { mulberry32: (seed) => Mulberry32.seed(Number(seed)), sfc32 }[generator];
    return (seed) => {
      const source = make(seed);
      return { word: () => hex(source.rawNext()), floor: () => floor(source.rawNext() / 2 ** 32) };
    };
  },
  alea: async () => (seed) => {
    const random = load('alea')(seed.toString());
    return {
      word: () => hex(random() * 2 ** 32),
      floor: () => floor(random()),
      fract53: () => floor(random.fract53()),
    };
  },
  'pure-rand': async () => {
    const make = load(`pure-rand/generator/${generator}`)[generator];
    const { uniformInt } = load('pure-rand/distribution/uniformInt');
    return (seed) => {
      const source = make(Number(seed) | 0);
      return { word: () => hex(source.next() + 2 ** 31), uniformInt: () => uniformInt(source, lo, hi) };
    };
  },
  seedrandom: async () => {
    const seedrandom = load('seedrandom');
    const make = {
      arc4: (seed) => seedrandom(`${seed}\0`), // a number is hashed so; as text it may have all 64 bits
      alea: (seed) => seedrandom.alea(seed.toString()),
    }[generator];
    return (seed) => {
      const random = make(seed);
      return {
        word53: () => (Math.floor(random() * 2 ** 53)).toString(16),
        word: () => hex(random.int32()),
        floor: () => floor(random()),
      };
    };
  },
  'random-js': async () => {
    const { MersenneTwister19937, integer } = load('random-js');
    return (seed) => {
      const source = MersenneTwister19937.seed(Number(seed));
      return { word: () => hex(source.next()), integer: () => integer(lo, hi)(source) };
    };
  },
};

const make = await packages[pack]();
for (const seed of seeds) {
  const draw = make(BigInt(`0x${seed}`))[call];
  console.log([seed, ...Array.from({ length: Number(count) }, draw)].join(','));
}
