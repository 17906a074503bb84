"""Policies as the experiments run them. A word such as `paper`, `ring:sliced` or `galaxy:sliced:ring` is a policy with
its granularity and its kind of reduction."""
from dataclasses import dataclass

POLICIES = ("resource_aware", "exact", "paper", "dynamic_layer", "edgeshard", "edgeshard_throughput",
            "galaxy", "mdi_ring", "ring", "static", "greedy", "round_robin")
# The policies that arXiv 2505.02533 is compared with, and similar ones: each device has whole layers, or a
# share of every layer.
LAYER_BASED = ("dynamic_layer", "edgeshard", "edgeshard_throughput", "ring", "mdi_ring", "galaxy")
OURS = "resource_aware"


@dataclass(frozen=True)
class Contender:
    policy: str
    sliced: bool = False
    ring: bool = False  # policy galaxy forms sums by a ring all-reduce instead of a hub

    @property
    def word(self) -> str:
        return self.policy + ":sliced" * self.sliced + ":ring" * self.ring

    @property
    def label(self) -> str:
        """The name for tables that state the granularity elsewhere."""
        return self.policy + " (ring)" * self.ring

    def options(self, slices: int) -> tuple[str, ...]:
        """The options for the command line of `headroom simulate`; `slices` is the number of slices per layer."""
        settings = ["--policy", self.policy]
        if self.sliced:
            settings += ["--set", "controller.granularity=sliced", "--set", f"controller.slices={slices}"]
        if self.ring:
            settings += ["--set", "controller.reduce=ring"]
        return tuple(settings)


def parse(text: str) -> list[Contender]:
    """The contenders of a comma-separated list, without duplicates. Raises ValueError with a message for users."""
    contenders = []
    for word in text.split(","):
        policy, *marks = word.strip().split(":")
        if policy not in POLICIES:
            raise ValueError(f'there is no policy "{policy}"; there are {", ".join(POLICIES)}')
        if set(marks) - {"sliced", "ring"}:
            raise ValueError(f'"{word}": behind a policy only :sliced and :ring are known')
        contender = Contender(policy, "sliced" in marks, "ring" in marks)
        if contender.ring and not (contender.sliced and policy == "galaxy"):
            raise ValueError(f'"{word}": only galaxy:sliced adds up by a ring')
        if contender not in contenders:
            contenders.append(contender)
    return contenders


def with_reference(contenders: list[Contender], reference: Contender) -> list[Contender]:
    """The contenders with the reference as the first."""
    return [reference, *(contender for contender in contenders if contender != reference)]
