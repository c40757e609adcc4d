"""How long a text is in tokens, without a tokenizer: each provider has its own, and most are not published."""

# Characters per token. Rules of thumb for vocabularies of 100 to 260 thousand tokens, as of 2026: English prose has
# 4 to 4.5, code 3 to 3.5, Russian prose 2.5 to 3.5. Taken low, so the estimate is rather too high than too low.
ASCII = 3.8
CYRILLIC = 2.6
# Tokens per character of everything else: ideographs, emoji.
OTHER = 1.2


def estimate(text: str) -> int:
    """About how many tokens ``text`` has: 0 for nothing, else at least 1.

    For Russian and English prose it lies within about a quarter of what providers count, mostly above; for lists of
    numbers, tables and rare scripts it may be half of the truth. Use counts of a provider where there are any.
    """
    ascii_count = len(text.encode("ascii", "ignore"))
    # The code page holds ASCII, Cyrillic and the quotes and dashes of Russian type: counting by encoding is fast.
    cyrillic_count = len(text.encode("cp1251", "ignore")) - ascii_count
    other_count = len(text) - ascii_count - cyrillic_count
    tokens = ascii_count / ASCII + cyrillic_count / CYRILLIC + other_count * OTHER
    return max(1, round(tokens)) if text else 0
