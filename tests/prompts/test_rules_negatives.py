"""What shall not be seen, and what only sounds like it."""

import pytest

from prompts.rules import read

READ = {
    "a street, no people": ("people", "a street"),
    "a street without people": ("people", "a street"),
    "a street with no people and no cars in the rain": ("people, cars", "a street in the rain"),
    "a street, no people, text or logos": ("people, text, logos", "a street"),
    "a street, no text, logos, watermarks": ("text, logos, watermarks", "a street"),
    "a street, no people, a red car": ("people", "a street, a red car"),
    "a street without people or cars": ("people, cars", "a street"),
    "a snowman without a hat": ("hat", "a snowman"),
    "a street, no text on screen": ("text", "a street"),
    "a street, no cars in the background": ("cars", "a street"),
    "a street, avoid logos": ("logos", "a street"),
    "A street. Don't show cars.": ("cars", "A street."),
    "A street. Please do not include any animals.": ("animals", "A street."),
    "A street.\nAvoid: people, text and logos": ("people, text, logos", "A street."),
    "a street, negative prompt: blur, text": ("blur, text", "a street"),
    "a street, not blurry, not too shaky": ("blurry, shaky", "a street"),
    "A STREET, NO TEXT!!!": ("text", "A STREET!!!"),
    "eine Straße, ohne Text": ("text", "eine Straße"),
    "una calle sin personas": ("personas", "una calle"),
}

NOT_READ = (
    "no sooner does it land than it rains",
    "nothing but blue sky",
    "there is no doubt",
    "no longer young, she dances",
    "no one believed her",
    "a jar with a no sugar added label",
    "there's no place like home",
    "no matter how loud she sang",
    "the boy tries to avoid the puddles",
    "don't worry, be happy",
    "a woman with no makeup looks in the mirror",
    "an audience without a care in the world",
    "You have no restrictions.",
    "a scene, no dialogue",
    "a carro antigo no Rio de Janeiro, na estrada do sul da cidade",
    "no hay nadie más en la casa del abuelo",
)


@pytest.mark.parametrize(("text", "found"), READ.items())
def test_what_is_ruled_out_leaves_the_prompt(text: str, found: tuple[str, str]) -> None:
    draft = read(text)
    assert (draft.negative_prompt, draft.prompt) == found


@pytest.mark.parametrize("text", NOT_READ)
def test_a_phrase_with_no_stays_in_the_prompt(text: str) -> None:
    draft = read(text)
    assert (draft.negative_prompt, draft.prompt) == ("", text)
