"""The little world told in English: one word a slot, each word one token of the world's vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

from . import lexicon as lex
from .english_labels import QUESTIONS, SUMMARIES
from .english_words import PAST, PLURALS, PREPOSITIONS, article

__all__ = ["NOUN_FORMS", "QUESTIONS", "SUMMARIES", "TEMPLATES", "join", "split", "word"]

PRONOUNS = {"he": ("she", "he"), "him": ("her", "him"), "his": ("her", "his")}
NOUN_FORMS = frozenset({""})
NO_SPACE_BEFORE = frozenset(".,:;?!")

TEMPLATES: dict[str, list[str]] = {
    "open": [
        "{P} was <|once> {T.a} {T} {L.in} {how.a} {how} {L} .",
        "{P} <worked|was known> as {T.a} {T} {L.in} {how.a} {how} {L} .",
        "<|once> {L.in} {how.a} {how} {L} <lived|there lived|there was> {T.a} {T} <named|called> {P} .",
        "{T.a} {T} <named|called> {P} lived {L.in} {how.a} {how} {L} .",
        "{P} , {T.a} {T} , <lived|had a house> {L.in} {how.a} {how} {L} .",
    ],
    "habit": [
        "{P} <always|often|mostly> worked at {P.his} {place} with {P.his} {age} {tool} .",
        "<|above all> {P} loved {P.his} {place} and {P.his} {age} {tool} .",
        "at {P.his} {place} {P} <always|often|mostly> used {P.his} {age} {tool} .",
        "at {P.his} {place} {P} never worked without {P.his} {age} {tool} .",
        "{P.his} {age} {tool} <always|often> lay ready <|for {P.him}> at {P.his} {place} .",
    ],
    "order": [
        "<|then|but> on {E} {P.his} {R} {F} <asked for|asked {P.him} for|ordered> {adj.a} {adj} {X} .",
        "one {E} {P.his} {R} {F} <came|came in> and <asked for|asked {P.him} for|ordered> {adj.a} {adj} {X} .",
        '" <|please ,> i need {adj.a} {adj} {X} , " said {P.his} {R} {F} on {E} .',
        "{P.his} {R} {F} <needed|wanted> {adj.a} {adj} {X} and came <|to {P.him}> on {E} .",
    ],
    "craft": [
        "<so|at once> {P} <took|fetched> {P.his} {tool} , {make} the {X} and <|then> {work} it .",
        "with {P.his} {tool} {P.he} {make} and <|then|also> {work} the {X} .",
        "first {P.he} {make} the {X} with {P.his} {tool} , then {P.he} {work} it .",
        "when {P} had found {P.his} {tool} , {P.he} {make} and <|then> {work} the {X} .",
    ],
    "promise": [
        "<|so> {P} promised {F} {F.his} {X} <for|by> {E2} .",
        '" you will have <the|your> {X} on {E2} , " {P} <promised|told> {F} .',
        "<|so> {E2} was the day when {F} <would|should> have {F.his} {X} .",
        "{F} was to <get|have> {F.his} {X} <|from {P.him}> on {E2} .",
    ],
    "finished": [
        "after <|only> {hours} hours {P} had <|at last> finished {P.his} {adj} {X} .",
        "<|only> {hours} hours later {P} was <|already> done with {P.his} {adj} {X} .",
        "it took <|{P.him}|only> {hours} hours , <but|and> then {P} had {adj.a} {adj} {X} .",
        "within {hours} hours {P.he} had {adj.a} {adj} {X} <ready|to show> .",
    ],
    "unfinished": [
        "but {P.his} {tool} was <gone|not there> , <so|and> {P} never finished {P.his} {adj} {X} .",
        "but without {P.his} {tool} {P} could <not|never> finish {P.his} {adj} {X} .",
        "but {P} <could not find|had lost> {P.his} {tool} , <so|and> there was no {adj} {X} .",
        "but when {P} needed {P.his} {tool} for the {adj} {X} , it was <gone|not there> .",
    ],
    "paid": [
        "{F} <loved|admired> {P.his} {X} and <|gladly> paid <|{P.him}> {coins} {coins.coin} <|for it> .",
        "{F} <|gladly> gave {P} {coins} {coins.coin} for {P.his} {X} .",
        '" what {X.a} {X} ! " <cried|said> {F} and paid <|{P.him}|at once> {coins} {coins.coin} .',
        "for {P.his} {X} {F} <|gladly> paid {P} {coins} {coins.coin} .",
    ],
    "unpaid": [
        "{F} waited {days} days for {F.his} {X} <and paid nothing|but did not pay> .",
        "<|but> after {days} days {F} no longer wanted <the|any> {X} <|from {P}> .",
        "it was {days} days before {F} asked {P} for {F.his} {X} <|again> , but there was none .",
        "for {days} days {F} <asked|begged> {P} for {F.his} {X} , but in vain .",
    ],
    "birthday": [
        "<|but> {E} was the birthday of {P.his} {R} {F} .",
        "<|then|but> on {E} {P.his} {R} {F} <had|celebrated> a birthday .",
        "<|soon> it was {E} , the birthday of {P.his} {R} {F} .",
        "<|then|but> on {E} it was the birthday of {P.his} {R} {F} .",
    ],
    "wish": [
        "{F} had <always|long> wanted {C.a} {C} {G} <|of {F.his} own> .",
        "{F} <|had> <often|always> dreamed of {C.a} {C} {G} <|of {F.his} own> .",
        '" <|oh ,> i would <|so> love {C.a} {C} {G} , " {F} had said <|to {P}> .',
        "what {F} <|really> wanted <|most> was {C.a} {C} {G} .",
    ],
    "buy": [
        "<|so> {P} bought <the|this> {G} <|at the market> for {coins} {coins.coin} .",
        "so {P} <|gladly> paid {coins} {coins.coin} for <the|this> {G} .",
        "at the market {P} <|soon> found the {G} for <|only> {coins} {coins.coin} .",
        "the {G} cost {P} <|only> {coins} {coins.coin} .",
    ],
    "handmade": [
        "{P} <also|even> {make} {X.a} {X} and <|then> {work} it with {P.his} {tool} .",
        "with {P.his} {tool} {P} <|even> {make} and {work} {X.a} {X} <too|as well> .",
        "{P} took {P.his} {tool} , {make} {X.a} {X} and <|then> {work} it <too|as well> .",
    ],
    "played": [
        "{F} <laughed|thanked {P}> and {use} {F.his} {C} {G} <at once|all day> .",
        "<|then> {F} {use} {F.his} {C} {G} <all day|with great joy|again and again> .",
        "all day <|long> {F} {use} {F.his} {C} {G} and was <|so|very> happy .",
        "how happy {F} was when {F.he} {use} {F.his} {C} {G} !",
    ],
    "stolen": [
        "but <a|some> thief stole {F.his} {C} {G} near the {mark} , and {F} had nothing .",
        "but {F} lost {F.his} {C} {G} <|somewhere> near the {mark} <|on the same day> .",
        "but {F} was not happy <for|very> long : near the {mark} {F.his} {C} {G} was stolen .",
        "but near the {mark} <somebody|a thief> stole the {C} {G} from {F} <|on the same day> .",
    ],
    "find": [
        "one {sky} {M} {P} <found|met> {state.a} {state} {A} <near|at|by> the {mark} .",
        "<near|at|by> the {mark} {P} <|once> met {state.a} {state} {A} on {sky.a} {sky} {M} .",
        "{P} <saw|found> {state.a} {state} {A} <near|at|by> the {mark} <one|on {sky.a}> {sky} {M} .",
        "it was {sky.a} {sky} {M} when {P.he} <saw|found> {state.a} {state} {A} <near|at> the {mark} .",
    ],
    "feed": [
        "<|so|at once> {P} gave <the|this> {A} some {food} and <called|named> it {Q} .",
        "{P} fed <the|this> {A} with <some|its> {food} and <called|named> it {Q} .",
        "the {A} ate <some|all the> {food} , and {P} <called|named> it {Q} .",
        '" your name is {Q} , " said {P} and gave <the|this> {A} <some|its> {food} .',
    ],
    "shelter": [
        "<|from then on|now> {Q} slept <beside|near|next to> the {tool} in {P.his} {place} .",
        "in {P.his} {place} {Q} <|now> had <a|its own> bed <beside|near|next to> the {tool} .",
        "<|from then on|now> {Q} lived in {P.his} {place} and <|always> guarded {P.his} {tool} .",
    ],
    "settled": [
        "<|soon|now> {Q} {sound} happily <when|whenever> {P} came with <the|some> {food} .",
        "<|soon|now> {Q} {sound} for joy <when|whenever> {P} brought <|some|the> {food} .",
        "now {P} always had <some|enough> {food} , and {Q} <|often> {sound} <happily|for joy> .",
    ],
    "ran away": [
        "but <|then> on {E2} {Q} ran away from {P} and left <an|its> empty {home} .",
        "but <|then> on {E2} <the|its> {home} was <|quite> empty , <and|for> {Q} was gone .",
        "but {Q} left <the|its> {home} on {E2} and never came back <|to {P}|again> .",
    ],
    "visit": [
        "<|now|since then> {P.his} {R} {F} <often|always> came and played with {Q} .",
        "{P} and {P.his} {R} {F} <|now|both> played with {Q} <every day|all the time> .",
        "<|now|since then> {P.his} {R} {F} , who <|also> loved {Q} , came to {P} <every day|every week> .",
    ],
    "search": [
        "{P} and {P.his} {R} {F} <|both> looked for the {A} <near|at|by> the {mark} <|, but in vain> .",
        "<|together> with {P.his} {R} {F} {P} searched for the {A} as far as the {mark} .",
        "{P.his} {R} {F} helped {P} to look for the {A} <near|at|by> the {mark} .",
    ],
    "invite": [
        "<|then|but> on {E} {P} invited {P.his} {R} {F} to {meal} .",
        "{P.his} {R} {F} came to {meal} <|with {P.him}> on {E} .",
        '" <|please> come to {meal} on {E} , " {P} <wrote|said> to {P.his} {R} {F} .',
        "on {E} {P.he} waited for {P.his} {R} {F} , who <came|wanted to come> to {meal} .",
    ],
    "shop": [
        "<|first|so> {P} bought {count} {counted} and <some|a little> {weighed} <|at the market> .",
        "there {count.was} <|only> {count} {counted} and <some|a little> {weighed} in {P.his} kitchen .",
        "from the market {P} brought <|only> {count} {counted} and <some|a little> {weighed} .",
    ],
    "prepare": [
        "while {P} <made|prepared> {D.a} {D} , {F} looked at the {tool} .",
        "<|first> {P} made {D.a} {D} and <|then> showed {F} {P.his} {tool} .",
        "{F} <played with|held> the {tool} while {P} <made|prepared> {D.a} {D} .",
        "before {P.he} made {D.a} {D} , {P} <|also> showed {F} {P.his} {tool} .",
    ],
    "enjoyed": [
        "{P.his} {D} was <|so|very> {yum} , and {F} ate {plates} {plates.plate} <|of it> .",
        "{F} found {P.his} {D} <|so|very> {yum} and ate {plates} {plates.plate} <|of it> .",
        '" how {yum} ! " <said|cried> {F} and ate {plates} {plates.plate} of <|the> {D} .',
        '" <this|the|your> {D} is <|so> {yum} ! " <said|cried> {F} and ate {plates} {plates.plate} <|of it> .',
    ],
    "spoiled": [
        "but {P.his} {D} was <|much|far> too {yuck} , <and|so> {F} ate nothing <|at all|of it> .",
        "but {F} found {P.his} {D} <|much|far> too {yuck} and <stayed hungry|went home> .",
        '" <this|the|your> {D} is <|so|too> {yuck} ! " <said|cried> {F} and left <|the table> .',
    ],
    "present": [
        "after {meal} {P} <|also|even> gave {F} {adj.a} {adj} {X} .",
        "{F} thanked {P} for {P.his} {meal} and <|even> got {adj.a} {adj} {X} <|too|as well> .",
        "when {meal} was over , {P} <|also|even> gave {F} {adj.a} {adj} {X} .",
    ],
    "apology": [
        "<|so|then> {P} gave {F} {adj.a} {adj} {X} to say sorry .",
        "<|but> even {adj.a} {adj} {X} from {P} <did|could> not comfort {F} .",
        '" i am <|so|very> sorry , " said {P} and gave {F} {adj.a} {adj} {X} .',
    ],
    "leave": [
        "<|then|but> on {E} {M} {P} took <the|a> {Z} to {Y} .",
        "one {E} {M} {P} <went|travelled> to {Y} by {Z} .",
        "<|then|but> {P} left <|home> for {Y} by {Z} on {E} {M} .",
        "it was {E} {M} when {P.he} <took the|got on the|left by> {Z} to {Y} .",
    ],
    "carry": [
        "{P.he} <wanted|hoped> to sell {adj.a} {adj} {X} there .",
        "there {P} <wanted|hoped> to find a buyer for {P.his} {adj} {X} .",
        "{P} had {adj.a} {adj} {X} with {P.him} <to sell|for sale> .",
        "with {P.him} {P.he} had {adj.a} {adj} {X} that {P.he} <wanted|hoped> to sell .",
    ],
    "meet": [
        "<|already> at the {stop} {P} <met|saw> {P.his} {R} {F} .",
        "{P.his} {R} {F} <waited for|met> {P.him} at the {stop} .",
        "{P} and {P.his} {R} {F} <met|said goodbye> at the {stop} .",
        "on the way to the {stop} {P} <met|saw> {P.his} {R} {F} .",
    ],
    "arrive": [
        "it was {sky} in {country} when {P} <reached|came to> {Y} .",
        "<|at last|then> {P} <reached|came to> {Y} in {country} on {sky.a} {sky} day .",
        "in {country} {P} <found|had> {sky} weather , in {Y} <itself|too> .",
        "{Y} in {country} was <|quite|very> {sky} when {P} <|at last> <arrived|came> .",
    ],
    "sold": [
        "<|there|so> in {Y} {P} <|soon> sold {P.his} {X} for {coins} {coins.coin} .",
        "somebody in {Y} <|gladly> paid {P} {coins} {coins.coin} for {P.his} {X} .",
        "{P} <|soon> got {coins} {coins.coin} for {P.his} {X} in {Y} .",
        "for {P.his} {X} {P} <|even> got {coins} {coins.coin} in {Y} .",
    ],
    "unsold": [
        "but <nobody|no one> in {Y} <|really> wanted {P.his} {adj} {X} .",
        "but in {Y} <nobody|no one> <had a coin|would pay> for {P.his} {adj} {X} .",
        "but <a|some> thief in {Y} stole the {adj} {X} from {P} .",
        "but in {Y} {P.his} {adj} {X} was <|soon> stolen <|from {P.him}> .",
    ],
    "lose": [
        "<|then|but> on {E} {P} could <not|no longer> find {P.his} {tool} <|anywhere> .",
        '" where is my {tool} <|now> ? " asked {P} <on|one> {E} .',
        "<|then|but> {P} lost {P.his} {tool} <one|on> {E} .",
        "<|then|but> one {E} {P.his} {tool} was <gone|not there> .",
    ],
    "need": [
        "without it there <would be|was> no {X} for {P.his} {R} {F} .",
        "{P.he} <|really> needed it to make {X.a} {X} for {P.his} {R} {F} .",
        "{P.his} {R} {F} was <|already> waiting for {X.a} {X} from {P} .",
        "how <could|should> {P.he} make {X.a} {X} for {P.his} {R} {F} without it ?",
    ],
    "look": [
        "<|so> at {P.his} {place} {P} looked {H.prep} the {H} and <|even> {H2.prep} the {H2} .",
        "at {P.his} {place} it was not {H.prep} the {H} and not {H2.prep} the {H2} <|either> .",
        "{P} searched {P.his} {place} : {H.prep} the {H} , {H2.prep} the {H2} , <nothing|in vain> .",
    ],
    "help": [
        "<|so|then> {F} helped {P} to search {P.his} <|whole> {place} .",
        "<|so|then> at {P.his} {place} {F} helped {P} to look for it .",
        "{P} and {F} <|then|both> searched {P.his} <|whole> {place} <|for it> .",
    ],
    "found": [
        "<at last|then> {F} <found|saw> {P.his} {tool} <near|at|by> the {mark} .",
        "<at last|then> {F} saw the {tool} <near|at|by> the {mark} and brought it <back|to {P}> .",
        "{P.his} {tool} lay <near|at|by> the {mark} , where {F} <|soon> found it .",
        "it was {F} who <|soon|at last> found {P.his} {tool} <near|at|by> the {mark} .",
    ],
    "gone": [
        "but {P.his} {tool} was gone , <and|so> {P} paid {coins} {coins.coin} for a new one .",
        "but {P} never found {P.his} {tool} <|again> , and a new one cost <|{P.him}> {coins} {coins.coin} .",
        "<|so> in the end {P} <had to buy|bought> a new {tool} for {coins} {coins.coin} .",
        "but it was <|all> in vain , and a new {tool} cost {P} {coins} {coins.coin} .",
    ],
    "announce": [
        "<|once> in {S} there was a contest {L.in} the {L} for the best {X} .",
        "<every|that|one> {S} the {L} had a contest for the best {X} .",
        "<that|one> {S} the {L} looked for the best {X} <|of all> .",
        "{L.in} the {L} there was a contest for the best {X} <every|that|one> {S} .",
        '" who can make the best {X} <|of all> ? " they asked {L.in} the {L} <that|one> {S} .',
    ],
    "rival": [
        "<|but> {P.his} {R} {F} , also {T.a} {T} , wanted to win <|it> <|too> .",
        "{P.his} {R} {F} was {T.a} {T} too and <|also> took part <|in it> .",
        "{P} and {P.his} {R} {F} , <|who was> {T.a} {T} too , <|both> took part <|in it> .",
        "<|but> {P.his} {R} {F} was also {T.a} {T} and <|really> wanted to win <|it> .",
    ],
    "enter": [
        "<|so> {P} {make} {adj.a} {adj} {X} and <|then|even> {work} it .",
        "{P} {make} and <|then|even> {work} {adj.a} {adj} {X} <|for it> .",
        "first {P} {make} {adj.a} {adj} {X} , then {P.he} <|even> {work} it .",
    ],
    "better": [
        "the {X} by {P} was <|much|even> {comp} than the one by {F} .",
        "<|but> {P} <had|brought> a <|much> {comp} {X} than {F} .",
        "<everybody|they all> found {P} and {P.his} {X} <|much|even> {comp} than {F} .",
        "<nobody|no one> had a {comp} {X} than {P} , <not even|and not even> {F} .",
        "{F} had a good {X} , but {P} <|even> had a {comp} one .",
    ],
    "worse": [
        "the {X} by {F} was <|much|even> {comp} than the one by {P} .",
        "<|but> {F} <had|brought> a <|much> {comp} {X} than {P} .",
        "<nobody|no one> had a {comp} {X} than {F} , <not even|and not even> {P} .",
        "{P} had a good {X} , but {F} <|even> had a {comp} one .",
    ],
    "won": [
        "<|in the end|so> {P} won {C.a} {C} {G} and <|also> {coins} {coins.coin} .",
        "<|in the end|so> {P} got {P.his} prize : {C.a} {C} {G} and {coins} {coins.coin} .",
        "{P.his} prize was {C.a} {C} {G} , and {P} <|also> got {coins} {coins.coin} .",
    ],
    "defeated": [
        "<|in the end|but> {F} won {C.a} {C} {G} , and {P} <got|won> nothing <|at all> .",
        "the prize , {C.a} {C} {G} , went to {F} and not to {P} .",
        "{P} got no prize <|at all> , but {F} <|even> got {C.a} {C} {G} .",
        "<|in the end|but> {C.a} {C} {G} went to {F} , and nothing <|at all> to {P} .",
    ],
    "forecast": [
        "<|then|but> on {E} the {S} {W} came <to|over> the {how} {L} .",
        "<|then|but> one {E} in {S} the {W} <came to|reached> the {how} {L} .",
        "the {W} <reached|came to> the {how} {L} on {E} , as <|so> often in {S} .",
        "it was {S} , and <on|one> {E} the {W} came <to|over> the {how} {L} .",
    ],
    "forget": [
        "on the way to {P.his} {place} {P} had no {item} <|with {P.him}> .",
        "{P} went to {P.his} {place} <and forgot|without> {P.his} {item} .",
        "without {P.his} {item} {P} <walked|went> to {P.his} {place} .",
        "when {P} went to {P.his} {place} , {P.he} <had|found> no {item} <|at all> .",
        "{P} forgot {P.his} {item} <when {P.he} went|on the way> to {P.his} {place} .",
    ],
    "suffer": [
        "<|soon> {P} <reached|came to> {P.his} {place} , {effect} and <|very> tired .",
        "<|very> soon {P} was {effect} , and {P.his} {place} was still <|so|very> far .",
        "when {P} <saw|reached> {P.his} {place} , {P.he} was <already|quite> {effect} .",
    ],
    "lent": [
        "<|but> luckily {P.his} {R} {F} lent {P} {item.a} {item} .",
        "<|but> then {P} met {P.his} {R} {F} , who had {item.a} {item} for {P.him} .",
        '" <|here ,> take my {item} , " said {P.his} {R} {F} to {P} .',
        "<|but> then {P.his} {R} {F} came <|to {P}> with {item.a} {item} .",
    ],
    "ruined": [
        "the {W} <|also|even> ruined {P.his} {adj} {X} <at|in> {P.his} {place} .",
        "<at|in> {P.his} {place} {adj.a} {adj} {X} was <|also|even> ruined by the {W} .",
        "because of the {W} {P} <|also|even> lost {adj.a} {adj} {X} <at|in> {P.his} {place} .",
    ],
    "thanks": [
        "to thank {F} , {P} {make} <|{F.him}> {adj.a} {adj} {X} .",
        "<|so|later> {P} thanked {F} and <|even> {make} {F.him} {adj.a} {adj} {X} .",
        "<|so|later> {P} {make} {adj.a} {adj} {X} because {F} had helped {P.him} .",
    ],
    "missed": [
        "{P.his} {R} {F} <|had> waited for {P.his} {X} <|all day> in vain .",
        "<|so|now> {P} had no {X} for {P.his} {R} {F} .",
        "what <would|should> {P.his} {R} {F} do <|now> without {P.his} {X} ?",
    ],
    "friends": [
        "since then {F} <often|always> came <|back> to {P.his} {place} .",
        "<|so|since then> {F} told everybody about {P.his} {place} .",
        "from that day on {F} <|always> <liked|loved> {P.his} {place} .",
    ],
    "estranged": [
        "since then {F} <never|no longer> came <|back> to {P.his} {place} .",
        "<|so|since then> {F} told everybody not to go to {P.his} {place} .",
        "from that day on {F} did not come <|back> to {P.his} {place} <|any more> .",
    ],
    "rejoice": [
        "<|back> at {P.his} {place} {P} {joyful} and <|still> felt <|so|very> {joy} .",
        "how {joy} {P} was : <|back> at {P.his} {place} {P.he} {joyful} all day <|long> !",
        "{P} was <|so|very> {joy} and <|still> {joyful} <|back> at {P.his} {place} .",
    ],
    "mourn": [
        "<|back> at {P.his} {place} {P} {woeful} and <|still> felt <|so|very> {woe} .",
        "how {woe} {P} was : <|back> at {P.his} {place} {P.he} {woeful} all day <|long> !",
        "{P} was <|so|very> {woe} and <|still> {woeful} <|back> at {P.his} {place} .",
    ],
}


def _plain(concept: str) -> str:
    if concept in PAST:
        return PAST[concept]
    if concept.startswith("many "):
        return PLURALS[concept.removeprefix("many ")]
    return concept.removesuffix(" (f)").removesuffix(" (m)")


def word(concept: str, form: str = "") -> str:
    """A concept in a form of English: article "a", a pronoun, "in" and "prep", "was", or what a number counts."""
    if form == "":
        return _plain(concept)
    if form == "a":
        return article(_plain(concept))
    if form in PRONOUNS:
        return PRONOUNS[form][concept not in lex.WOMEN]
    if form in ("in", "prep"):
        return PREPOSITIONS[concept]
    if form == "was":
        return "was" if concept == "one" else "were"
    if form in PLURALS:
        return form if concept == "one" else PLURALS[form]
    raise ValueError(f"English has no form {form!r} of {concept!r}.")


def split(piece: str) -> list[str]:
    """A piece as the world's tokenizer sees it: here every piece is one lower-case word already."""
    return [piece.lower()]


def join(pieces: Sequence[str]) -> str:
    """Pieces as written: capitals, no space before a full stop, quotation marks that hug their words."""
    text, is_open, glue = "", False, True
    for piece in pieces:
        shown = piece.capitalize() if piece == "i" or text.strip(' "') == "" else piece
        closes = piece == '"' and is_open
        text += ("" if glue or closes or piece in NO_SPACE_BEFORE else " ") + shown
        is_open ^= piece == '"'
        glue = piece == '"' and is_open
    return text
