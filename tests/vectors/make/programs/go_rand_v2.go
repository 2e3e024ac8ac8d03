// Oracle: Go's math/rand/v2. Arguments: CALL LO HI COUNT SEED... (seeds in hex); PCG takes (seed, 0), ChaCha8 the seed in eight bytes.
package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
)

func source(name string, seed uint64) rand.Source {
	if name == "pcg" {
		return rand.NewPCG(seed, 0)
	}
	var bytes [32]byte
	binary.LittleEndian.PutUint64(bytes[:], seed)
	return rand.NewChaCha8(bytes)
}

func draw(call string, r *rand.Rand, lo, hi int64) string {
	size := hi - lo + 1
	switch call {
	case "Uint64":
		return fmt.Sprintf("%016x", r.Uint64())
	case "IntN":
		return strconv.FormatInt(lo+int64(r.IntN(int(size))), 10)
	case "Float64":
		return strconv.FormatInt(lo+int64(r.Float64()*float64(size)), 10)
	}
	panic("unknown call " + call)
}

func main() {
	name, call, _ := strings.Cut(os.Args[1], "_")
	lo, _ := strconv.ParseInt(os.Args[2], 10, 64)
	hi, _ := strconv.ParseInt(os.Args[3], 10, 64)
	count, _ := strconv.Atoi(os.Args[4])
	for _, text := range os.Args[5:] {
		seed, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			panic(err)
		}
		r := rand.New(source(name, seed))
		fmt.Print(text)
		for i := 0; i < count; i++ {
			fmt.Print(",", draw(call, r, lo, hi))
		}
		fmt.Println()
	}
}
