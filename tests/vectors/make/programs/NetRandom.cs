// Oracle: System.Random and Visual Basic's Rnd of .NET. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
using System;
using System.Linq;
using System.Reflection;
using System.Threading;

static class NetRandom {
    delegate float Single(float number);

    static readonly Type VisualBasic = Type.GetType("Microsoft.VisualBasic.VBMath, Microsoft.VisualBasic.Core");

    static MethodInfo Rnd(params Type[] types) { return VisualBasic.GetMethod("Rnd", types); }

    static void Randomize(double number) {
        VisualBasic.GetMethod("Randomize", new[] { typeof(double) }).Invoke(null, new object[] { number });
    }

    // Rnd(negative) makes the number's bits the state, the exponent's byte added, and draws. 0xBF on top makes every state possible.
    static float RndFrom(uint state) {
        byte[] bytes = BitConverter.GetBytes(0xBF000000u | ((state - 0xBFu) & 0xFFFFFFu));
        return (float)Rnd(typeof(float)).Invoke(null, new object[] { BitConverter.ToSingle(bytes, 0) });
    }

    static Func<double> Source(string name, uint seed) {
        if (name == "net") return new Random((int)seed).NextDouble;
        Single rnd = (Single)Delegate.CreateDelegate(typeof(Single), Rnd(typeof(float)));
        if (name == "randomize") {
            Randomize((int)seed);
            return () => rnd(1);
        }
        bool first = true;
        return () => {
            float draw = first ? RndFrom(seed) : rnd(1);
            first = false;
            return draw;
        };
    }

    static Func<string> Draws(string call, uint seed, int lo, int hi) {
        Random random = new Random((int)seed);
        string[] parts = call.Split(':');
        if (call == "net:Next") return () => random.Next().ToString("x8");
        if (call == "net:range") return () => random.Next(lo, hi + 1).ToString();
        Func<double> source = Source(parts[0], seed);
        if (parts[1] == "24") return () => ((int)(source() * 16777216)).ToString("x6");
        return () => (lo + (int)(source() * (hi - lo + 1))).ToString();
    }

    static void Print(string[] arguments, string seed) {
        int lo = int.Parse(arguments[1]), hi = int.Parse(arguments[2]), count = int.Parse(arguments[3]);
        Func<string> draw = Draws(arguments[0], Convert.ToUInt32(seed, 16), lo, hi);
        Console.WriteLine(seed + "," + string.Join(",", Enumerable.Range(0, count).Select(i => draw())));
    }

    static void Main(string[] arguments) {
        foreach (string seed in arguments.Skip(4)) {
            Thread fresh = new Thread(() => Print(arguments, seed));  // Rnd's state is a thread's own
            fresh.Start();
            fresh.Join();
        }
    }
}
