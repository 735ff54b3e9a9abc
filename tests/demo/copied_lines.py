"""Sentences in which a name, a number or an address must come through exactly. Not the trainer's templates."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

_FRAMES = {
    "en": """I gave the book to {name} yesterday.
{name} wants to go home.
Can you tell {name} that I am here?
{name} and I went to school together.
We are going to visit {name} next week.
The doctor said that {name} can leave tomorrow.
I think {name} is right.
My mother bought {number} eggs.
There were {number} people at the party.
The car is {number} years old.
We have been waiting for {number} minutes.
He has {number} stamps in his collection.
It happened in {year}.
I went to Spain in {year}.
You will find the picture on {url}.
Please read {url} first.
{name} lives at number {number}.
{name} was born in {year}.""",
    "de": """Ich habe {name} gestern das Buch gegeben.
{name} will nach Hause gehen.
Kannst du {name} sagen, dass ich hier bin?
{name} und ich sind zusammen zur Schule gegangen.
Wir werden {name} nächste Woche besuchen.
Der Arzt sagte, dass {name} morgen gehen kann.
Ich glaube, {name} hat recht.
Meine Mutter hat {number} Eier gekauft.
Auf der Party waren {number} Leute.
Das Auto ist {number} Jahre alt.
Wir warten seit {number} Minuten.
Er hat {number} Briefmarken in seiner Sammlung.
Es geschah im Jahr {year}.
Ich war {year} in Spanien.
Sie finden das Bild auf {url}.
Bitte lesen Sie zuerst {url}.
{name} wohnt in der Nummer {number}.
{name} wurde {year} geboren.""",
    "fr": """J'ai donné le livre à {name} hier.
{name} veut rentrer à la maison.
Peux-tu dire à {name} que je suis ici ?
{name} et moi sommes allés à l'école ensemble.
Nous allons rendre visite à {name} la semaine prochaine.
Le médecin a dit que {name} peut partir demain.
Je crois que {name} a raison.
Ma mère a acheté {number} œufs.
Il y avait {number} personnes à la fête.
La voiture a {number} ans.
Nous attendons depuis {number} minutes.
Il a {number} timbres dans sa collection.
C'est arrivé en {year}.
Je suis allé en Espagne en {year}.
Vous trouverez l'image sur {url}.
Veuillez lire {url} d'abord.
{name} habite au numéro {number}.
{name} est né en {year}.""",
}

_NAMES = Path(__file__).with_name("names.txt").read_text(encoding="utf-8").splitlines()
_URLS = ("https://www.example.org/photos/12", "www.museum.example", "http://blog.example.net/a-b", "https://example.com")


@dataclass(frozen=True)
class Line:
    """A sentence and what must stand in its translation."""

    text: str
    kept: tuple[str, ...]


def lines(language: str, count: int, seed: int) -> list[Line]:
    """So many sentences, the same for the same seed."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        frame = chance.choice(_FRAMES[language].splitlines())
        values = {
            "name": chance.choice(_NAMES),
            "number": str(chance.randint(13, 9999)),
            "year": str(chance.randint(1700, 2039)),
            "url": chance.choice(_URLS),
        }
        kept = tuple(value for slot, value in values.items() if f"{{{slot}}}" in frame)
        made.append(Line(frame.format(**values), kept))
    return made
