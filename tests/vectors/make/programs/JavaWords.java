import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Random;

/** Oracle: the JDK's generators seeded by words. Arguments: CALL LO HI COUNT WORD... (UTF-8 in hex behind a 1). */
public final class JavaWords {
    public static void main(String[] args) throws Exception {
        int lo = Integer.parseInt(args[1]), hi = Integer.parseInt(args[2]), count = Integer.parseInt(args[3]);
        StringBuilder out = new StringBuilder();
        for (int i = 4; i < args.length; i++) {
            Random random = seeded(args[0], HexFormat.of().parseHex(args[i].substring(1)));
            out.append(args[i]);
            for (int k = 0; k < count; k++) out.append(',').append(lo + random.nextInt(hi - lo + 1));
            out.append('\n');
        }
        System.out.print(out);
    }

    private static Random seeded(String call, byte[] word) throws Exception {
        if (call.equals("hashCode")) return new Random(new String(word, StandardCharsets.UTF_8).hashCode());
        SecureRandom random = SecureRandom.getInstance("SHA1PRNG");
        random.setSeed(word);
        return random;
    }
}
