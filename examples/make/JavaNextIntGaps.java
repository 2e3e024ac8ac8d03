import java.util.Random;

/** A server that shows every fourth nextInt(1000); three calls go elsewhere in between. Arguments: SEED COUNT. */
public final class JavaNextIntGaps {
    public static void main(String[] args) {
        Random random = new Random(Long.parseLong(args[0]));
        int count = Integer.parseInt(args[1]);
        System.out.print("draw,value\n");
        for (int draw = 1; draw <= count; draw++) {
            System.out.print(draw + "," + random.nextInt(1000) + "\n");
            for (int hidden = 0; hidden < 3; hidden++) random.nextInt(1000);
        }
    }
}
