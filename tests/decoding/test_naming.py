"""naming.py: the answer has the name that is the most probable as a whole, whatever is drafted."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from random import Random
from typing import Any

import numpy as np
import pytest

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.naming import MAX_NAMES
from kvrm_grammar.decoding.protocol import Answer, Request, no_draft
from kvrm_grammar.errors import DecodeError

Name = tuple[int, ...]
END, TAILS = 9, (20, 21)
LETTERS = (1, 2, 3)
WIDTH = 30


class Guessing:
    """A model whose scores are random numbers, the same for the same beginning."""

    shares_rows = False

    def __init__(self, seed: int, sharpness: float) -> None:
        self.seed, self.sharpness = seed, sharpness

    def hidden(self, ids: Any, positions: Any, mask: Any, places: Any) -> Any:
        return np.array([self._of(ids[row, : place + 1].tolist()) for row, place in places])

    def scores(self, vectors: Any, columns: Any) -> Any:
        return vectors[:, columns]

    def _of(self, beginning: Sequence[int]) -> Any:
        rng = Random(f"{self.seed} {[*beginning]}")
        return np.array([rng.gauss(0, self.sharpness) for _ in range(WIDTH)], dtype=np.float32)

    def chances(self, beginning: Sequence[int], allowed: Sequence[int]) -> dict[int, float]:
        own = self._of([0, *beginning])[list(allowed)].astype(float)
        return dict(zip(allowed, np.exp(own) / np.exp(own).sum(), strict=True))


class Named:
    """Answers of a name, the end of the name, and one of two tails; some names are dead."""

    eos_token_id, max_tokens, initial_state = 0, 9, 0

    def __init__(self, names: Sequence[Name], alive: Sequence[Name]) -> None:
        self.names = [(*name, END) for name in names]
        self.alive = [(*name, END) for name in alive]
        self._beginnings: list[Name] = [()]

    def following(self, names: Sequence[Name], own: Name) -> list[int]:
        return sorted({name[len(own)] for name in names if name[: len(own)] == own})

    def allowed(self, state: int) -> Any:
        own = self._beginnings[state]
        if own and own[-1] in TAILS:
            return np.array([self.eos_token_id])
        return np.array(TAILS if END in own else self.following(self.alive, own))

    def naming(self, state: int) -> Any:
        own = self._beginnings[state]
        several = sum(name[: len(own)] == own for name in self.names) > 1
        return np.array(self.following(self.names, own)) if several else None

    def next_state(self, state: int, token_id: int) -> int | None:
        if token_id not in self.allowed(state) or token_id == self.eos_token_id:
            return None
        longer = (*self._beginnings[state], token_id)
        if longer not in self._beginnings:
            self._beginnings.append(longer)
        return self._beginnings.index(longer)

    def rest(self, state: int) -> None:
        return None


def drawn(seed: int, *, dead: bool = True) -> tuple[Guessing, Named]:
    """A model and a language of two to twelve names, of which some are dead."""
    rng = Random(seed)
    every = [name for length in (1, 2, 3) for name in product(LETTERS, repeat=length)]
    names = rng.sample(every, rng.randint(2, 12))
    alive = rng.sample(names, rng.randint(1, len(names))) if dead else names
    return Guessing(seed, rng.choice([0.5, 2.0, 5.0])), Named(names, alive)


def decoded(model: Guessing, language: Named, draft: Any = no_draft) -> Answer:
    (found,) = Engine(model).run([Request([0], language, draft)])
    assert isinstance(found, Answer)
    return found


def chance_of(model: Guessing, language: Named, name: Name) -> float:
    """Of a whole name, among all names."""
    found = 1.0
    for place, token_id in enumerate(name):
        ids = language.following(language.names, name[:place])
        found *= model.chances(name[:place], ids)[token_id]
    return found


def tail_of(model: Guessing, name: Name) -> tuple[int, float]:
    chances = model.chances(name, TAILS)
    best = max(TAILS, key=lambda token_id: chances[token_id])
    return best, chances[best]


def split(answer: Answer) -> tuple[Name, int]:
    return answer.token_ids[:-1], answer.token_ids[-1]


@pytest.mark.parametrize("seed", range(100))
def test_the_most_probable_name_is_found(seed: int) -> None:
    """As by trying them all; behind it the best token counts, as ever."""
    model, language = drawn(seed)
    chances = {name: chance_of(model, language, name) for name in language.alive}
    name, tail = split(decoded(model, language))
    assert name == max(language.alive, key=lambda one: chances[one])
    assert tail == tail_of(model, name)[0]


@pytest.mark.parametrize("seed", range(100))
def test_a_draft_changes_neither_answer_nor_confidence(seed: int) -> None:
    """Any name, right or wrong or dead, with any tail, or garbage: only the passes differ."""
    model, language = drawn(seed)
    plain, rng = decoded(model, language), Random(seed)
    for name in [*language.names, (7, 7, 7)]:
        own = decoded(model, language, _draft((*name, rng.choice(TAILS))))
        assert own.token_ids == plain.token_ids
        assert own.log_probability == pytest.approx(plain.log_probability, abs=1e-9)
        assert own.margin == pytest.approx(plain.margin, abs=1e-9)
        assert own.passes <= plain.passes
    right = decoded(model, language, _draft(plain.token_ids))
    assert right.drafted == len(plain.token_ids) or right.passes > 1


def _draft(answer: Sequence[int]) -> Callable[[Sequence[int]], Sequence[int]]:
    def draft(accepted: Sequence[int]) -> Sequence[int]:
        matches = tuple(answer[: len(accepted)]) == tuple(accepted)
        return answer[len(accepted) :] if matches else ()

    return draft


@pytest.mark.parametrize("seed", range(80))
def test_without_dead_names_confidence_is_the_product(seed: int) -> None:
    """The name's own probability, times the tail's."""
    model, language = drawn(seed, dead=False)
    answer = decoded(model, language)
    name, _ = split(answer)
    expected = chance_of(model, language, name) * tail_of(model, name)[1]
    assert math.exp(answer.log_probability) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(100))
def test_confidence_is_beside_what_begins_otherwise(seed: int) -> None:
    """Along the name, what the language has beside it; never more than the name's true share."""
    model, language = drawn(seed)
    answer = decoded(model, language)
    name, _ = split(answer)
    chances = {one: chance_of(model, language, one) for one in language.alive}
    beside = 0.0
    for place, token_id in enumerate(name):
        own = model.chances(name[:place], language.following(language.names, name[:place]))
        alive = language.following(language.alive, name[:place])
        before = chance_of(model, language, name[:place])
        beside += before * sum(own[one] for one in alive if one != token_id)
    said = math.exp(answer.log_probability) / tail_of(model, name)[1]
    assert said == pytest.approx(chances[name] / (chances[name] + beside), rel=1e-5)
    assert 0 < said <= chances[name] / sum(chances.values()) * (1 + 1e-5)


@pytest.mark.parametrize("seed", range(80))
def test_the_margin_is_how_near_another_name_could_be(seed: int) -> None:
    """No name that is alive is nearer than the margin says."""
    model, language = drawn(seed)
    answer = decoded(model, language)
    name, _ = split(answer)
    logs = {one: math.log(chance_of(model, language, one)) for one in language.alive}
    assert answer.margin >= 0
    for other, log in logs.items():
        if other != name:
            assert logs[name] - log >= answer.margin - 1e-4


class Sure(Guessing):
    """Believes in one token behind some beginnings, and nothing elsewhere."""

    def __init__(self, beliefs: dict[Name, tuple[int, float]]) -> None:
        super().__init__(0, 1.0)
        self.beliefs = beliefs

    def _of(self, beginning: Sequence[int]) -> Any:
        found = np.zeros(WIDTH, dtype=np.float32)
        token_id, score = self.beliefs.get(tuple(beginning), (0, 0.0))
        found[token_id] = score
        return found


def test_a_dead_name_gives_nothing_to_its_neighbour() -> None:
    """The model means a name that is not to be had; the one that begins as it does is not taken."""
    language = Named([(1, 2), (1, 3), (3,)], [(1, 3), (3,)])
    model = Sure({(0,): (1, 7.0), (0, 1): (2, 7.0)})
    stepwise = decoded(model, language)
    assert split(stepwise)[0] == (3, END)
    for draft in ((3, END, 20), (1, 3, END, 20)):
        own = decoded(model, language, _draft(draft))
        assert own.token_ids == stepwise.token_ids
        assert own.log_probability == pytest.approx(stepwise.log_probability)


def test_confidence_falls_as_a_dead_name_rises() -> None:
    """The surer the model is of a name that is not to be had, the less of any other; no jump."""
    language = Named([(1, 2), (1, 3), (3,)], [(1, 3), (3,)])
    said = []
    for score in np.linspace(-3, 3, 61):
        model = Sure({(0,): (1, float(score)), (0, 1): (2, 7.0)})
        answer = decoded(model, language)
        assert split(answer)[0] == (3, END)
        said.append(answer.log_probability)
    assert said == sorted(said, reverse=True)
    assert max(before - after for before, after in pairwise(said)) < 0.12


@pytest.mark.parametrize("height", [5.0, 20.0, 34.0, 60.0, 300.0, 900.0])
def test_what_is_small_beside_a_dead_name_is_no_less_sure(height: float) -> None:
    """The share is that of the possible names among themselves, whatever all of them weigh."""
    language = Named([(1, 2), (1, 3), (3,)], [(1, 3), (3,)])
    model = Sure({(0,): (1, height), (0, 1): (2, height - 1)})
    answer = decoded(model, language)
    assert split(answer)[0] == (1, 3, END)
    share = 1 / (1 + math.exp(-1))
    assert math.exp(answer.log_probability) == pytest.approx(share / 2, abs=0.01)


def test_so_many_names_are_looked_at_and_no_more() -> None:
    """A model that finds all alike is not asked about each; the answer is one of the language."""
    names = list(product(LETTERS, repeat=4))
    language = Named(names, names)
    answer = decoded(Sure({}), language)
    assert answer.token_ids[:4] in names
    assert MAX_NAMES < answer.passes <= 4 * MAX_NAMES + 1
    assert answer.margin == 0


def test_a_score_that_is_no_number_counts_for_its_own_answer_alone() -> None:
    """Behind a name that is passed by it is nobody's; behind the best one it is an error."""
    language = Named([(1, 2), (1, 3), (3,)], [(1, 3), (3,)])
    drafts = [no_draft, _draft((3, END, 20)), _draft((1, 3, END, 20))]
    for spoilt, is_error in (((0, 1, 3, END), False), ((0, 3, END), True)):
        model = Sure({(0,): (1, 7.0), (0, 1): (2, 7.0), spoilt: (20, math.nan)})
        for draft in drafts:
            (found,) = Engine(model).run([Request([0], language, draft)])
            assert isinstance(found, DecodeError) is is_error


def test_what_was_drafted_stays_drafted() -> None:
    """A name that is turned to has its beginning from the draft of the one before."""
    language = Named([(1, 2, 2), (1, 2, 3), (1, 3)], [(1, 2, 3), (1, 3)])
    model = Sure({(0, 1): (2, 1.0), (0, 1, 2): (2, 7.0)})
    answer = decoded(model, language, _draft((1, 2, 3, END, 20)))
    assert split(answer)[0] == (1, 3, END)
    assert answer.drafted == 1


def test_some_of_these_languages_are_of_use() -> None:
    """Greedy decoding, each token among the allowed ones, finds another name in many of them."""
    other = 0
    for seed in range(300):
        model, language = drawn(seed)
        name: Name = ()
        while END not in name:
            chances = model.chances(name, language.following(language.alive, name))
            name = (*name, max(chances, key=lambda token_id: chances[token_id]))
        other += split(decoded(model, language))[0] != name
    assert other >= 15


def test_a_batch_answers_as_each_alone() -> None:
    """Rows look for names beside each other, in as many passes as each needs."""
    model = Guessing(5, 2.0)
    languages = [drawn(seed)[1] for seed in range(40)]
    requests = [Request([0], language, no_draft) for language in languages]
    together = Engine(model).run(requests)
    assert together == [decoded(model, language) for language in languages]
    assert len({one.passes for one in together if isinstance(one, Answer)}) > 2


def test_stepwise_and_drafted_agree_with_random_weights(tiny_decoder: Decoder) -> None:
    """On the real languages of texts, by a model that has not learnt anything."""
    pipeline = tiny_decoder.pipeline
    texts = ["sub r5 r3 r1", "inc r9", "mov r1 300", "jmp loop", "jnz 7 r2", "mul r, r1"]
    readings = [tiny_decoder.dialect.read(text) for text in texts]
    rows = [(reading, pipeline.prompt(reading)) for reading in readings]
    drafted = pipeline.run(rows, "verify", "grounded")
    stepwise = pipeline.run(rows, "stepwise", "grounded")
    for own, other in zip(drafted, stepwise, strict=True):
        assert own.operation == other.operation
        assert own.confidence == pytest.approx(other.confidence, rel=1e-3)
