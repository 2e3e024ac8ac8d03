"""Oracle: JAX's default random bits, uniforms included; arguments CALL LO HI COUNT SEED... (seeds in hex)."""

import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"
import jax

jax.config.update("jax_enable_x64", True)  # else a key keeps the low 32 bits of its seed alone


def key_of(seed: int) -> jax.Array:
    """Return the key of a seed; the upper half of the 64-bit range is written as negative numbers there."""
    return jax.random.PRNGKey(seed - (seed >> 63 << 64))


def values(call: str, seed: int, lo: int, hi: int, count: int) -> list[str]:
    """Return raw words in hex, or draws over the range."""
    if call == "uniform":
        uniforms = jax.random.uniform(key_of(seed), (count,), "float32").tolist()
        return [str(lo + int(u * (hi - lo + 1))) for u in uniforms]
    words = jax.random.bits(key_of(seed), (count,), "uint32").tolist()
    return [f"{w:08x}" if call == "bits" else str(lo + w % (hi - lo + 1)) for w in words]


if __name__ == "__main__":
    for text in sys.argv[5:]:
        low, high, many = (int(part) for part in sys.argv[2:5])
        print(text, *values(sys.argv[1], int(text, 16), low, high, many), sep=",")
