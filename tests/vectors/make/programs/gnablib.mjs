// Oracle: the npm package gnablib, its SplitMix64 seeding its Xoshiro128pp. Arguments: PACKAGE CALL LO HI COUNT SEED... (hex).
import { pathToFileURL } from 'node:url';

const [root, , , , count, ...seeds] = process.argv.slice(2);
const load = (part) => import(pathToFileURL(`${root}/dist/${part}`).href);
const { SplitMix64, Xoshiro128pp } = await load('prng/index.js');
const { U64 } = await load('primitive/number/U64.js');

for (const seed of seeds) {
  const value = BigInt(`0x${seed}`);
  const expand = SplitMix64.seed(U64.fromI32s(Number(value & 0xffffffffn), Number(value >> 32n)));
  const [a, b] = [expand.rawNext().clone(), expand.rawNext().clone()];
  const source = Xoshiro128pp.seed(a.low, a.high, b.low, b.high);
  const words = Array.from({ length: Number(count) }, () => source.rawNext().toString(16).padStart(8, '0'));
  console.log([seed, ...words].join(','));
}
