"""Nouns in sentences: "4 subnets", "an access entry", "1 VPC". Every count and every article is made here.

A kind is called as AWS and Kubernetes call it: `noun("access-entry")` is "access entry". The rules are those of English
for words that end as ours do (https://www.gingersoftware.com/content/grammar-rules/nouns/singular-and-plural-nouns);
what sounds otherwise than it is spelt stands in the tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Kinds that are not called by their own words.
_NOUNS: Mapping[str, str] = {
    "addon": "add-on",
    "asg-tags": "set of Auto Scaling group tags",
    "custom-object": "custom object",
    "egress-only-internet-gateway": "egress-only internet gateway",
    "elastic-ip": "Elastic IP",
    "existing-vpc": "existing VPC",
    "iam-role": "IAM role",
    "kms-key": "KMS key",
    "kube-object": "Kubernetes object",
    "kube-workload": "Kubernetes workload",
    "model-files": "set of model files",
    "nat-gateway": "NAT gateway",
    "pod-identity-association": "Pod Identity association",
    "service-linked-role": "service-linked role",
    "vpc": "VPC",
    "vpc-endpoint": "VPC endpoint",
}
_AS_A_WORD = frozenset({"NAT"})  # capitals that are read as a word, and not letter by letter
_AS_YOU = ("eu", "one", "uni", "use", "usu", "uti")  # begin with a vowel, and sound as "you" or "won" do
_SILENT_H = ("hour", "honest", "heir", "honor", "honour")
_LETTERS_WITH_A_VOWEL = frozenset("AEFHILMNORSX8")  # "an SQS queue", "an m7i.large", "an 8-core node"


def noun(kind: str) -> str:
    """What one of a kind is called: "IAM role" for "iam-role"."""
    return _NOUNS.get(kind) or kind.replace("-", " ")


def many(one: str) -> str:
    """The plural of a noun; of "set of files" that is "sets of files"."""
    head, of, rest = one.partition(" of ")
    if re.search(r"[^aeiou]y$", head):
        head = f"{head[:-1]}ies"
    else:
        head += "es" if re.search(r"(?:s|x|z|ch|sh)$", head) else "s"
    return f"{head}{of}{rest}"


def plural(count: int, one: str, others: str = "") -> str:
    """The count and its noun: "1 subnet", "4 subnets"; `others` where the plural is irregular."""
    return f"{count} {one if count == 1 else others or many(one)}"


def counted(counts: Mapping[str, int]) -> str:
    """Kinds and how many there are of each: "1 VPC, 4 subnets"."""
    return ", ".join(plural(count, noun(kind)) for kind, count in counts.items())


def article(word: str) -> str:
    """The word with "a" or "an" before it, as it is spoken."""
    first = re.split(r"[\s-]", word.lstrip("'\"`({["), maxsplit=1)[0]
    by_letter = first.isupper() and len(first) > 1 and first not in _AS_A_WORD
    by_letter = by_letter or bool(re.match(r"[A-Za-z]?\d", first))
    if by_letter or len(first) == 1:
        vowel = first[:1].upper() in _LETTERS_WITH_A_VOWEL or first[:2] in ("11", "18")
    else:
        low = first.lower()
        vowel = low.startswith(_SILENT_H) or (low[:1] in tuple("aeiou") and not low.startswith(_AS_YOU))
    return f"{'an' if vowel else 'a'} {word}"
