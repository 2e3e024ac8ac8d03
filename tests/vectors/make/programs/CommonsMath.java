// Oracle: the WELL generators of Apache Commons Math 3. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
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

    public static void main(String[] arguments) {
        for (int i = 4; i < arguments.length; ++i) {
            AbstractWell source = made(arguments[0], Integer.parseUnsignedInt(arguments[i], 16));
            StringBuilder line = new StringBuilder(arguments[i]);
            for (int k = Integer.parseInt(arguments[3]); k > 0; --k) line.append(String.format(",%08x", source.nextInt()));
            System.out.println(line);
        }
    }
}
