"""Random Markdown whose words are known, and random cuts of it."""

import random
import re

# Kinds of block with words w1, w2, ... in place of each "@": all of them must be spoken, in order.
BLOCKS = [
    "# @ @\n", "@ **@ @** @. @ *@*!\n\n", "- @\n- [x] @ `@`\n", "3. @ @\n", "> @\n> @\n\n", "@\n===\n",
    "***\n", "```x\ncode\n```\n", "$$\nformula\n$$\n", "@ [@] (@) \"@\" @_@ @*@ <@ @>\n\n",
    "@ <b>@</b> &amp; @\n",
    "| @ | @ |\n|---|---|\n| @ | **@** |\n\n", "[@](http://h.org/x) ![@](y) [@][z]\n\n", "<!-- code -->@\n",
    "@, @; @ ~~@~~ __@__ \\*@\\*\n", "1986. @ ``@ ` @``\n\n", "@[^n]\n\n[^n]: @\n",
]  # fmt: skip


def make_document(rng: random.Random) -> tuple[str, int]:
    """Eight blocks, and how many words they have."""
    count = 0

    def word(_) -> str:
        nonlocal count
        count += 1
        return f"w{count}"

    return re.sub("@", word, "".join(rng.choices(BLOCKS, k=8))), count


def cut(rng: random.Random, text: str) -> list[str]:
    """Random pieces, like tokens."""
    ends = sorted(rng.choices(range(len(text) + 1), k=len(text) // 4))
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
