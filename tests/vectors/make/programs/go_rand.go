// Oracle: Go's math/rand. Arguments: CALL LO HI COUNT SEED... (seeds in hex, read as 64-bit two's complement).
package main

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
)

func draw(call string, r *rand.Rand, lo, hi int64) string {
	size := hi - lo + 1
	switch call {
	case "Int63":
		return fmt.Sprintf("%016x", r.Int63())
	case "Intn":
		return strconv.FormatInt(lo+int64(r.Intn(int(size))), 10)
	case "Int63n":
		return strconv.FormatInt(lo+r.Int63n(size), 10)
	case "Float64":
		return strconv.FormatInt(lo+int64(r.Float64()*float64(size)), 10)
	}
	panic("unknown call " + call)
}

func main() {
	lo, _ := strconv.ParseInt(os.Args[2], 10, 64)
	hi, _ := strconv.ParseInt(os.Args[3], 10, 64)
	count, _ := strconv.Atoi(os.Args[4])
	for _, text := range os.Args[5:] {
		seed, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			panic(err)
		}
		r := rand.New(rand.NewSource(int64(seed)))
		fmt.Print(text)
		for i := 0; i < count; i++ {
			fmt.Print(",", draw(os.Args[1], r, lo, hi))
		}
		fmt.Println()
	}
}
