import java.lang.reflect.Method;
import java.security.SecureRandom;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Oracle: the JDK's own generators. Arguments: CALL LO HI COUNT SEED... (seeds in hex). A call NAME.METHOD is a method of the
 * generator of that name: SHA1PRNG, SplittableRandom or one of RandomGeneratorFactory's.
 */
public final class JavaOracle {
    interface Draw { String next() throws Exception; }

    public static void main(String[] args) throws Exception {
        long lo = Long.parseLong(args[1]), hi = Long.parseLong(args[2]);
        int count = Integer.parseInt(args[3]);
        StringBuilder out = new StringBuilder();
        for (int i = 4; i < args.length; i++) {
            Draw draw = draw(args[0], Long.parseUnsignedLong(args[i], 16), lo, hi - lo + 1);
            out.append(args[i]);
            for (int k = 0; k < count; k++) out.append(',').append(draw.next());
            out.append('\n');
        }
        System.out.print(out);
    }

    private static Draw draw(String call, long seed, long lo, long range) throws Exception {
        if (call.equals("probe")) return probe((int) seed);
        if (call.contains(".")) return method(made(call.split("\\.")[0], seed), call.split("\\.")[1], lo, range);
        Random random = new Random(seed);
        SplittableRandom splittable = new SplittableRandom(seed);
        switch (call) {
            case "nextInt": return () -> String.format("%08x", random.nextInt());
            case "nextInt_bound": return () -> Long.toString(lo + random.nextInt((int) range));
            case "nextInt_shift": return () -> Long.toString(lo + (random.nextInt() >>> 1) % range);
            case "nextDouble": return () -> Long.toString(lo + (long) Math.floor(random.nextDouble() * range));
            case "split_nextLong": return () -> String.format("%016x", splittable.nextLong());
            case "split_shift": return () -> Long.toString(lo + (splittable.nextLong() >>> 33) % range);
            case "split_nextDouble": return () -> Long.toString(lo + (long) Math.floor(splittable.nextDouble() * range));
            default: throw new IllegalArgumentException(call);
        }
    }

    private static RandomGenerator made(String name, long seed) throws Exception {
        if (name.equals("SplittableRandom")) return new SplittableRandom(seed);
        return name.equals("SHA1PRNG") ? sha1prng(seed) : RandomGeneratorFactory.of(name).create(seed);
    }

    private static Draw method(RandomGenerator from, String method, long lo, long range) {
        switch (method) {
            case "nextInt": return () -> String.format("%08x", from.nextInt());
            case "nextLong": return () -> String.format("%016x", from.nextLong());
            case "nextInt_bound": return () -> Long.toString(lo + from.nextInt((int) range));
            case "nextInt_shift": return () -> Long.toString(lo + (from.nextInt() >>> 1) % range);
            case "nextLong_shift": return () -> Long.toString(lo + (from.nextLong() >>> 33) % range);
            case "nextFloat": return () -> Long.toString(lo + (long) Math.floor((double) from.nextFloat() * range));
            case "nextDouble": return () -> Long.toString(lo + (long) Math.floor(from.nextDouble() * range));
            default: throw new IllegalArgumentException(method);
        }
    }

    /** setSeed(0) does nothing before the first draw; eight zero bytes are what any other long would be. */
    private static SecureRandom sha1prng(long seed) throws Exception {
        SecureRandom random = SecureRandom.getInstance("SHA1PRNG");
        if (seed == 0) random.setSeed(new byte[8]);
        else random.setSeed(seed);
        return random;
    }

    /** ThreadLocalRandom's thread probe is a plain 32-bit xorshift step of its argument; it needs --add-opens. */
    private static Draw probe(int seed) throws Exception {
        Method advance = ThreadLocalRandom.class.getDeclaredMethod("advanceProbe", int.class);
        advance.setAccessible(true);
        int[] state = {seed};
        return () -> String.format("%08x", state[0] = (int) advance.invoke(null, state[0]));
    }
}
