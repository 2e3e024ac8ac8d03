"""Write a tiny GGUF with seeded random weights: it tests the plumbing around a model, never a judgement. `python tests/llm/tiny_model.py FILE [calm]`.

With `calm` the weights are not random: every token is followed by the same preference of letters, so that under a grammar an answer is
short and agrees (`SOUND`, `PROCEED`, `WAIT`, nothing of concern). A soak with it exercises server, queue and bundles without random care.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 4096
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


CALM = '"SP]}9WLH'
"""Letters that a calm model prefers, most wanted first: it ends texts and lists, and chooses the words that begin so: SOUND, PROCEED, WAIT, LOW, HEALTHY."""


def write(
    path: Path, *, seed: int = 0, context: int = CONTEXT, template: str = TEMPLATE, calm: bool = False
) -> Path:
    """Write the model and return its path; the same arguments give the same bytes."""
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_name("tiny-random")
    out.add_context_length(context)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(INNER)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    words = _vocabulary(out, template)
    if calm:
        _preferences(out, words)
    else:
        _weights(out, words, np.random.default_rng(seed))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def _vocabulary(out: gguf.GGUFWriter, template: str) -> int:
    """Write a vocabulary of bytes and single characters: one token is one character."""
    kind = gguf.TokenType
    words = [(b"<unk>", 0.0, kind.UNKNOWN), (b"<s>", 0.0, kind.CONTROL), (b"</s>", 0.0, kind.CONTROL)]
    words += [(b"<0x%02X>" % one, 0.0, kind.BYTE) for one in range(256)]
    words += [
        ("\u2581".encode() if code == 32 else bytes([code]), -float(at), kind.NORMAL)
        for at, code in enumerate(range(32, 127))
    ]
    words += [(b"\n", -100.0, kind.NORMAL)]
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list([word for word, _, _ in words])
    out.add_token_scores([score for _, score, _ in words])
    out.add_token_types([one for _, _, one in words])
    out.add_vocab_size(len(words))
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_add_bos_token(True)
    out.add_add_space_prefix(False)
    out.add_chat_template(template)
    return len(words)


def _weights(out: gguf.GGUFWriter, words: int, rng: np.random.Generator) -> None:
    def random(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float16)

    ones = np.ones(WIDTH, np.float32)
    out.add_tensor("token_embd.weight", random(words, WIDTH))
    out.add_tensor("output_norm.weight", ones)
    out.add_tensor("output.weight", random(words, WIDTH))
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            out.add_tensor(f"{block}{name}.weight", random(WIDTH, WIDTH))
        for name, shape in (
            ("ffn_gate", (INNER, WIDTH)),
            ("ffn_up", (INNER, WIDTH)),
            ("ffn_down", (WIDTH, INNER)),
        ):
            out.add_tensor(f"{block}{name}.weight", random(*shape))
        for name in ("attn_norm", "ffn_norm"):
            out.add_tensor(f"{block}{name}.weight", ones)


def _preferences(out: gguf.GGUFWriter, words: int) -> None:
    """Write weights under which the hidden state is always one, so that the output matrix alone says which token follows."""
    logits = np.zeros(words, np.float32)
    first = 3 + 256  # control tokens and bytes come before the characters
    for rank, letter in enumerate(CALM):
        logits[first + ord(letter) - 32] = 80.0 - 8.0 * rank
    ones = np.ones(WIDTH, np.float32)
    out.add_tensor("token_embd.weight", np.ones((words, WIDTH), np.float16))
    out.add_tensor("output_norm.weight", ones)
    out.add_tensor("output.weight", (logits[:, None] / WIDTH * ones).astype(np.float16))
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            out.add_tensor(f"{block}{name}.weight", np.zeros((WIDTH, WIDTH), np.float16))
        for name, shape in (
            ("ffn_gate", (INNER, WIDTH)),
            ("ffn_up", (INNER, WIDTH)),
            ("ffn_down", (WIDTH, INNER)),
        ):
            out.add_tensor(f"{block}{name}.weight", np.zeros(shape, np.float16))
        for name in ("attn_norm", "ffn_norm"):
            out.add_tensor(f"{block}{name}.weight", ones)


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), calm=sys.argv[2:] == ["calm"]))
