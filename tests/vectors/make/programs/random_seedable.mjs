// Oracle: the npm package random-seedable. Arguments: MODULE CALL[%] LO HI COUNT SEED... (seeds in hex).
import { pathToFileURL } from 'node:url';

const [module, call, lo, hi, count, ...seeds] = process.argv.slice(2);
const { XORShift, XORShift128, XORWow } = await import(pathToFileURL(module).href);
const make = {
  xorshift32: (seed) => new XORShift(seed, 13, 17, 5),
  xorshift128: (seed) => new XORShift128(seed, 362436069, 521288629, 88675123),
  xorwow: (seed) => new XORWow(seed),
}[call.replace('%', '')];
const residue = (word) => BigInt(lo) + (BigInt(word) % (BigInt(hi) - BigInt(lo) + 1n));
const text = (word) => (call.endsWith('%') ? String(residue(word)) : word.toString(16).padStart(8, '0'));
for (const seed of seeds) {
  const source = make(BigInt(`0x${seed}`));
  const words = Array.from({ length: Number(count) }, () => text(source.int()));
  console.log([seed, ...words].join(','));
}
