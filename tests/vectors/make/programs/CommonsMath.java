// Oracle: the WELL generators of Apache Commons Math 3. Arguments: CALL[*] LO HI COUNT SEED... (seeds in hex).
import org.apache.commons.math3.random.AbstractWell;
import org.apache.commons.math3.random.Well1024a;
import org.apache.commons.math3.random.Well512a;

class CommonsMath {
    static AbstractWell made(String call, int seed) {
        return switch (call) {
            case "Well512a" -> new Well512a(seed);
            case "Well1024a" -> new Well1024a(seed);
            default -> throw new IllegalArgumentException(call);
        };
    }

    static String draw(AbstractWell source, boolean scaled, long lo, long hi) {
        if (scaled) return "," + (lo + (long) (source.nextDouble() * (hi - lo + 1)));
        return String.format(",%08x", source.nextInt());
    }

    public static void main(String[] arguments) {
        String call = arguments[0].replace("*", "");
        long lo = Long.parseLong(arguments[1]), hi = Long.parseLong(arguments[2]);
        for (int i = 4; i < arguments.length; ++i) {
            AbstractWell source = made(call, Integer.parseUnsignedInt(arguments[i], 16));
            StringBuilder line = new StringBuilder(arguments[i]);
            for (int k = Integer.parseInt(arguments[3]); k > 0; --k) line.append(draw(source, !call.equals(arguments[0]), lo, hi));
            System.out.println(line);
        }
    }
}
