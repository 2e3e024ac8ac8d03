// Oracle: npm's seedrandom and alea seeded by words. Arguments: MODULES PACKAGE.GENERATOR LO HI COUNT WORD... (UTF-8 in hex behind a 1).
import { createRequire } from 'node:module';

const [modules, name, low, high, count, ...words] = process.argv.slice(2);
const [lo, hi] = [Number(low), Number(high)];
const load = createRequire(`${modules}/`);
const make = {
  'seedrandom.arc4': (word) => load('seedrandom')(word),
  'seedrandom.alea': (word) => load('seedrandom').alea(word),
  'alea.alea': (word) => load('alea')(word),
}[name];
for (const text of words) {
  const random = make(Buffer.from(text.slice(1), 'hex').toString('utf8'));
  const draws = Array.from({ length: Number(count) }, () => lo + Math.floor(random() * (hi - lo + 1)));
  console.log([text, ...draws].join(','));
}
