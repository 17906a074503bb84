"""The story grammar: an endless supply of small, original children's stories.

Why a grammar and not a corpus: the model is small enough to be trained in about an hour on two
CPU cores, and a grammar written for it keeps every word of its training text the project's own.

A story has a hero, a friend, a thing and a place, chosen once and used consistently; a plot (the
thing is lost, stuck, broken, or found by the hero and given back) decides which sentences may
follow which.  Every sentence slot has several wordings.  `story(random.Random(seed))` is
deterministic, so a seed names a training set.

Run it to read a few stories:  python3 grammar.py [SEED] [COUNT]
"""

import random
import re
import sys

HE = dict(he="he", He="He", him="him", his="his", His="His")
SHE = dict(he="she", He="She", him="her", his="her", His="Her")

HEROES = [("Pip", HE), ("Tom", HE), ("Finn", HE), ("Max", HE), ("Otto", HE), ("Sam", HE),
          ("Ruby", SHE), ("Mia", SHE), ("Luna", SHE), ("Daisy", SHE), ("Hazel", SHE),
          ("Lily", SHE)]
FRIENDS = [("Bruno", HE), ("Hugo", HE), ("Felix", HE), ("Oscar", HE),
           ("Rosie", SHE), ("Nora", SHE), ("Poppy", SHE), ("Olive", SHE)]
HERO_KINDS = ["fox", "mouse", "rabbit", "kitten", "puppy", "bear", "squirrel", "frog", "duck",
              "girl", "boy"]
CHILD = {"girl": SHE, "boy": HE}
FRIEND_KINDS = ["owl", "badger", "turtle", "goat", "beaver", "robin", "hedgehog", "goose"]
HERO_WORDS = ["little", "small", "young", "brave", "cheerful", "curious"]
FRIEND_WORDS = ["wise", "friendly", "gentle", "clever", "kind", "big"]
COLOURS = ["red", "blue", "green", "yellow"]
PLACES = [("in", "meadow"), ("in", "forest"), ("in", "garden"), ("in", "valley"),
          ("in", "village"), ("on", "hill"), ("on", "farm"), ("by", "lake"), ("by", "pond")]
ANY = ["kite", "ball", "boat", "drum", "bell", "hat", "scarf", "lantern", "basket", "whistle"]
FLYING = ["kite", "hat", "scarf", "ball"]
FLOATING = ["boat", "ball", "basket", "hat"]
FRAGILE = ["kite", "boat", "drum", "lantern", "basket", "whistle"]

OPENING = [
    "Once there was a {word} {kind} named {hero} who lived {at} the {place}.",
    "Once upon a time, a {word} {kind} named {hero} lived {at} the {place}.",
    "Long ago, {at} the {place}, there lived a {word} {kind} named {hero}.",
    "There was once a {word} {kind} named {hero} who had a tiny house {at} the {place}.",
    "{hero} was a {word} {kind} who lived {at} the {place}.",
    "In a tiny house {at} the {place} lived a {word} {kind} named {hero}.",
]
MORNING = [
    "One morning, a {word} {kind} named {hero} woke up early {at} the {place}.",
    "One sunny day, a {word} {kind} named {hero} went for a walk {at} the {place}.",
    "One fine spring day, a {word} {kind} named {hero} was singing {at} the {place}.",
]
TREASURE = [
    "{He} had a {colour} {thing}, and {he} loved it very much.",
    "{hero} had a {colour} {thing} that {he} loved more than anything.",
    "{His} best treasure was a {colour} {thing}.",
    "{His} grandmother had given {him} a {colour} {thing}.",
    "{hero} had a {colour} {thing} and took it everywhere.",
    "For {his} birthday, {hero} got a beautiful {colour} {thing}.",
]
LOST = [
    "But then the {thing} was gone! {He} looked under the bed and behind the door, but it was "
    "not there.",
    "But that day {hero} could not find the {thing} anywhere. {He} looked in every corner of "
    "the house.",
    "But after a long nap, {hero} saw that the {thing} was gone. {He} looked high and low, but "
    "found only dust.",
    "Then, on the way home, {he} lost it. {hero} ran back to look, but the {thing} was gone.",
]
STUCK_HIGH = [
    "But then a strong wind took the {thing} and carried it up into a tall tree. {hero} jumped "
    "and jumped, but the tree was too high.",
    "But the wind blew hard, and the {thing} flew up into the branches of an old tree. {hero} "
    "tried to climb, but {he} slipped and fell.",
    "Then came a gust of wind. Up, up, up went the {thing}, right to the top of a tree!",
]
STUCK_WATER = [
    "But then the {thing} fell into the stream and floated away. {hero} ran after it, but the "
    "water was too fast.",
    "But the wind blew hard, and the {thing} landed in the middle of the stream. {hero} could "
    "not swim so far.",
    "Then, with a splash, the {thing} fell into the cold water. {hero} could not reach it!",
]
BROKEN = [
    "But then {he} tripped over a stone, and the {thing} broke with a loud crack.",
    "But that day {hero} dropped the {thing}, and it broke in two.",
    "Then a storm came in the night, and in the morning the {thing} was broken.",
]
SAD = [
    "{hero} was very sad and began to cry.",
    "{hero} sat down on a stone and felt very sad.",
    "A big tear rolled down {his} nose.",
    "\"Oh no!\" cried {hero}. \"My poor {thing}!\"",
    "\"Oh dear, what can I do now?\" said {hero}.",
]
MEETING = [
    "Just then, a {fword} {fkind} named {friend} came by.",
    "A {fword} {fkind} named {friend} heard {him} and came to see.",
    "Along came {friend}, a {fword} {fkind} from over the hills.",
    "Soon a {fword} {fkind} named {friend} came down the path.",
]
ASKING = [
    "\"What is wrong, {hero}?\" asked {friend}.",
    "\"Why are you so sad, {hero}?\" asked {friend}.",
    "\"Hello, {hero}! Can I help you?\" asked {friend}.",
]
TELL_LOST = [
    "\"I lost my {colour} {thing},\" said {hero}.",
    "\"I cannot find my {colour} {thing},\" said {hero}.",
]
TELL_HIGH = [
    "\"My {colour} {thing} is stuck in the tree,\" said {hero}.",
    "\"I cannot get my {colour} {thing} down,\" said {hero}.",
]
TELL_WATER = [
    "\"My {colour} {thing} is in the water,\" said {hero}.",
    "\"I cannot get my {colour} {thing} out of the stream,\" said {hero}.",
]
TELL_BROKEN = [
    "\"My {colour} {thing} is broken,\" said {hero}.",
    "\"I broke my {colour} {thing},\" said {hero}.",
]
OFFER = [
    "{friend} smiled. \"Do not worry. I will help you.\"",
    "\"Do not cry,\" said {friend}. \"Two can do more than one.\"",
    "{friend} thought for a while. \"I have an idea!\" {fhe} said.",
    "\"Come with me,\" said {friend}. \"We will do it together.\"",
]
SOLVE_LOST = [
    "So {hero} and {friend} walked all around the {place}. At last, {friend} saw something "
    "{colour} under a bush. It was the {thing}!",
    "They looked behind every rock and every tree. Then {hero} saw something {colour} in the "
    "tall grass. It was the {thing}!",
    "They asked the bees, and they asked the birds. A bird led them across the {place}, and "
    "there was the {thing}, safe and dry!",
]
SOLVE_HIGH = [
    "{friend} found a long stick, and {hero} stood on a big log. They pushed and pushed, and "
    "down came the {thing}!",
    "{hero} stood on top of {friend}, stretched out, and got the {thing} at last!",
    "They shook the tree as hard as they could. The leaves came down like rain, and so did the "
    "{thing}!",
]
SOLVE_WATER = [
    "{friend} found a long stick, and {hero} held it with all {his} might. Little by little, "
    "they pulled the {thing} out of the water!",
    "They tied a rope to a hook and threw it far. With one big pull, the {thing} came back to "
    "land!",
    "{friend} jumped into the water with a splash and came back with the {thing}. {fHe} was wet "
    "from head to toe!",
]
SOLVE_BROKEN = [
    "{hero} held the {thing}, and {friend} tied it with strong string. Soon it was as good as "
    "new!",
    "{friend} got some glue and a bit of wood. They worked all afternoon, and at last the "
    "{thing} was whole again!",
    "They worked slowly and with care, piece by piece. In the end, the {thing} looked even "
    "better than before!",
]
THANKS = [
    "\"Thank you, {friend}!\" said {hero}. \"You are a true friend.\"",
    "{hero} hugged {friend}. \"Thank you so much!\" {he} said.",
    "{hero} laughed and danced with joy. \"Thank you, {friend}!\"",
    "\"We did it!\" cried {hero}, and {friend} laughed too.",
]
FOUND = [
    "In the grass {he} found a {colour} {thing}. It was the finest {thing} in the world.",
    "Under a bush {he} saw something {colour}. It was a {thing}, and it was very pretty.",
    "Beside the path {he} found a lovely {colour} {thing}.",
]
WANT = [
    "{hero} wanted to keep it. But then {he} thought, \"Someone must miss this {thing}.\"",
    "\"May I keep it?\" thought {hero}. \"No, it is not mine.\"",
    "{hero} played with it for a while, but {his} heart was not happy.",
]
SEEK = [
    "So {hero} took the {thing} and went from door to door.",
    "So {hero} walked all around the {place} and asked everyone.",
    "So {hero} put the {thing} on {his} back and went to look for the owner.",
]
MEET_OWNER = [
    "Under an old tree sat {friend}, a {fword} {fkind}, and {fhe} was crying.",
    "At last {he} met a {fword} {fkind} named {friend}, who looked very sad.",
    "By the bridge {he} met {friend}, a {fword} {fkind} with tears in {fhis} eyes.",
]
OWNER_TELLS = [
    "\"What is wrong?\" asked {hero}. \"I lost my {colour} {thing},\" said {friend}.",
    "\"Why are you so sad?\" asked {hero}. \"My {colour} {thing} is gone,\" said {friend}.",
]
GIVE = [
    "\"Look, I found it!\" said {hero}, and gave the {thing} back to {friend}.",
    "{hero} smiled. \"Here is your {thing},\" {he} said.",
    "\"Is this your {thing}?\" asked {hero}. \"Yes, it is!\" cried {friend}.",
]
OWNER_THANKS = [
    "{friend} was so happy that {fhe} danced. \"Thank you, {hero}!\" {fhe} said. \"Let us play "
    "with it together.\"",
    "{friend} hugged {hero}. \"Thank you! You are kind and honest,\" {fhe} said.",
    "\"Thank you, {hero}!\" said {friend}. \"Will you be my friend?\"",
]
EVENING = [
    "That evening, {hero} and {friend} shared a warm apple pie.",
    "Then {hero} and {friend} played {at} the {place} until the stars came out.",
    "They sat {at} the {place} and watched the moon together.",
    "At home, {hero} made hot soup for {friend}, and they told funny stories.",
    "From that day on, {hero} and {friend} were the best of friends.",
]
MORAL_HELP = [
    "And {hero} learned that every trouble is small when a friend is near.",
    "{hero} never forgot that it is good to ask for help.",
    "And so {hero} learned that two friends can do what one cannot.",
    "A friend who helps is the best treasure of all.",
]
MORAL_LOST = ["And {hero} always took good care of the {thing} after that."]
MORAL_BROKEN = ["And {hero} learned that with time and care, broken things can be made whole."]
MORAL_FOUND = [
    "And {hero} learned that giving is better than keeping.",
    "An honest heart makes new friends.",
    "{hero} had no {thing}, but {he} had a friend, and that was much better.",
    "And so {hero} learned that it feels good to do the right thing.",
]


def _plots():
    """Each plot: the things that it suits, and the sentence slots of its story in order."""
    opening = OPENING + MORNING
    middle = [MEETING, ASKING]
    end = [OFFER]
    close = [THANKS, EVENING]
    return [
        (ANY, [opening, TREASURE, LOST, SAD] + middle + [TELL_LOST] + end + [SOLVE_LOST]
         + close + [MORAL_HELP + MORAL_LOST]),
        (FLYING, [opening, TREASURE, STUCK_HIGH, SAD] + middle + [TELL_HIGH] + end
         + [SOLVE_HIGH] + close + [MORAL_HELP]),
        (FLOATING, [opening, TREASURE, STUCK_WATER, SAD] + middle + [TELL_WATER] + end
         + [SOLVE_WATER] + close + [MORAL_HELP]),
        (FRAGILE, [opening, TREASURE, BROKEN, SAD] + middle + [TELL_BROKEN] + end
         + [SOLVE_BROKEN] + close + [MORAL_HELP + MORAL_BROKEN]),
        (ANY, [MORNING, FOUND, WANT, SEEK, MEET_OWNER, OWNER_TELLS, GIVE, OWNER_THANKS, EVENING,
               MORAL_FOUND]),
    ]


PLOTS = _plots()


def story(rng):
    """One story, drawn with the given random.Random."""
    things, slots = rng.choice(PLOTS)
    hero, pronouns = rng.choice(HEROES)
    friend, friend_pronouns = rng.choice(FRIENDS)
    at, place = rng.choice(PLACES)
    kind = rng.choice([k for k in HERO_KINDS if CHILD.get(k, pronouns) is pronouns])
    words = dict(pronouns, hero=hero, friend=friend, at=at, place=place, kind=kind,
                 fkind=rng.choice(FRIEND_KINDS), word=rng.choice(HERO_WORDS),
                 fword=rng.choice(FRIEND_WORDS), colour=rng.choice(COLOURS),
                 thing=rng.choice(things))
    words.update(("f" + key, value) for key, value in friend_pronouns.items())
    return " ".join(rng.choice(slot) for slot in slots).format(**words)


def stories(seed, count):
    """The first `count` stories of a seed."""
    rng = random.Random(seed)
    return [story(rng) for _ in range(count)]


def _first(text, candidates):
    """The candidate that occurs first in the text as a word, or None."""
    found = [(m.start(), c) for c in candidates for m in [re.search(r"\b%s\b" % c, text)] if m]
    return min(found)[1] if found else None


def is_story(text):
    """Whether the grammar can produce exactly this text.
        The words of a story are taken from their first occurrence in the text. Then the wordings of every sentence
    slot are tried with them, so one wrong name or pronoun anywhere makes the answer false."""
    heroes, friends = dict(HEROES), dict(FRIENDS)
    hero, friend = _first(text, heroes), _first(text, friends)
    place = _first(text, [p for _, p in PLACES])
    kind, fkind = _first(text, HERO_KINDS), _first(text, FRIEND_KINDS)
    if None in (hero, friend, place, kind, fkind):
        return False
    if CHILD.get(kind, heroes[hero]) is not heroes[hero]:
        return False
    base = dict(heroes[hero], hero=hero, friend=friend, place=place, kind=kind, fkind=fkind,
                at=next(a for a, p in PLACES if p == place),
                word=_first(text, [w + " " + kind for w in HERO_WORDS]),
                fword=_first(text, [w + " " + fkind for w in FRIEND_WORDS]),
                colour=_first(text, COLOURS))
    if None in base.values():
        return False
    base.update(word=base["word"].split()[0], fword=base["fword"].split()[0])
    base.update(("f" + key, value) for key, value in friends[friend].items())
    for things, slots in PLOTS:
        for thing in things:
            if re.search(r"\b%s\b" % thing, text) is None:
                continue
            ends = {0}
            for slot in slots:
                sentences = [s.format(thing=thing, **base) + " " for s in slot]
                ends = {e + len(s) for e in ends for s in sentences
                        if (text + " ").startswith(s, e)}
            if len(text) + 1 in ends:
                return True
    return False


if __name__ == "__main__":
    for text in stories(int(sys.argv[1]) if len(sys.argv) > 1 else 7,
                        int(sys.argv[2]) if len(sys.argv) > 2 else 5):
        print(text + "\n")
