import java.lang.reflect.Method;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;

/** Oracle: the JDK's own generators. Arguments: CALL LO HI COUNT SEED... (seeds in hex). */
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

    /** ThreadLocalRandom's thread probe is a plain 32-bit xorshift step of its argument; it needs --add-opens. */
    private static Draw probe(int seed) throws Exception {
        Method advance = ThreadLocalRandom.class.getDeclaredMethod("advanceProbe", int.class);
        advance.setAccessible(true);
        int[] state = {seed};
        return () -> String.format("%08x", state[0] = (int) advance.invoke(null, state[0]));
    }
}
