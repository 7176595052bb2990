"""Language models of a few kilobytes, as mlx-lm loads them: one with a fixed answer, one at random."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from nanospeech_core.checkpoints.tensors import save_tensors

ROLES = ("<system>", "<user>", "<assistant>")
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def write_scripted_llm(folder: Path, pieces: list[str], template: str | None = TEMPLATE) -> Path:
    """A Llama that answers every question with `pieces`, no two alike, a token each.

    A token's embedding is a one-hot vector, and the output matrix makes of it the token that comes next.
    """
    from tokenizers import Tokenizer, decoders, models

    assert len(set(pieces)) == len(pieces)
    words = ["<unk>", "<eos>", *ROLES, *pieces]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    order = ["<assistant>", *pieces, "<eos>"]
    size = len(words) + len(words) % 2
    tensors = llama_tensors(size, len(words), lambda shape: np.zeros(shape))
    tensors["model.embed_tokens.weight"] = np.eye(len(words), size)
    for before, after in zip(order, order[1:], strict=False):
        tensors["lm_head.weight"][words.index(after), words.index(before)] = 100
    return write_llm(folder, tokenizer, tensors, template)


def write_random_llm(folder: Path, seed: int = 0) -> Path:
    """A Llama with random weights over the bytes of a text: its answer depends on the entire conversation."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {word: i for i, word in enumerate(["<unk>", "<eos>", *ROLES, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    rng = np.random.default_rng(seed)
    tensors = llama_tensors(16, len(vocab), lambda shape: rng.standard_normal(shape))
    return write_llm(folder, tokenizer, tensors, TEMPLATE)


def llama_tensors(size: int, vocab: int, sample) -> dict[str, np.ndarray]:
    layer = "model.layers.0"
    square, norm = (size, size), np.ones(size)
    return {
        "model.embed_tokens.weight": sample((vocab, size)),
        **{f"{layer}.self_attn.{name}_proj.weight": sample(square) for name in "qkvo"},
        f"{layer}.mlp.gate_proj.weight": sample(square),
        f"{layer}.mlp.up_proj.weight": sample(square),
        f"{layer}.mlp.down_proj.weight": sample(square),
        f"{layer}.input_layernorm.weight": norm,
        f"{layer}.post_attention_layernorm.weight": norm,
        "model.norm.weight": norm,
        "lm_head.weight": sample((vocab, size)),
    }


def write_llm(folder: Path, tokenizer, tensors: dict[str, np.ndarray], template: str | None) -> Path:
    folder.mkdir(parents=True)
    tokenizer.add_special_tokens(list(ROLES))
    tokenizer.save(str(folder / "tokenizer.json"))
    vocab, size = tensors["model.embed_tokens.weight"].shape
    config = {
        "model_type": "llama",
        "hidden_size": size,
        "num_hidden_layers": 1,
        "intermediate_size": size,
        "num_attention_heads": 1,
        "rms_norm_eps": 1e-5,
        "vocab_size": vocab,
        "tie_word_embeddings": False,
        "eos_token_id": 1,
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<eos>",
        "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False,
        **({} if template is None else {"chat_template": template}),
    }
    for name, values in (("config", config), ("tokenizer_config", settings)):
        (folder / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
    arrays = {name: values.astype(np.float32) for name, values in tensors.items()}
    save_tensors(folder / "model.safetensors", arrays, {"format": "mlx"})
    return folder
