"""Sentiment text and questions from a small seeded grammar: separable, so that learning shows."""

import random

GOOD = [
    "wonderful",
    "brilliant",
    "moving",
    "charming",
    "superb",
    "delightful",
    "gripping",
    "funny",
    "beautiful",
    "clever",
]
BAD = [
    "awful",
    "boring",
    "dreadful",
    "clumsy",
    "tedious",
    "terrible",
    "stupid",
    "lifeless",
    "annoying",
    "ugly",
]
NOUNS = [
    "film",
    "movie",
    "story",
    "plot",
    "script",
    "cast",
    "music",
    "ending",
    "dialogue",
    "picture",
]
PLACES = [
    "london",
    "paris",
    "berlin",
    "madrid",
    "rome",
    "vienna",
    "oslo",
    "lisbon",
    "prague",
    "dublin",
]
FRAMES = [
    "the {noun} was {word} and the {other} was {word2} .",
    "i saw this {noun} twice ; a {word} {other} , really {word2} .",
    "what a {word} {noun} ! the {other} is {word2} too .",
    "despite its length the {noun} stays {word} , and i found the {other} {word2} .",
]


def review(rng: random.Random, label: int, sentences: int = 3) -> str:
    """A review whose every judging word belongs to its `label` (0 negative, 1 positive)."""
    words = GOOD if label else BAD
    parts = []
    for _ in range(sentences):
        noun, other = rng.sample(NOUNS, 2)
        word, word2 = rng.sample(words, 2)
        parts.append(rng.choice(FRAMES).format(noun=noun, other=other, word=word, word2=word2))
    return "<br /><br />".join(parts)


def question(rng: random.Random) -> tuple[str, str, str, int]:
    """(context, question, answer, where the answer starts in the context)."""
    place, other = rng.sample(PLACES, 2)
    noun = rng.choice(NOUNS)
    year = str(rng.randrange(1900, 2020))
    made, shown = place.title(), other.title()
    context = f"The {noun} was made in {made} in {year} . It was never shown in {shown} ."
    asked, answer = rng.choice(
        [(f"Where was the {noun} made ?", made), (f"When was the {noun} made ?", year)]
    )
    return context, asked, answer, context.index(answer)


def corpus(seed: int = 0) -> list[str]:
    """Lines to train vocabularies on."""
    rng = random.Random(seed)
    reviews = [review(rng, i % 2) for i in range(200)]
    return reviews + [text for _ in range(100) for text in question(rng)[:2]]
